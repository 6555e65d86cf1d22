"""Documents are true: links, settings and commands exist, and commands run as printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class

from aethercrown.csv import export, importing
from aethercrown.gate import run as gate
from tests import rig, template

ROOT = Path(__file__).resolve().parent.parent
NOT_SETTINGS = {"DEMO", "FAULT_KILLS", "KEY", "PR_SET_PDEATHSIG", "PYTHON"}
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
    local = [each for each in targets if "://" not in each and not each.startswith("mailto:")]
    assert not [each for each in local if not (document.parent / each).exists()]


def without_comment(line):
    return re.sub(r"\s+# .*", "", line)


def blocks(document):
    """The lines of each code block; a line that ends with a backslash is joined with the next."""
    text = re.sub(r"\\\n\s*", "", document.read_text(encoding="utf-8"))
    found = re.findall(r"(?:^    .*\n)+", text, flags=re.MULTILINE)
    return [[line[4:] for line in block.splitlines()] for block in found]


def pieces(document):
    """The code of a document without comments: lines of blocks, and what stands in backticks."""
    spans = re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8"))
    return [*(without_comment(line) for block in blocks(document) for line in block), *spans]


CODE = [(path.name, each) for path in DOCUMENTS for each in pieces(path)]


def parser_of(name):
    """The argument parser of a command; ours of the gate runs before Django."""
    if name == "test":
        return gate.parser()
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    return command.create_parser("manage.py", name)


@pytest.mark.parametrize(
    ("document", "line"), sorted({each for each in CODE if "manage.py " in each[1]})
)
def test_a_command_that_is_named_exists_with_its_options(document, line):
    before, _, called = line.partition("manage.py ")
    assert before.endswith("./"), f"{document}: write ./manage.py"
    name, *words = called.replace('"', "").split()
    options = {each.partition("=")[0] for each in words if each.startswith("--")}
    assert options <= set(parser_of(name)._option_string_actions)
    if name in {"import_data", "export_data"} and words:
        assert words[0] in (importing if name == "import_data" else export).kinds()


@pytest.mark.parametrize(
    "line",
    sorted(
        without_comment(line).partition("./manage.py ")[2]
        for path in DOCUMENTS
        for block in blocks(path)
        for line in block
        if "./manage.py " in line and line.count('"') != 1
    ),
)
def test_a_command_in_a_block_is_accepted_whole(line):
    name, *words = shlex.split(line)
    parser_of(name).parse_args(["1" if each == "NUMBER" else each for each in words])


def test_make_targets_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z][a-z ]*):", makefile, flags=re.MULTILINE)
    targets = {each for rule in rules for each in rule.split()}
    named = {(name, each) for name, line in CODE for each in re.findall(r"\bmake ([a-z_]+)", line)}
    assert len(named) > 10
    assert {(name, each) for name, each in named if each not in targets} == set()


def test_modules_that_are_run_exist_and_so_do_the_fault_tests_chosen():
    files = sorted((ROOT / "tests" / "faults").glob("test_*.py"))
    faults = "".join(f"{path.stem} {path.read_text(encoding='utf-8')}" for path in files)
    missing = []
    for document, line in CODE:
        if found := re.search(r"(\S*)python -m (tests[\w.]*)(?: -k (\w+))?", line):
            path = ROOT / found[2].replace(".", "/")
            exists = path.with_suffix(".py").exists() or (path / "__main__.py").exists()
            chosen = not found[3] or found[3] in faults
            missing += [] if exists and chosen and found[1] == ".venv/bin/" else [(document, line)]
    assert missing == []


def test_settings_that_are_named_stand_in_the_example():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    known = set(re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE)) | NOT_SETTINGS
    pattern = r"(?<![\w./-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w(.])|^([A-Z]+)="
    named = {
        (name, first or second)
        for name, line in CODE
        for first, second in re.findall(pattern, line)
    }
    assert len(named) > 20
    assert {(name, each) for name, each in named if each not in known} == set()


def runnable(document):
    """The lines of the blocks that call ./manage.py, except those that need a file or a name."""
    found = ["\n".join(block) for block in blocks(document)]
    local = [text for text in found if "manage.py" in text and "curl" not in text]
    lines = "\n".join(local).splitlines()
    needs_more = re.compile(r"manage\.py.* [A-Z]{4,}\b(?!=)|--continuous")
    return [line for line in lines if not needs_more.search(without_comment(line))]


# Those that load the demo company or make back-ups, half a minute each: python -m tests.faults.
SLOW = {"audit.md", "budget.md"}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(path, id=path.name, marks=[pytest.mark.fault] if path.name in SLOW else [])
        for path in DOCUMENTS
        if any("./manage.py" in line for line in runnable(path))
    ],
)
def test_the_commands_of_a_document_run_as_printed(document, tmp_path):
    migrated = tmp_path / "migrated"
    template.migrated_folder(migrated)
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    copy = f'new=$(command mktemp -d -p {tmp_path}); cp -r {migrated}/. "$new"; echo "$new"'
    environment = rig.outer_environment() | {
        "DATA_DIR": str(migrated),
        "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    script = "\n".join(["set -e", f"mktemp() {{ {copy}; }}", *runnable(document)])
    done = subprocess.run(  # noqa: S603 - the project's own documents
        ["/bin/bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "app", ["marketing", "revenue", "operations", "security", "dashboards", "aethercrown"]
)
def test_the_readme_and_the_apps_story_name_every_feature(app):
    features = {path.parent.name for path in (ROOT / app).glob("*/__init__.py")} - {
        "migrations",
        "management",
        "commands",
        "formats",
        "templatetags",
    }
    story = (ROOT / app / "__init__.py").read_text(encoding="utf-8")
    row = next(line for line in README.splitlines() if line.startswith(f"| [{app}]"))
    assert not [each for each in features if each not in story or f"`{each}`" not in row]


def named_tests():
    """Each test that docs/security.md names: `tests/x.py::test_a`, then `test_b` of the same."""
    place = ""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    for path, name in re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", text):
        place = path or place
        yield place, name


def test_every_test_that_the_security_page_names_exists():
    named = set(named_tests())
    assert len(named) > 60
    missing = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (ROOT / path).exists() or f"def {name}(" not in (ROOT / path).read_text("utf-8")
    ]
    assert missing == []


# How many items of levels 1 and 2 each section of ASVS 5.0.0 has: the first ones of the section.
ASVS_ITEMS = {
    1: {1: 2, 2: 9, 3: 11, 4: 3, 5: 2},
    2: {1: 3, 2: 3, 3: 4, 4: 1},
    3: {2: 2, 3: 4, 4: 6, 5: 5, 7: 2},
    4: {1: 3, 2: 1, 3: 2, 4: 4},
    5: {1: 1, 2: 3, 3: 2, 4: 3},
    6: {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4},
    7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    8: {1: 2, 2: 3, 3: 1, 4: 1},
    9: {1: 3, 2: 4},
    10: {1: 2, 2: 2, 3: 4, 4: 11, 5: 5, 6: 2, 7: 3},
    11: {1: 2, 2: 3, 3: 3, 4: 4, 5: 1, 6: 1},
    12: {1: 3, 2: 2, 3: 4},
    13: {1: 1, 2: 5, 3: 2, 4: 5},
    14: {1: 2, 2: 4, 3: 3},
    15: {1: 3, 2: 3, 3: 7},
    16: {1: 1, 2: 5, 3: 4, 4: 3, 5: 3},
    17: {1: 1, 2: 4, 3: 2},
}


def test_every_item_of_asvs_levels_1_and_2_is_told():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    told = text.partition("## Against ASVS")[2].partition("\n## ")[0]
    told = re.sub(r"`[^`]*`", "", told)
    found = set()
    for section, first, last in re.findall(r"\b(\d+\.\d+)\.(\d+)(?:-\1\.(\d+))?", told):
        found |= {f"{section}.{each}" for each in range(int(first), int(last or first) + 1)}
    wanted = {
        f"{chapter}.{section}.{item}"
        for chapter, sections in ASVS_ITEMS.items()
        for section, count in sections.items()
        for item in range(1, count + 1)
    }
    assert len(wanted) == 253
    assert sorted(wanted - found) == []
