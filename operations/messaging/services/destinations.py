"""Write messages of events for the destinations of staff, in the event's transaction."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from aethercrown.crypto import sealing
from aethercrown.db.prefixes import begins_with
from aethercrown.severity import up_to
from operations.messaging import wake_worker
from operations.messaging.message import HeardWord, OutgoingMessage
from operations.messaging.models import Destination, Message


def enqueue_alert(message: OutgoingMessage, severity: str, now: datetime) -> int:
    """Write an alert's message for each destination of this severity; returns how many."""
    return enqueue(message, now, takes_alerts=True, least_severity__in=up_to(severity))


def enqueue(message: OutgoingMessage, now: datetime, **chosen: Any) -> int:
    """Write a message for each enabled destination with these values, such as takes_digest."""
    return _write(Destination.objects.filter(is_enabled=True, **chosen), message, now)


def words_heard(key_prefix: str) -> dict[int, list[HeardWord]]:
    """What each destination was sent of an alert, the oldest first."""
    rows = Message.objects.filter(begins_with("event_key", key_prefix), destination__isnull=False)
    found: dict[int, list[HeardWord]] = {}
    for key, payload, at in rows.order_by("pk").values_list(
        "destination_id", "payload", "created_at"
    ):
        word = HeardWord(payload.get("event", ""), payload["alert"]["severity"], at)
        found.setdefault(key or 0, []).append(word)
    return found


def returned_destinations() -> dict[int, datetime]:
    """The destinations that were switched on again and did not hear yet what ended, and when."""
    rows = Destination.objects.filter(is_enabled=True, switched_on_at__isnull=False)
    return {key: at for key, at in rows.values_list("pk", "switched_on_at") if at}


def keys_heard(key_prefix: str, destinations: Collection[int]) -> list[str]:
    """The event keys of what these destinations were sent."""
    rows = Message.objects.filter(
        begins_with("event_key", key_prefix), destination__in=list(destinations)
    )
    return list(rows.values_list("event_key", flat=True))


def mark_told(returned: Mapping[int, datetime]) -> None:
    """These have heard what ended while they were off, unless they were off once more."""
    for key, at in returned.items():
        Destination.objects.filter(pk=key, switched_on_at=at).update(switched_on_at=None)


def alert_destinations(severity: str, heard: Collection[int]) -> list[int]:
    """The enabled destinations of alerts of this severity, and those that heard of this one."""
    wanted = Q(takes_alerts=True, least_severity__in=up_to(severity)) | Q(pk__in=list(heard))
    rows = Destination.objects.filter(wanted, is_enabled=True)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def set_secret(destination: Destination, secret: str) -> None:
    """Encrypt the signing key of its webhooks; the caller saves the row."""
    destination.sealed_secret = sealing.seal(secret, destination.secret_context)


@transaction.atomic
def enqueue_test(destination_id: int, now: datetime) -> Message:
    """Write a message to one destination, switched on or not, to try whether it arrives."""
    destination = Destination.objects.get(pk=destination_id)
    words = f"A test message to {destination}: nothing is wrong."
    payload = {"event": "test", "at": now.isoformat()}
    test = OutgoingMessage(f"test:{now.timestamp()}", "[AetherCrown] Test message", words, payload)
    _write([destination], test, now)
    return Message.objects.get(event_key=_event_key(test, destination))


def _write(destinations: Iterable[Destination], message: OutgoingMessage, now: datetime) -> int:
    """One row for each destination, under its own key; an existing row is left as it is."""
    rows = [
        Message(
            event_key=_event_key(message, each),
            destination=each,
            to=each.name,
            channel=each.channel,
            title=message.title,
            text=message.text,
            payload=message.payload,
            next_at=now,
            created_at=now,
        )
        for each in destinations
    ]
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        transaction.on_commit(wake_worker.wake_worker, robust=True)
    return len(rows)


def _event_key(message: OutgoingMessage, destination: Destination) -> str:
    return f"{message.key}:{destination.channel}:{destination.pk}"
