"""Web server and worker die at random while clients send events: nothing is lost or doubled.

Each client sends a batch until it is answered with 200, as a client of ours must; one in four
events was sent before under the same id. At the end the rollups are the events, each id counts
once, and every threshold that a client is above has alerted once. USAGE_KILLS makes it shorter,
FAULT_SEED repeats it.
"""

import contextlib
import json
import os
import random
import secrets
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from threading import Event, Thread
from urllib.request import Request, urlopen

import pytest

from aethercrown.embedded import postgres
from tests.faults.crew import Crew, answers, wait_for
from tests.faults.test_usage_kills import DAYS, HOURS, KEYS, STORED
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KILLS = int(os.environ.get("USAGE_KILLS", "20"))
SENDERS, BATCH, CLIENTS, LIMIT = 3, 100, 20, 60
PAUSE_SECONDS = (0.3, 3.0)  # between two kills
EVALUATED_SECONDS = 120.0
TRACK = "/api/v1/enterprise/usage/track"
PLAIN = {"HTTPS": "False", "API_BURST": "1000000", "API_RATE_PER_SECOND": "1000000"}
ALERTS = """
SELECT customer.external_id, alert.percent FROM enterprise_usagealert AS alert
JOIN revenue_customer AS customer ON customer.id = alert.customer_id
"""
SET_UP = """
import django; django.setup()
from security.apikeys import services
print(services.create("usage", ["enterprise:read", "enterprise:write"]).plaintext)
"""


class Sender(Thread):
    """Sends batches, each until it is answered, until it is told to stop."""

    def __init__(self, number, url, key, stop):
        super().__init__(daemon=True)
        self.draw = random.Random(SEED + number)  # noqa: S311 - made-up events
        self.number, self.url, self.key, self.stop = number, url, key, stop
        self.made: list[dict[str, object]] = []
        self.repeats = 0  # answers that say the batch was stored by a call without an answer
        self.wrong: list[str] = []

    def run(self):
        while not self.stop.is_set():
            batch = [self.event() for _ in range(BATCH)]
            new = sum(is_new for _, is_new in batch)
            found = self.answered({"events": [event for event, _ in batch]})
            if found is None:
                return
            self.repeats += found["accepted"] != new
            if found["accepted"] not in {0, new}:
                self.wrong.append(f"{found['accepted']} of {new} new events accepted")

    def event(self):
        if self.made and self.draw.random() < 0.25:
            return self.draw.choice(self.made), False
        at = datetime.now(UTC) - timedelta(seconds=self.draw.randint(1, 600))
        made = {
            "event_id": f"{self.number}-{len(self.made)}",
            "client_id": f"client-{self.draw.randrange(CLIENTS)}",
            "metric": "calls",
            "quantity": self.draw.randint(1, 9),
            "timestamp": at.isoformat(),
        }
        self.made.append(made)
        return made, True

    def answered(self, body):
        give_up = time.monotonic() + 300
        while time.monotonic() < give_up:
            with contextlib.suppress(OSError, HTTPException, ValueError):
                return sent(self.url, self.key, body)
            time.sleep(0.1)
        self.wrong.append("a batch was never answered")
        return None


def sent(url, key, body):
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    request = Request(f"{url}{TRACK}", json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        return json.loads(answer.read())["data"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_kills_of_web_and_worker_lose_and_double_nothing(database, tmp_path):
    with contextlib.ExitStack() as kept:
        url = kept.enter_context(postgres.running()).url() if database == "postgresql" else ""
        more = PLAIN if url else {**PLAIN, "ENCRYPTION_KEYS": ""}  # those of the copied folder
        crew = Crew(tmp_path / "data", works=1, database=url, more=more)
        kept.callback(crew.end)
        outcome = killed(crew)
    report(fault="kill -9 of web and worker while events come", database=database, seed=SEED,
           load=round(os.getloadavg()[0], 1), **outcome)  # fmt: skip
    assert outcome["verdict"] == "ok"


def killed(crew):
    crew.set_up()
    crew.start_worker("worker")
    crew.start_beat("beat")
    url, key = crew.start_web("web"), crew.run_python("-c", SET_UP)
    set_limits(url, key)
    stop = Event()
    senders = [Sender(number, url, key, stop) for number in range(SENDERS)]
    for each in senders:
        each.start()
    dealt = kill_often(crew, url)
    stop.set()
    for each in senders:
        each.join(330)
    wait_for(lambda: not crew.rows("SELECT 1 FROM enterprise_dirtyclient"), EVALUATED_SECONDS)
    wrong = [text for each in senders for text in each.wrong] + differences(crew, senders)
    return {
        "kinds": dict(dealt),
        "events": sum(len(each.made) for each in senders),
        "stored_without_answer": sum(each.repeats for each in senders),
        "alerts": len(crew.rows(ALERTS)),
        "wrong": wrong,
        "verdict": "broken" if wrong else "ok",
    }


def set_limits(url, key):
    for number in range(CLIENTS):
        given = {"current": {"calls": 0}, "limits": {"calls": LIMIT * (number + 1)}}
        sent(url, key, {"client_id": f"client-{number}", "usage_data": given})


def kill_often(crew, url):
    chance = random.Random(SEED)  # noqa: S311 - a replayable moment
    dealt: Counter[str] = Counter()
    while dealt.total() < KILLS:
        time.sleep(chance.uniform(*PAUSE_SECONDS))
        name = chance.choice(["web", "web", "worker"])
        crew.kill(name)
        crew.launch(name, *crew.commands[name])
        dealt[name] += 1
        if name == "web":
            wait_for(lambda: answers(f"{url}/healthz"), 60)
    return dealt


def differences(crew, senders):
    """What is stored against what was made; rollups, ids and alerts against what is stored."""
    made = [event for each in senders for event in each.made]
    expected = (len(made), sum(event["quantity"] for event in made) * 10**6)
    found, hours, days = (plain(crew.rows(each)[0]) for each in (STORED, HOURS, DAYS))
    wrong = [] if found == (expected[0] + CLIENTS, expected[1]) else [f"{found}, not {expected}"]
    if not found == hours == days:
        wrong.append(f"{found} events, {hours} in hours and {days} in days")
    ((keys,),) = crew.rows(KEYS)
    if keys != expected[0]:
        wrong.append(f"{keys} ids of {expected[0]} events")
    totals = Counter[str]()
    for event in made:
        totals[event["client_id"]] += event["quantity"]
    crossed = sorted(
        (name, percent)
        for name, total in totals.items()
        for percent in (80, 95)
        if 100 * total >= percent * LIMIT * (int(name.rpartition("-")[2]) + 1)
    )
    alerts = sorted((name, int(float(percent))) for name, percent in crew.rows(ALERTS))
    if alerts != crossed:
        wrong.append(f"alerts {alerts}, not {crossed}")
    return wrong


def plain(row):
    return tuple(int(each) for each in row)
