"""Evaluate clients soon after their events, and look for left ones every two seconds."""

from typing import Any

from celery import shared_task
from celery.signals import beat_embedded_init, beat_init
from django.utils import timezone

from aethercrown.background import PeriodicThread
from enterprise.usage import services, wake_worker
from enterprise.usage.reports import lag

LOOK_INTERVAL_SECONDS = 2.0
MESSAGE_EXPIRY_SECONDS = 30


@shared_task(name="enterprise.evaluate_usage", ignore_result=True)
def evaluate_usage() -> None:
    """Evaluate clients whose use changed. Two at once share the work."""
    services.evaluate_dirty(timezone.now())


def evaluate_soon() -> None:
    """Tell a worker, without waiting long for a broker that is down."""
    evaluate_usage.apply_async(expires=MESSAGE_EXPIRY_SECONDS, retry=False)


def evaluate_waiting() -> None:
    """Tell a worker if a client waits: the message after its events may have been lost."""
    if lag.waits():
        evaluate_soon()


wake_worker.waker.callbacks.append(evaluate_soon)


@beat_init.connect
@beat_embedded_init.connect
def look_beside_beat(**_: Any) -> None:
    """Start the thread in beat, which neither forks nor executes tasks."""
    PeriodicThread(evaluate_waiting, LOOK_INTERVAL_SECONDS, "evaluation of usage").start()
