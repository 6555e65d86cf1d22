"""The history kept short; may run at any time and any number of times."""

from celery import shared_task
from django.utils import timezone

from operations.health.services import builtin_checks, history


@shared_task(name="operations.tend_uptime", ignore_result=True)
def tend_uptime() -> None:
    """Add up the hours that are over and delete what is old."""
    history.tend(timezone.now())


@shared_task(name="operations.note_worker", ignore_result=True)
def note_worker() -> None:
    """Say that tasks run."""
    builtin_checks.note_worker(timezone.now())
