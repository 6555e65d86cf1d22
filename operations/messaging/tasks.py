"""Who sends what waits: called as soon as something is written, and each five seconds."""

from celery import shared_task
from django.db import connection
from django.utils import timezone

from aethercrown.background import PeriodicThread
from operations.messaging import dispatch, services

RELIEF_SECONDS = 10.0


@shared_task(name="operations.send_messages", ignore_result=True)
def send_messages() -> None:
    """Send what is due. Two at once share the work and send nothing twice."""
    services.deliver_due()


@shared_task(name="operations.purge_messages", ignore_result=True)
def purge_messages() -> None:
    """Forget old messages."""
    services.delete_old_messages(timezone.now())


def ask() -> None:
    """Wake a worker, without waiting long for a broker that is away."""
    send_messages.apply_async(expires=60, retry=False)


dispatch.register_dispatcher(ask)


def relieve() -> None:
    """Send what waits for no worker, without keeping a connection between two turns."""
    try:
        services.deliver_stuck(timezone.now())
    finally:
        connection.close()


# of each web process: who hears that the broker is away must not wait for the broker
watcher = PeriodicThread(relieve, RELIEF_SECONDS, "message watch")
