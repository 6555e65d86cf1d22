"""Scheduled tasks of alerts; each may run at any time, any number of times."""

from celery import shared_task
from django.utils import timezone

from operations.alerts import services


@shared_task(name="operations.send_alert_reminders", ignore_result=True)
def send_alert_reminders() -> None:
    """Write what destinations have not heard yet, and reminders of critical alerts."""
    services.send_reminders(timezone.now())


@shared_task(name="operations.send_digest", ignore_result=True)
def send_digest() -> None:
    """Write the day's list of open alerts."""
    services.send_digest(timezone.now())


@shared_task(name="operations.purge_alerts", ignore_result=True)
def purge_alerts() -> None:
    """Delete alerts and silences that ended long ago."""
    services.delete_old_alerts(timezone.now())
