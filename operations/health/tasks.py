"""Hourly rollups, and the worker's heartbeat; safe to run at any time and repeatedly."""

from celery import shared_task
from django.utils import timezone

from operations.health.services import builtin_checks, history


@shared_task(name="operations.roll_up_health", ignore_result=True)
def roll_up_health() -> None:
    """Add up the hours that are over and delete old rows."""
    history.roll_up_and_purge(timezone.now())


@shared_task(name="operations.record_worker_heartbeat", ignore_result=True)
def record_worker_heartbeat() -> None:
    """Record that a worker runs tasks."""
    builtin_checks.record_worker_heartbeat(timezone.now())
