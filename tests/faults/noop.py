"""Empty tasks, and empty runs, for measuring what a queue and a ledger cost by themselves."""

import json
import os
import time

import redis
from celery import Celery

URL = os.environ.get("REDIS_URL", "")
app = Celery("noop", broker=URL)
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600, "global_keyprefix": "bench:"},
)
_counter = None
RUNS = 200


def count():
    global _counter  # noqa: PLW0603 - one connection a process
    _counter = _counter or redis.Redis.from_url(URL)
    _counter.incr("noop")


@app.task(name="noop.early", acks_late=False, ignore_result=True)
def early():
    count()


@app.task(name="noop.late", acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def late():
    count()


def fill(number, *, late):
    """Put as many messages into the queue."""
    task = app.tasks["noop.late" if late else "noop.early"]
    with app.producer_pool.acquire(block=True) as producer:
        for _message in range(number):
            task.apply_async(producer=producer, queue="bench")


def runs():
    """Milliseconds of one run through the ledger, and of a sweep that finds nothing to do."""
    import django  # noqa: PLC0415 - only this measure needs it

    django.setup()
    from django.utils import timezone  # noqa: PLC0415 - after the set-up

    from operations.automations import services  # noqa: PLC0415
    from operations.automations.models import Automation  # noqa: PLC0415
    from tests.faults import works  # noqa: PLC0415

    name = works.NAMES[0]
    Automation.objects.exclude(name=name).update(is_enabled=False)
    services.run_planned(name, timezone.now(), trigger="manual")
    whole, cpu = time.perf_counter(), time.process_time()
    for _run in range(RUNS):
        result = services.run_planned(name, timezone.now(), trigger="manual")
        assert result.state == "done", result
    whole, cpu = time.perf_counter() - whole, time.process_time() - cpu
    swept = time.process_time()
    for _sweep in range(50):
        services.recover_runs(timezone.now())
    swept = time.process_time() - swept
    return {
        "run, wall": 1000 * whole / RUNS,
        "run, CPU": 1000 * cpu / RUNS,
        "sweep, CPU": 1000 * swept / 50,
    }


if __name__ == "__main__":
    print(json.dumps(runs()))  # noqa: T201 - its output
