"""The two looks at managed keys between the daily passes."""

from celery import shared_task
from django.utils import timezone

from security.rotation import services
from security.rotation.services import automation


@shared_task(name="security.resume_rotations", ignore_result=True)
def resume_rotations() -> None:
    """Each minute: go on with what crashed or waits, and end what is due. Safe to repeat."""
    services.resume_unfinished()


@shared_task(name="security.update_key_alerts", ignore_result=True)
def update_key_alerts() -> None:
    """Each ten minutes: alerts for keys that are overdue or fail, and for passes that stay out.

    What a pass left to the hour's limit goes on once the hour is over.
    """
    now = timezone.now()
    automation.ring(now)
    automation.go_on(now)
