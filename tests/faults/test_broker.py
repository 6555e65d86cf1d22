"""The broker goes away while the platform runs: it is noticed, told once, and all is well again."""

import json
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aethercrown.embedded import valkey
from tests import rig

pytestmark = pytest.mark.fault
NOTICED_SECONDS = 60.0
WELL_SECONDS = 150.0
CHECK = "/api/v1/operational/health/check"


def asked(stack: rig.Stack, path: str) -> tuple[int, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own server over loopback
        f"{stack.url}{path}", headers={"Authorization": f"Bearer {stack.api_key}"}
    )
    with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310 - the same
        body = reply.read()
        return reply.status, json.loads(body) if "json" in reply.headers["Content-Type"] else body


def component(stack: rig.Stack, name: str) -> dict[str, Any]:
    status, body = asked(stack, CHECK)
    assert status == 200
    found: dict[str, Any] = body["data"]["report"]["components"][name]
    return found


def alerts(folder: Path) -> list[tuple[str, str]]:
    """Subject and state of every alert that health has raised."""
    with closing(sqlite3.connect(folder / "aethercrown.sqlite3")) as rows:
        query = "select subject, state from operations_alert where source = 'health'"
        return rows.execute(query).fetchall()


def seconds_until(is_so: Callable[[], bool], most: float) -> float:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < most
        time.sleep(0.5)
    return time.monotonic() - began


def test_a_stopped_broker_is_told_once_and_forgotten_when_it_is_back(tmp_path):
    address = valkey.free_address()
    broker = valkey.launch(tmp_path, address)
    broker.wait_until(address.answers)
    folder = tmp_path / "data"
    try:
        with rig.running(folder, REDIS_URL=address.url) as stack:
            seconds_until(lambda: component(stack, "broker")["state"] == "up", 30)
            broker.stop()
            seen = seconds_until(lambda: component(stack, "broker")["status"] == "unhealthy", 30)
            told = seconds_until(lambda: ("broker", "open") in alerts(folder), NOTICED_SECONDS)
            assert asked(stack, "/login")[0] == 200
            assert asked(stack, "/api/v1/optimization/budget/plans")[0] == 200
            time.sleep(45)  # three more turns of the watch
            assert [each for each in alerts(folder) if each[0] == "broker"] == [("broker", "open")]
            broker = valkey.launch(tmp_path, address)
            well = seconds_until(
                lambda: (
                    ("broker", "resolved") in alerts(folder)
                    and component(stack, "worker")["status"] == "healthy"
                ),
                WELL_SECONDS,
            )
            raised = alerts(folder)
    finally:
        broker.stop()
    line = {
        "fault": "the broker stops",
        "seconds_to_answer": round(seen, 1),
        "seconds_to_alert": round(seen + told, 1),
        "seconds_to_well": round(well, 1),
        "alerts": raised,
        "verdict": "ok",
    }
    sys.stdout.write(json.dumps(line) + "\n")
    assert raised == [("broker", "resolved")]
