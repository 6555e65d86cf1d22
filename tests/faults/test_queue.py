"""The broker dies with messages in it, and is away while somebody publishes."""

import os
import signal
import time

import pytest
import redis

from tests.faults.crew import Crew
from tests.faults.test_workers import broker_pid, report

pytestmark = pytest.mark.fault
ITEMS = 10_000
RESTART_SECONDS = 0.3
REFUSED_SECONDS = 3.0
PUBLISH = (
    "import django; django.setup(); import time;"
    " from aethercrown.celery import app; began = time.monotonic();\n"
    "try: app.send_task('operations.record_worker_heartbeat')\n"
    "except Exception as error:\n"
    "    print(type(error).__name__, time.monotonic() - began)\n"
)


@pytest.fixture
def company(tmp_path):
    (tmp_path / "log").mkdir()
    made = Crew(tmp_path)
    made.start_broker()
    yield made
    made.end()


def test_what_was_queued_outlives_a_kill_of_the_broker(company):
    with redis.Redis.from_url(company.address.url) as client:
        for first in range(0, ITEMS, 500):
            client.rpush("queue", *range(first, first + 500))
        client.execute_command("WAITAOF", 1, 0, 10_000)
    os.kill(broker_pid(company), signal.SIGKILL)
    company.broker.stop()
    began = time.monotonic()
    company.start_broker()
    seconds = time.monotonic() - began
    with redis.Redis.from_url(company.address.url) as client:
        kept = [int(each) for each in client.lrange("queue", 0, -1)]
    is_good = kept == list(range(ITEMS)) and seconds <= RESTART_SECONDS
    report(fault="kill -9 of the broker with a full queue", items=ITEMS, kept=len(kept),
           restart_seconds=round(seconds, 2), asked=RESTART_SECONDS, load=os.getloadavg()[0],
           verdict="ok" if is_good else "failed")  # fmt: skip
    assert kept == list(range(ITEMS))


def test_publishing_gives_up_within_three_seconds_while_the_broker_is_away(company):
    company.broker.stop()
    answer = company.run_python("-c", PUBLISH)
    name, seconds = answer.split()
    is_good = float(seconds) <= REFUSED_SECONDS
    report(fault="publishing without a broker", error=name, seconds=round(float(seconds), 1),
           asked=REFUSED_SECONDS, verdict="ok" if is_good else "failed")  # fmt: skip
    assert is_good
