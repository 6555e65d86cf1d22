"""The bells: each only says that something may be due; the ledger knows what."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from aethercrown import idempotency
from operations.automations import services


@shared_task(name="operations.run_automation", ignore_result=True)
def run_automation(automation: str) -> None:
    """Do what one automation has due. Called twice, or late, it does nothing twice."""
    services.wake(automation)


@shared_task(name="operations.sweep_runs", ignore_result=True)
def sweep_runs() -> None:
    """Take up what dead workers left, and start what no beat announced."""
    for automation, queue in services.sweep(timezone.now()):
        run_automation.apply_async(kwargs={"automation": automation}, queue=queue, expires=300)


@shared_task(name="operations.purge_runs", ignore_result=True)
def purge_runs() -> None:
    """Forget old runs, and old answers kept for callers who ask again."""
    services.purge(timezone.now())
    idempotency.purge(timezone.now())


@worker_ready.connect
def sweep_at_start(**_: Any) -> None:
    """A worker that starts looks at once for what was missed while none was there."""
    sweep_runs.apply_async(expires=60)
