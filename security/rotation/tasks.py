"""Periodic work on managed keys between the nightly runs."""

from celery import shared_task
from django.utils import timezone

from security.rotation import services
from security.rotation.services import automation, channels, orders


@shared_task(name="security.resume_rotations", ignore_result=True)
def resume_rotations() -> None:
    """Each minute: resume unfinished rotations and end expired values. Safe to repeat."""
    services.run_ordered()
    services.resume_unfinished()
    channels.run_asked_tests()


@shared_task(name="security.rotate_ordered", ignore_result=True)
def rotate_ordered() -> None:
    """When somebody waits: rotate what was asked for, and test channels. Safe to repeat."""
    services.run_ordered()
    services.resume_unfinished()
    channels.run_asked_tests()


def wake_worker() -> None:
    """Ask a worker, without waiting long for a broker that is down."""
    rotate_ordered.apply_async(expires=60, retry=False)


orders.wake.append(wake_worker)


@shared_task(name="security.update_key_alerts", ignore_result=True)
def update_key_alerts() -> None:
    """Every ten minutes: alerts about keys, a catch-up run if needed, deletion of old orders."""
    now = timezone.now()
    automation.update_alerts(now)
    orders.purge(now)
    automation.enqueue_catch_up_run(now)
