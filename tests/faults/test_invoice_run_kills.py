"""A month's closing that is killed at any moment issues each invoice once, and loses none.

INVOICE_KILLS makes it shorter, FAULT_SEED repeats it. On SQLite, in a process of its own.
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

import pytest

from tests import rig, template

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KILLS = int(os.environ.get("INVOICE_KILLS", "30"))
CUSTOMERS = 240
NAME = "aethercrown.sqlite3"
LONGEST_SECONDS = 0.15  # of issuing before the kill


def test_a_killed_closing_issues_each_invoice_once_and_loses_none(tmp_path):
    chooser = random.Random(SEED)  # noqa: S311 - a test's choice
    folder = tmp_path / "data"
    template.migrated_folder(folder)
    run(folder, "prepare", str(CUSTOMERS)).wait()
    kills = 0
    counts: list[int] = []
    while kills < KILLS and issued(folder) < CUSTOMERS:
        before = issued(folder)
        process = run(folder, "issue")
        while process.poll() is None and issued(folder) == before:
            time.sleep(0.02)
        time.sleep(chooser.uniform(0.0, LONGEST_SECONDS))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills, counts = kills + 1, [*counts, issued(folder)]
    assert run(folder, "issue").wait() == 0
    wrong = look(folder)
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "a month's closing killed",
        "seed": SEED,
        "kills": kills,
        "invoices_after_each": counts,
        "wrong": wrong,
        "verdict": "broken" if wrong else "ok",
    }))  # fmt: skip
    assert not wrong


def run(folder, *arguments):
    """Start the process that prepares or issues on this data folder."""
    chosen = {name: text for name, text in os.environ.items() if name not in rig.TEST_VARIABLES}
    given = {**chosen, "DATA_DIR": str(folder), "DATABASE_URL": ""}
    given["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.faults.invoicing", *arguments],
        env=given,
        cwd=rig.ROOT,
        stderr=subprocess.DEVNULL,
    )


def issued(folder):
    return asked(folder, "SELECT count(*) FROM revenue_invoice")[0][0]


def look(folder):
    """What is wrong after the last run: doubled, missing or unequal invoices, or an open run."""
    wrong = []
    if asked(folder, "PRAGMA integrity_check") != [("ok",)]:
        wrong.append("the database is damaged")
    by_customer = asked(
        folder, "SELECT customer_id, count(*), sum(total) FROM revenue_invoice GROUP BY 1"
    )
    if [(count, float(total)) for _, count, total in by_customer] != [(1, 99.0)] * CUSTOMERS:
        wrong.append(f"invoices: {by_customer}")
    finished = asked(folder, "SELECT issued_count, finished_at IS NULL FROM revenue_invoicerun")
    if finished != [(CUSTOMERS, 0)]:
        wrong.append(f"runs: {finished}")
    return wrong


def asked(folder, question):
    with closing(sqlite3.connect(folder / NAME)) as rows:
        return rows.execute(question).fetchall()
