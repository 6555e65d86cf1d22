"""A restore that is killed at any moment leaves the former database, or the restored one paused.

RESTORE_KILLS makes it shorter, FAULT_SEED repeats it. On SQLite, where the swap is files.
"""

import json
import os
import random
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import pytest

from tests import rig, template

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KILLS = int(os.environ.get("RESTORE_KILLS", "200"))
KEY = "k" * 40
NAME = "aethercrown.sqlite3"


def test_a_killed_restore_never_lets_automation_run_unasked(tmp_path):
    chooser = random.Random(SEED)  # noqa: S311 - a test's choice
    outcomes: Counter[str] = Counter()
    wrong = []
    first = tmp_path / "first"
    template.migrated_folder(first)
    execute(first, "UPDATE django_content_type SET model = 'old' WHERE id = 1")
    backup = tmp_path / "old.backup"
    call(first, "backup", "--to", str(backup)).wait()
    execute(first, "UPDATE django_content_type SET model = 'new' WHERE id = 1")
    began = time.monotonic()
    usual = 0.0
    for number in range(KILLS):
        place = tmp_path / f"place-{number}"
        shutil.copytree(first, place)
        started = time.monotonic()
        process = call(place, "restore", str(backup), "--replace")
        if number:
            time.sleep(chooser.uniform(0.3, 1.05) * usual)
            process.send_signal(signal.SIGKILL)
        process.wait()
        usual = usual or time.monotonic() - started
        state = look(place / NAME)
        outcomes[state] += 1
        if state not in {"former, not paused", "restored, paused"}:
            wrong.append(f"{number}: {state}")
        shutil.rmtree(place)
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "restore killed",
        "seed": SEED,
        "kills": KILLS,
        "outcomes": dict(outcomes),
        "seconds": round(time.monotonic() - began),
        "verdict": "broken" if wrong else "ok",
    }))  # fmt: skip
    assert not wrong


def call(folder, *arguments):
    """Start a command on the data folder."""
    chosen = {name: text for name, text in os.environ.items() if name not in rig.TEST_VARIABLES}
    given = {**chosen, "DATA_DIR": str(folder), "BACKUP_KEY": KEY, "DATABASE_URL": ""}
    given["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *arguments],
        env=given,
        cwd=rig.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def execute(folder, statement):
    with closing(sqlite3.connect(folder / NAME)) as rows, rows:
        rows.execute(statement)


def look(path):
    """Which database is at the path, and whether automation is paused in it."""
    if not path.exists():
        return "no database"
    with closing(sqlite3.connect(path)) as rows:
        if rows.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return "damaged"
        (model,) = rows.execute("SELECT model FROM django_content_type WHERE id = 1").fetchone()
        (open_pauses,) = rows.execute(
            "SELECT count(*) FROM aethercrown_automationpause WHERE ended_at IS NULL"
        ).fetchone()
    which = {"old": "restored", "new": "former"}[model]
    return f"{which}, {'paused' if open_pauses else 'not paused'}"
