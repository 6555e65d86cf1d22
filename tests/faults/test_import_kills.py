"""An import that is killed at any moment leaves nothing in force, or everything.

IMPORT_KILLS makes it shorter, FAULT_SEED repeats it. On SQLite, in a process of its own.
"""

import json
import os
import random
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import date, timedelta

import pytest

from tests import rig, template

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KILLS = int(os.environ.get("IMPORT_KILLS", "20"))
CHANNELS, DAYS = 20, 1_000
ROWS = CHANNELS * DAYS
NAME = "aethercrown.sqlite3"
LONGEST_SECONDS = 0.6  # of storing before the kill
STAGED = "SELECT count(*) FROM marketing_performance"
IN_FORCE = (
    "SELECT count(*), coalesce(sum(spend), 0) FROM marketing_performance p "
    "JOIN operations_dataimport i ON i.id = p.data_import_id WHERE i.state = 'current'"
)


def test_a_killed_import_is_in_force_whole_or_not_at_all(tmp_path):
    chooser = random.Random(SEED)  # noqa: S311 - a test's choice
    folder, file = tmp_path / "data", tmp_path / "spend.csv"
    template.migrated_folder(folder)
    write(file)
    wrong: list[str] = []
    staged: list[int] = []
    while len(staged) < KILLS:
        before = asked(folder, STAGED)[0][0]
        process = run(folder, "import_data", "budget-performance", str(file), "--update")
        while process.poll() is None and asked(folder, STAGED)[0][0] == before:
            time.sleep(0.01)
        time.sleep(chooser.uniform(0.0, LONGEST_SECONDS))
        process.send_signal(signal.SIGKILL)
        process.wait()
        staged.append(asked(folder, STAGED)[0][0] - before)
        wrong += look(folder, f"after kill {len(staged)}")
    assert run(folder, "import_data", "budget-performance", str(file), "--update").wait() == 0
    wrong += look(folder, "at the end", stored=True)
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "an import killed",
        "seed": SEED,
        "kills": KILLS,
        "staged_at_each": staged,
        "wrong": wrong,
        "verdict": "broken" if wrong else "ok",
    }))  # fmt: skip
    assert not wrong


def write(file):
    first = date(2026, 11, 1) - timedelta(days=DAYS)
    lines = [
        f"{first + timedelta(days=day)},channel {number},10.00,30.00"
        for day in range(DAYS)
        for number in range(CHANNELS)
    ]
    file.write_text("\n".join(["date,channel,spend,revenue", *lines]), encoding="utf-8")


def run(folder, *arguments):
    chosen = {name: text for name, text in os.environ.items() if name not in rig.TEST_VARIABLES}
    given = {**chosen, "DATA_DIR": str(folder), "DATABASE_URL": ""}
    given["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *arguments],
        env=given,
        cwd=rig.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def look(folder, when, *, stored=False):
    """What is wrong: a damaged database, a part of a file in force, none at the end."""
    wrong = []
    if asked(folder, "PRAGMA integrity_check") != [("ok",)]:
        wrong.append(f"{when} the database is damaged")
    count, spend = asked(folder, IN_FORCE)[0]
    imports = asked(folder, "SELECT count(*) FROM operations_dataimport WHERE state = 'current'")
    if (count, float(spend)) != (imports[0][0] * ROWS, 10.0 * imports[0][0] * ROWS):
        wrong.append(f"{when} {count} rows of {spend} are in force")
    if stored and not count:
        wrong.append(f"{when} nothing is in force")
    return wrong


def asked(folder, question):
    with closing(sqlite3.connect(folder / NAME)) as rows:
        return rows.execute(question).fetchall()
