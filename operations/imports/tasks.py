"""The task that deletes what is left of old imports."""

from celery import shared_task
from django.utils import timezone

from operations.imports import services


@shared_task(name="operations.purge_imports", ignore_result=True)
def purge_imports() -> None:
    """Delete old drafts, and rows of imports that are undone or failed."""
    services.purge(timezone.now())
