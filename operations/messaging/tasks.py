"""Tasks that send messages: when a worker is woken, and every five seconds."""

from celery import shared_task
from django.utils import timezone

from aethercrown.background import PeriodicThread
from operations.messaging import services, wake_worker

WEB_INTERVAL_SECONDS = 10.0


@shared_task(name="operations.send_messages", ignore_result=True)
def send_messages() -> None:
    """Send what is due. Two at once share the work and send nothing twice."""
    services.deliver_due()


@shared_task(name="operations.purge_messages", ignore_result=True)
def purge_messages() -> None:
    """Delete old messages."""
    services.delete_old_messages(timezone.now())


def send_soon() -> None:
    """Tell a worker, without waiting long for a broker that is down."""
    send_messages.apply_async(expires=60, retry=False)


wake_worker.callbacks.append(send_soon)


# in each web process: news that the broker is down must not need the broker
watcher = PeriodicThread(
    lambda: services.deliver_stuck(timezone.now()), WEB_INTERVAL_SECONDS, "delivery of messages"
)
