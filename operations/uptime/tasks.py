"""The history kept short; may run at any time and any number of times."""

from celery import shared_task
from django.utils import timezone

from operations.uptime import services


@shared_task(name="operations.tend_uptime", ignore_result=True)
def tend_uptime() -> None:
    """Add up the hours that are over and delete what is old."""
    services.tend(timezone.now())
