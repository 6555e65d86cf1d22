"""No name that was given up comes back: docs/adr/0005 says why they went."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = """
security/stages security/custody security/passes security/turns security/keyroom security/doors
security/standing security/batches security/peppers security/system security/envelope
security/evidence security/recovery operations/vitals operations/submission operations/planning
operations/workers operations/uptime operations/outbox operations/recovery revenue/intake
revenue/closing revenue/ledger marketing/allocations
""".split()  # noqa: SIM905 - a word a name
MODULES = """
operations/messaging/bell operations/messaging/letter aethercrown/remembering
aethercrown/forgetting aethercrown/trail aethercrown/past aethercrown/registers aethercrown/ring
aethercrown/backup/standstill aethercrown/backup/trials aethercrown/backup/parts
aethercrown/embedded/tether aethercrown/pages aethercrown/variables aethercrown/datadir
aethercrown/weblog aethercrown/columns aethercrown/failures aethercrown/exchange
aethercrown/sheets marketing/budget/planner/ladder marketing/budget/model/joint
marketing/budget/planner/cents marketing/budget/planner/question marketing/budget/asking
marketing/budget/answer marketing/budget/measurement/promise marketing/budget/planner/gate
marketing/budget/planner/evidence marketing/budget/model/fitted marketing/budget/planner/report
revenue/pricing/plain revenue/pricing/plainly revenue/pricing/given revenue/pricing/exact
revenue/pricing/tryout revenue/pricing/terms revenue/pricing/guards revenue/pricing/exception
revenue/pricing/documented revenue/pricing/cases revenue/customers/belongings
revenue/customers/bridge revenue/customers/movements revenue/customers/recurring
revenue/customers/ratios operations/scheduling/handover operations/scheduling/intake
operations/scheduling/outlook operations/scheduling/reason operations/scheduling/aitask
operations/scheduling/figures operations/health/side_by_side operations/health/verdict
operations/health/watch operations/automations/excerpt operations/automations/owner
operations/automations/words operations/automations/slots operations/automations/ledger
security/rotation/machine security/rotation/flow security/rotation/attempts
security/rotation/answers security/rotation/alarms security/rotation/daily
security/rotation/levels security/audit/witness security/audit/keeping security/audit/outside
security/audit/examine security/audit/histories
""".split()  # noqa: SIM905 - a word a name
CLASSES = """
Pass Turn KeptSum Mark MonthlySum Standstill Remembered Trial Bucket StoredReply Book Share Head
Closing Version Plan Key Standing Step Kept Held Watch Keeper Known Occasion Letter Circumstances
Realised Belonging Strained Faulty Unsure Deaths Voice Line PlainLine SafeLine TimedTLS Said Place
Box Ring InFlight Overtaken LostLease WrongStep Unreadable Stay Shown One Many QuestionRequest
""".split()  # noqa: SIM905 - a word a name
COLUMNS = ["told_at", "unheard", "asked_at", "next_rotation_at", "trusted_at", "demoted_at"]
FUNCTIONS = """
told tend settle apart ring hang standing held hold plant grant_roles testify mint drain relieve
go_out take_back answered give_back gained
""".split()  # noqa: SIM905 - a word a name
CONSTANTS = [
    "CROWD",
    "JUMP",
    "SILENCE",
    "PATIENCE",
    "BORN",
    "MENDS",
    "GRAVITY",
    "FAR",
    "AHEAD",
    "RESPITE",
    "SWAY",
]
TEXTS = [
    "holds now",
    "It is compromised",
    "Look for larger plans",
    "Paste a new value",
    "ALERT_SEALING_KEY",
    "MFA_SEALING_KEY",
    "view=restated",
    "Told at",
    "Closings",
]
HERE = ("tests/test_names.py", "docs/adr/")


def kept_files():
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 - as the PATH has it
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [each for each in done.stdout.splitlines() if not each.startswith(HERE)]
    return [each for each in files if (ROOT / each).is_file()]


FILES = kept_files()
SOURCES = {
    each: (ROOT / each).read_text(encoding="utf-8")
    for each in FILES
    if each.endswith((".py", ".md", ".html", ".js", ".css", ".toml", ".example"))
}
CODE = {each: text for each, text in SOURCES.items() if each.endswith(".py")}
PRODUCT = {each: text for each, text in CODE.items() if not each.startswith("tests/")}


def found(pattern, texts):
    wanted = re.compile(pattern, re.MULTILINE)
    return [
        f"{file}:{text.count(chr(10), 0, match.start()) + 1}: {match[0].strip()}"
        for file, text in texts.items()
        for match in wanted.finditer(text)
    ]


@pytest.mark.parametrize("old", [*FOLDERS, *MODULES])
def test_no_module_has_its_old_place(old):
    assert not [each for each in FILES if each == f"{old}.py" or each.startswith(f"{old}/")]


def test_no_import_and_no_page_names_an_old_place():
    dotted = "|".join(re.escape(each.replace("/", ".")) for each in [*FOLDERS, *MODULES])
    paths = "|".join(re.escape(each) for each in FOLDERS)
    assert found(rf"\b(?:{dotted})\b(?!\()|(?<![\w/])(?:{paths})(?=[/`])", SOURCES) == []


def test_no_class_has_an_old_name():
    assert found(rf"^class (?:{'|'.join(CLASSES)})\b", PRODUCT) == []


def test_no_function_has_an_old_name():
    assert found(rf"^ *(?:async )?def _?(?:{'|'.join(FUNCTIONS)})\b", PRODUCT) == []


def test_no_constant_has_an_old_name():
    assert found(rf"^_?(?:{'|'.join(CONSTANTS)})\b *[:=]", PRODUCT) == []


def test_no_column_has_an_old_name():
    assert found(rf"\b(?:{'|'.join(COLUMNS)})\b", SOURCES) == []


def test_no_screen_and_no_page_has_an_old_text():
    assert found("|".join(map(re.escape, TEXTS)), SOURCES) == []
