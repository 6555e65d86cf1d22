"""What alerts need from time to time; each may run at any time and any number of times."""

from celery import shared_task
from django.utils import timezone

from operations.alerts import services


@shared_task(name="operations.tend_alerts", ignore_result=True)
def tend_alerts() -> None:
    """Tell what nobody has heard of, and remind of what is critical."""
    services.send_reminders(timezone.now())


@shared_task(name="operations.send_digest", ignore_result=True)
def send_digest() -> None:
    """Send the day's list of open alerts."""
    services.send_digest(timezone.now())


@shared_task(name="operations.purge_alerts", ignore_result=True)
def purge_alerts() -> None:
    """Forget what was over long ago."""
    services.delete_old_alerts(timezone.now())
