"""One process that writes events, or sends messages, until it is killed: `posting write|send`.

Sending appends the event's id to a file; what is killed between that and the note sends again.
"""

import os
import sys
from pathlib import Path

import django

EVENTS = 10_000
BATCH = 20


def write(first, last):
    """Each event's row in one transaction with the event's own; begun again, it starts over."""
    from django.db import transaction  # noqa: PLC0415 - after the set-up
    from django.utils import timezone  # noqa: PLC0415

    from operations.messaging import services  # noqa: PLC0415
    from operations.messaging.message import OutgoingMessage  # noqa: PLC0415

    for begin in range(first, last, BATCH):
        with transaction.atomic():
            for number in range(begin, min(begin + BATCH, last)):
                message = OutgoingMessage(f"event:{number}", "A title", "A text", {"n": number})
                services.enqueue_alert(message, "high", timezone.now())


def send(place):
    """Send until nothing is left."""
    from operations.messaging import services  # noqa: PLC0415 - after the set-up
    from operations.messaging.models import Message  # noqa: PLC0415

    def deliver(message, _now):
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(handle, f"{message.event_key}\n".encode())
        os.close(handle)

    while Message.objects.exclude(state="sent").exists():
        services.deliver_due(send=deliver, seconds=60)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "write":
        write(int(sys.argv[2]), int(sys.argv[3]))
    else:
        send(Path(sys.argv[2]))
