"""Intake that is killed at any moment loses and doubles nothing once its batches are sent again.

USAGE_KILLS makes it shorter, FAULT_SEED repeats it. On SQLite, in a process of its own.
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
from datetime import UTC, datetime, timedelta

import pytest

from tests import rig, template

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KILLS = int(os.environ.get("USAGE_KILLS", "15"))
EVENTS, NAME = 20_000, "aethercrown.sqlite3"
LONGEST_SECONDS = 0.5  # of storing before the kill
STORED = "SELECT count(*), coalesce(sum(quantity), 0) FROM enterprise_usageevent"
HOURS = "SELECT coalesce(sum(count), 0), coalesce(sum(quantity), 0) FROM enterprise_usagehour"
DAYS = "SELECT coalesce(sum(count), 0), coalesce(sum(quantity), 0) FROM enterprise_usageday"
KEYS = "SELECT count(*) FROM enterprise_eventkey"


def test_killed_intake_loses_and_doubles_nothing(tmp_path):
    chooser = random.Random(SEED)  # noqa: S311 - a test's choice
    folder, file = tmp_path / "data", tmp_path / "events.csv"
    template.migrated_folder(folder)
    expected = write(file, chooser)
    wrong: list[str] = []
    for kill in range(KILLS):
        process = run(folder, str(file))
        began = asked(folder, STORED)
        while process.poll() is None and asked(folder, STORED) == began and kill % 2:
            time.sleep(0.01)
        time.sleep(chooser.uniform(0.0, LONGEST_SECONDS) if kill % 2 else chooser.uniform(3, 6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        wrong += look(folder, f"after kill {kill + 1}")
    assert run(folder, str(file)).wait() == 0
    wrong += look(folder, "at the end")
    if asked(folder, STORED) != expected:
        wrong.append(f"at the end {asked(folder, STORED)} instead of {expected}")
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "usage intake killed", "seed": SEED, "kills": KILLS, "events": EVENTS,
        "wrong": wrong, "verdict": "broken" if wrong else "ok",
    }))  # fmt: skip
    assert not wrong


def write(file, chooser):
    """The file, and the count and sum of its events in millionths."""
    now, total = datetime.now(UTC), 0
    lines = ["event_id,client_id,metric,quantity,timestamp"]
    for place in range(EVENTS):
        quantity = chooser.randint(1, 499)
        total += quantity
        at = now - timedelta(seconds=chooser.randint(60, 20 * 86_400))
        lines.append(f"e{place},client-{place % 50},calls,{quantity},{at.isoformat()}")
    file.write_text("\n".join(lines), encoding="utf-8")
    return [(EVENTS, total * 10**6)]


def run(folder, file):
    chosen = {name: text for name, text in os.environ.items() if name not in rig.TEST_VARIABLES}
    given = {**chosen, "DATA_DIR": str(folder), "DATABASE_URL": ""}
    given["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "manage.py", "import_data", "usage-events", file],
        env=given, cwd=rig.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def look(folder, when):
    """What is wrong: rollups that differ from the events, or ids without an event."""
    events, hours, days = (asked(folder, each) for each in (STORED, HOURS, DAYS))
    wrong = [] if events == hours == days else [f"{when} {events} events, {hours} and {days}"]
    if asked(folder, KEYS)[0][0] != events[0][0]:
        wrong.append(f"{when} ids and events differ")
    return wrong


def asked(folder, question):
    with closing(sqlite3.connect(folder / NAME)) as rows:
        return rows.execute(question).fetchall()
