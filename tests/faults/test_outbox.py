"""10,000 events written and sent by processes that are killed: one row each, every one sent."""

import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests import rig
from tests.faults.crew import Crew
from tests.faults.posting import EVENTS
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
COUNT = int(os.environ.get("FAULT_EVENTS", EVENTS))
LIFE_SECONDS = (0.5, 6.0)  # of a process before it is killed; its start takes the first of them
SECONDS = 1_500.0
LEASE = 120  # seconds: how long a message that a killed process held stays with it


class Company:
    """A database with one destination, and processes that write to it and send from it."""

    def __init__(self, folder):
        self.crew = Crew(folder)
        (folder / "log").mkdir(parents=True)
        self.sent = folder / "sent.log"
        self.crew.call("-m", "django", "migrate", "-v0")
        self.crew.call(
            "-c",
            "import django; django.setup(); from operations.messaging.models import Destination;"
            " Destination.objects.create(name='a', channel='email', address='a@example.com')",
        )
        self.kills = 0

    def begin(self, *arguments):
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "tests.faults.posting", *map(str, arguments)],
            cwd=rig.ROOT,
            env=self.crew.environment(),
        )

    def until_it_ends(self, chance, *arguments):
        """Begin it again and again, killed at random moments, until it ends by itself.

        Each life may be longer than the one before, so that the work comes to its end.
        """
        longest = LIFE_SECONDS[1]
        while True:
            process = self.begin(*arguments)
            try:
                code = process.wait(chance.uniform(LIFE_SECONDS[0], longest))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.kills += 1
                longest *= 1.15
            else:
                assert code == 0
                return

    def lapse(self):
        """Let the leases of killed processes lapse now, rather than wait for it."""
        self.crew.call(
            "-c",
            "import django; django.setup(); from operations.messaging.models import Message;"
            " from django.utils import timezone;"
            " Message.objects.filter(state='sending').update(lease_until=timezone.now())",
        )


def test_each_event_has_one_row_and_is_sent(tmp_path):
    chance = random.Random(SEED)  # noqa: S311 - a replayable moment, no secret
    company = Company(tmp_path / "data")
    began = time.monotonic()
    company.until_it_ends(chance, "write", 0, COUNT)
    [(rows, different)] = company.crew.rows(
        "SELECT COUNT(*), COUNT(DISTINCT event_key) FROM operations_message"
    )
    written = company.kills
    while company.crew.rows("SELECT 1 FROM operations_message WHERE state <> 'sent' LIMIT 1"):
        assert time.monotonic() - began < SECONDS
        company.lapse()
        process = company.begin("send", company.sent)
        try:
            process.wait(chance.uniform(3.0, 20.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            company.kills += 1
    times = Counter(company.sent.read_text().split())
    again = sum(count - 1 for count in times.values())
    kills = company.kills - written
    verdict = rows == different == len(times) == COUNT and again <= kills
    report(fault="10,000 events under kills", seed=SEED, events=COUNT, rows=rows,
           kills_while_writing=written, kills_while_sending=kills, arrived=len(times),
           arrived_again=again, verdict="ok" if verdict else "failed")  # fmt: skip
    assert verdict
