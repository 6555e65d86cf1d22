"""The bells: each only says that something may be due; the ledger knows what."""

from collections.abc import Iterable
from typing import Any

from celery import shared_task
from celery.signals import beat_embedded_init, beat_init, worker_ready
from django.db import connection
from django.utils import timezone

from aethercrown.api import idempotency, throttling
from aethercrown.background import PeriodicThread
from aethercrown.db import cache
from operations.automations import services

BEAT_SECONDS, WEB_SECONDS = 2.0, 5.0  # between two looks of a thread beside beat, beside the web
STALE_SECONDS = 30  # after which a bell that nobody heard is rung again by then


@shared_task(name="operations.run_automation", ignore_result=True)
def run_automation(automation: str) -> None:
    """Do what one automation has due. Called twice, or late, it does nothing twice."""
    services.run_due(automation)


@shared_task(name="operations.sweep_runs", ignore_result=True)
def sweep_runs() -> None:
    """Take up what dead workers left, and start what no beat announced."""
    ring(services.recover_runs(timezone.now()))


def ring(due: Iterable[tuple[str, str]]) -> None:
    """Wake automations, given with their queues."""
    for automation, queue in due:
        kwargs = {"automation": automation}
        run_automation.apply_async(kwargs=kwargs, queue=queue, expires=STALE_SECONDS)


@shared_task(name="operations.purge_runs", ignore_result=True)
def purge_runs() -> None:
    """Forget old runs, and old answers kept for callers who ask again."""
    services.delete_old_runs(timezone.now())
    idempotency.purge(timezone.now())
    throttling.purge()
    cache.purge()


@worker_ready.connect
def sweep_at_start(**_: Any) -> None:
    """A worker that starts looks at once for what was missed while none was there."""
    sweep_runs.apply_async(expires=60)


def watch_runs() -> None:
    """What a dead worker left is taken up within seconds, however long the queue is.

    A sweep as a task waits in line with the work, and is lost with a worker that holds it.
    """
    try:
        ring(services.requeue_abandoned_runs(timezone.now()))
    finally:
        connection.close()


@beat_init.connect
@beat_embedded_init.connect
def watch_beside_beat(**_: Any) -> None:
    """Beat forks nothing and works nothing: a thread of it is never in anybody's way."""
    PeriodicThread(watch_runs, BEAT_SECONDS, "run watch").start()


watcher = PeriodicThread(
    watch_runs, WEB_SECONDS, "run watch"
)  # of each web process, while beat is away
