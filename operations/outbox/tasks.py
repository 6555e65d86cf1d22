"""Who sends what waits: called as soon as something is written, and each five seconds."""

from celery import shared_task
from django.utils import timezone

from operations.outbox import bell, services


@shared_task(name="operations.send_messages", ignore_result=True)
def send_messages() -> None:
    """Send what is due. Two at once share the work and send nothing twice."""
    services.drain()


@shared_task(name="operations.purge_messages", ignore_result=True)
def purge_messages() -> None:
    """Forget old messages."""
    services.purge(timezone.now())


def ask() -> None:
    """Wake a worker, without waiting long for a broker that is away."""
    send_messages.apply_async(expires=60, retry=False)


bell.hang(ask)
