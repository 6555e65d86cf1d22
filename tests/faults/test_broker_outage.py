"""The broker goes away while everything runs: pages and API answer, one alert, and all heals.

The outage lasts longer than a worker's last sign of life counts, and afterwards everything is
watched until those who depend on the broker have no excuse any more.
"""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest

from aethercrown.embedded import valkey
from tests import rig
from tests.faults.crew import wait_for
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
OUTAGE_SECONDS = 150.0
NOTICED_SECONDS = 60.0
TOLD_SECONDS = 120.0
HEALED_SECONDS = 300.0
WATCHED_SECONDS = 210.0  # after its return, before which nothing else may be told of
RESTARTED_SECONDS = 30.0
PRINTED = "consolemail://"
LISTENER = (
    "import django; django.setup();"
    " from operations.messaging.models import Destination;"
    " Destination.objects.create("
    "name='Ada', channel='email', address='ada@example.com', least_severity='info')"
)
DOWN = "[critical] health: down, broker"
HEALTH = "/dashboards/health"
PAGES = ("/", HEALTH, "/dashboards/decisions", "/dashboards/alerts", "/admin/")
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
    subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", LISTENER],
        cwd=rig.ROOT,
        env={
            **os.environ,
            "DATA_DIR": str(stack.folder),
            "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
        },
        check=True,
        timeout=120,
    )


def alerts(stack):
    """Every alert: what it is about, its state, and what was written about it."""
    found = rows(stack, "SELECT id, kind, subject, state FROM operations_alert ORDER BY id")
    titles = "SELECT title FROM operations_message WHERE event_key LIKE ? ORDER BY id"
    return [
        (f"{kind} {subject}", state, [each for (each,) in rows(stack, titles, f"alert:{key}:%")])
        for key, kind, subject, state in found
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
        with rig.running(tmp_path / "data", REDIS_URL=address.url, EMAIL_URL=PRINTED) as stack:
            visitor = Visitor(stack)
            wait_for(lambda: all_well(visitor), HEALED_SECONDS)
            listen(stack)
            broker.stop()
            said, alerted, told, failed = outage(stack, visitor)
            at_worst = alerts(stack)
            broker = valkey.launch(folder, address)
            broker.wait_until(address.answers)
            resolved, healed = recovery(stack, visitor)
            failed += visitor.looks_at_everything()
            after = alerts(stack)
    finally:
        broker.stop()
    verdict = max(said, alerted) <= NOTICED_SECONDS and told <= TOLD_SECONDS and not failed
    verdict = verdict and at_worst == [("down broker", "open", [DOWN])]
    verdict = verdict and after == [("down broker", "resolved", [DOWN, f"{DOWN}: resolved"])]
    report(fault="the broker is away", seconds=OUTAGE_SECONDS, health_said_so_after=said,
           alerted_after=alerted, told_after=told, unanswered=failed[:5], alerts=after,
           resolved_after=resolved, all_well_after=healed,
           verdict="ok" if verdict else "failed")  # fmt: skip
    assert verdict


def test_an_embedded_broker_is_restarted_before_an_alert_is_sent(tmp_path):
    with rig.running(tmp_path / "data", EMAIL_URL=PRINTED) as stack:
        visitor = Visitor(stack)
        wait_for(lambda: all_well(visitor), HEALED_SECONDS)
        server = own_broker(stack)
        before = rows(stack, "SELECT seen_at FROM operations_heartbeat WHERE name = 'worker'")
        began = time.monotonic()
        os.kill(server, signal.SIGKILL)
        wait_for(lambda: own_broker(stack) not in {None, server}, RESTARTED_SECONDS)
        restarted = round(time.monotonic() - began, 1)
        beaten = "SELECT seen_at FROM operations_heartbeat WHERE name = 'worker'"
        wait_for(lambda: rows(stack, beaten) != before, HEALED_SECONDS)
        at_work = round(time.monotonic() - began, 1)
        wait_for(lambda: all_well(visitor), HEALED_SECONDS)
        told, failed = alerts(stack), visitor.looks_at_everything()
    verdict = not told and not failed and restarted <= RESTARTED_SECONDS
    report(fault="the platform's own broker is killed", restarted_after=restarted,
           worker_at_work_after=at_work, unanswered=failed[:5], alerts=told,
           verdict="ok" if verdict else "failed")  # fmt: skip
    assert verdict


def own_broker(stack):
    """The process id of the Valkey that the platform started; None while there is none."""
    for pid in stack.living():
        with contextlib.suppress(OSError):
            if "valkey" in Path(f"/proc/{pid}/comm").read_text(encoding="utf-8"):
                return pid
    return None


def outage(stack, visitor):
    """When health said so, the alert came and its mail went out, and what did not answer."""
    began = time.monotonic()
    said = alerted = told = float("inf")
    failed = []
    while (passed := round(time.monotonic() - began, 1)) < OUTAGE_SECONDS:
        failed += visitor.looks_at_everything()
        if "does not work" in visitor.page(HEALTH):
            said = min(said, passed)
        if alerts(stack):
            alerted = min(alerted, passed)
        if rows(stack, "SELECT 1 FROM operations_message WHERE state = 'sent'"):
            told = min(told, passed)
        time.sleep(2)
    return said, alerted, told, failed


def recovery(stack, visitor):
    """Seconds until the alert is resolved and until all is well; watched to the end of excuses."""
    began = time.monotonic()
    resolved = healed = float("inf")
    while (passed := round(time.monotonic() - began, 1)) < HEALED_SECONDS:
        if resolved == float("inf") and alerts(stack)[0][1] == "resolved":
            resolved = passed
        is_well = all_well(visitor)
        healed = min(healed, passed) if is_well else float("inf")
        if is_well and resolved < passed and passed > WATCHED_SECONDS:
            break
        time.sleep(2)
    return resolved, healed
