"""The broker goes away while everything runs: pages and API answer, one alert, and all heals."""

import contextlib
import json
import re
import sqlite3
import time
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest

from aethercrown.embedded import valkey
from tests import rig
from tests.faults.crew import wait_for
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
OUTAGE_SECONDS = 100.0
NOTICED_SECONDS = 60.0
HEALED_SECONDS = 300.0
DOWN = "[critical] health: down, broker"
PAGES = ("/", "/dashboards/decisions", "/dashboards/alerts", "/admin/")
CALLS = ("/api/v1/operational/health/check", "/api/v1/optimization/budget/plans")


class Visitor:
    """A person with a session, and a program with a key."""

    def __init__(self, stack):
        self.stack = stack
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))
        text = self.page("/admin/login/")
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', text))
        form = {"username": "admin", "password": stack.password, "csrfmiddlewaretoken": token}
        self.opener.open(f"{stack.url}/admin/login/", urlencode(form).encode(), timeout=30)

    def page(self, path):
        with self.opener.open(f"{self.stack.url}{path}", timeout=30) as reply:
            return reply.read().decode()

    def call(self, path):
        request = Request(  # noqa: S310 - our own loopback address
            f"{self.stack.url}{path}", headers={"Authorization": f"Bearer {self.stack.api_key}"}
        )
        with urlopen(request, timeout=30) as reply:  # noqa: S310 - the same
            return json.load(reply)["data"]

    def looks_at_everything(self):
        """How many of the pages and calls did not answer."""
        failed = []
        for each in (*PAGES, *CALLS):
            try:
                self.page(each) if each in PAGES else self.call(each)
            except (HTTPError, OSError) as error:
                failed.append(f"{each}: {error}")
        return failed


def rows(stack, query, *values):
    place = stack.folder / "aethercrown.sqlite3"
    with contextlib.closing(sqlite3.connect(place, timeout=20)) as database, database:
        return database.execute(query, values).fetchall()


def listen(stack):
    """Enter somebody who hears of alerts."""
    rows(
        stack,
        "INSERT INTO operations_destination (name, channel, address, sealed_secret,"
        " least_severity, takes_alerts, takes_digest, is_enabled, created_at)"
        " VALUES ('Ada', 'email', 'ada@example.com', '', 'info', 1, 0, 1, '2026-01-01 00:00:00')",
    )


def alerts(stack):
    """The alerts about the broker: each one's state, and what was written about it."""
    found = rows(
        stack,
        "SELECT id, state FROM operations_alert"
        " WHERE source = 'health' AND subject = 'broker' AND kind = 'down' ORDER BY id",
    )
    titles = "SELECT title FROM operations_message WHERE event_key LIKE ? ORDER BY id"
    return [
        (state, [title for (title,) in rows(stack, titles, f"alert:{number}:%")])
        for number, state in found
    ]


def all_well(visitor):
    components = visitor.call(CALLS[0])["report"]["components"]
    return all(each["status"] == "healthy" for each in components.values())


def test_while_the_broker_is_away_all_answers_and_afterwards_all_heals(tmp_path):
    folder, address = tmp_path / "broker", valkey.free_address()
    (folder / "log").mkdir(parents=True)
    broker = valkey.launch(folder, address)
    try:
        broker.wait_until(address.answers)
        with rig.running(tmp_path / "data", REDIS_URL=address.url) as stack:
            visitor = Visitor(stack)
            wait_for(lambda: all_well(visitor), HEALED_SECONDS)
            listen(stack)
            broker.stop()
            noticed, failed = outage(stack, visitor)
            at_worst = alerts(stack)
            broker = valkey.launch(folder, address)
            broker.wait_until(address.answers)
            began = time.monotonic()
            wait_for(lambda: alerts(stack)[0][0] == "resolved", HEALED_SECONDS)
            wait_for(lambda: all_well(visitor), HEALED_SECONDS)
            healed = time.monotonic() - began
            failed += visitor.looks_at_everything()
            after = alerts(stack)
    finally:
        broker.stop()
    verdict = noticed <= NOTICED_SECONDS and not failed and at_worst == [("open", [DOWN])]
    verdict = verdict and after == [("resolved", [DOWN, f"{DOWN}: resolved"])]
    report(fault="the broker is away", seconds=OUTAGE_SECONDS, noticed_after=round(noticed, 1),
           unanswered=failed[:5], alerts=after, healed_after=round(healed, 1),
           verdict="ok" if verdict else "failed")  # fmt: skip
    assert verdict


def outage(stack, visitor):
    """Look at everything again and again; when the alert came, and what did not answer."""
    began = time.monotonic()
    noticed, failed = float("inf"), []
    while time.monotonic() - began < OUTAGE_SECONDS:
        failed += visitor.looks_at_everything()
        if noticed == float("inf") and alerts(stack):
            noticed = time.monotonic() - began
        time.sleep(2)
    return noticed, failed
