"""Scheduled tasks of decisions; each may run at any time, any number of times."""

from celery import shared_task
from django.utils import timezone

from operations.decisions import services


@shared_task(name="operations.measure_decisions", ignore_result=True)
def measure_decisions() -> None:
    """Measure applied decisions whose horizon is over."""
    services.measure_due(timezone.now())


@shared_task(name="operations.expire_decisions", ignore_result=True)
def expire_decisions() -> None:
    """Reject proposals that nobody decided in time."""
    services.expire_proposals(timezone.now())
