"""A worker's sign of life: sent by beat, carried by the broker, written by the worker."""

from celery import shared_task
from django.utils import timezone

from operations.vitals import services


@shared_task(name="operations.note_worker", ignore_result=True)
def note_worker() -> None:
    """Say that tasks run."""
    services.note_worker(timezone.now())
