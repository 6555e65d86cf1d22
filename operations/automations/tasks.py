"""Tasks that announce runs; the ledger decides which runs are really due."""

from collections.abc import Iterable
from typing import Any

from celery import shared_task
from celery.signals import beat_embedded_init, beat_init, worker_ready
from django.utils import timezone

from aethercrown.api import idempotency, throttling
from aethercrown.background import PeriodicThread
from aethercrown.db import cache
from aethercrown.http import sessions
from operations.automations import services
from operations.automations.registry import automation_registry

BEAT_INTERVAL_SECONDS, WEB_INTERVAL_SECONDS = 2.0, 5.0
MESSAGE_EXPIRY_SECONDS = 30  # by then an unread message has been sent again


@shared_task(name="operations.run_automation", ignore_result=True)
def run_automation(automation: str) -> None:
    """Execute what one automation has due. Called twice, or late, it repeats nothing."""
    services.run_due(automation)


@shared_task(name="operations.recover_runs", ignore_result=True)
def recover_runs() -> None:
    """Recover what dead workers left, and start what beat did not announce."""
    send(services.recover_runs(timezone.now()))


def send(waiting: Iterable[tuple[str, str]]) -> None:
    """Send the task of each automation to its queue."""
    for automation, queue in waiting:
        kwargs = {"automation": automation}
        run_automation.apply_async(kwargs=kwargs, queue=queue, expires=MESSAGE_EXPIRY_SECONDS)


def send_run(name: str) -> bool:
    """Tell a worker of a run by hand; False without a broker: the recovery task finds the run."""
    queue = automation_registry.get(name).queue
    try:
        run_automation.apply_async(kwargs={"automation": name}, queue=queue, expires=300)
    except run_automation.OperationalError:
        return False
    return True


@shared_task(name="operations.purge_runs", ignore_result=True)
def purge_runs() -> None:
    """Delete old runs, and expired idempotency records, limits, cache entries and sessions."""
    services.delete_old_runs(timezone.now())
    idempotency.purge(timezone.now())
    throttling.purge()
    cache.purge()
    sessions.purge()


@worker_ready.connect
def recover_at_worker_start(**_: Any) -> None:
    """A worker that starts recovers at once what was missed while there was none."""
    recover_runs.apply_async(expires=60)


def requeue_abandoned() -> None:
    """Requeue what dead workers left; the recovery task may wait for long in the same queue."""
    send(services.requeue_abandoned_runs(timezone.now()))


@beat_init.connect
@beat_embedded_init.connect
def start_beside_beat(**_: Any) -> None:
    """Start the thread in beat, which neither forks nor executes tasks."""
    PeriodicThread(requeue_abandoned, BEAT_INTERVAL_SECONDS, "recovery of runs").start()


# in each web process, for the time that beat is away
watcher = PeriodicThread(requeue_abandoned, WEB_INTERVAL_SECONDS, "recovery of runs")
