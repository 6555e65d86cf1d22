"""Write messages with their events, and send them.

Each claim and each result is one commit. Only the holder of the last claim may record a result, so
that a worker that was paused past its lease changes nothing. Leases are counted on the clock that
the caller passes, which tests set.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from random import random as random_fraction
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from aethercrown.backup import automation_pause
from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.db.bulk import forget
from aethercrown.http import outbound
from aethercrown.monitoring import redaction
from aethercrown.severity import up_to
from aethercrown.text import storable_text
from aethercrown.transitions import InvalidTransition
from operations.messaging import chat, retry, signature, wake_worker
from operations.messaging.message import HeardWord, OutgoingMessage, mail_message_id, webhook_body
from operations.messaging.models import Destination, Message
from operations.messaging.registry import sent_listeners

LEASE_LENGTH = timedelta(minutes=2)  # the longest try takes 10 seconds, or 60 for mail
WEBHOOK_TIMEOUT_SECONDS = 10.0
BATCH_ROWS = 50
DELIVERY_SECONDS = 4.0  # after which deliver_due begins no further message
AHEAD_AFTER = timedelta(minutes=1)  # written later than this after now: by a clock set back
MAX_CLOCK_STEP = timedelta(minutes=10)  # a lease that ends later is of a clock that was ahead
STUCK_AFTER = timedelta(seconds=20)  # overdue: no worker takes it
MAX_RESPONSE_BYTES = 64 * 1024
SENT_RETENTION = timedelta(days=90)
DEAD_RETENTION = timedelta(days=365)
WORKER_LOST = "The worker was lost in each of the tries."
log = logging.getLogger(__name__)


class DeliveryFailed(Exception):
    """A message did not arrive. `final`: trying again is pointless; `is_away`: no answer at all."""

    def __init__(self, words: str, *, final: bool = False, is_away: bool = False) -> None:
        super().__init__(words)
        self.final = final
        self.is_away = is_away  # other messages to this destination would fail too


Fetch = Callable[..., outbound.OutboundResponse]
Deliver = Callable[[Message, datetime], None]
Clock = Callable[[], datetime]


def enqueue_alert(message: OutgoingMessage, severity: str, now: datetime) -> int:
    """Write an alert's message for each destination of this severity; returns how many."""
    return enqueue(message, now, takes_alerts=True, least_severity__in=up_to(severity))


def enqueue(message: OutgoingMessage, now: datetime, **chosen: Any) -> int:
    """Write a message for each enabled destination with these values, such as takes_digest."""
    return _write(Destination.objects.filter(is_enabled=True, **chosen), message, now)


def words_heard(key_prefix: str) -> dict[int, list[HeardWord]]:
    """What each destination was sent of an alert, the oldest first."""
    rows = Message.objects.filter(event_key__startswith=key_prefix, destination__isnull=False)
    found: dict[int, list[HeardWord]] = {}
    for key, payload, at in rows.order_by("pk").values_list(
        "destination_id", "payload", "created_at"
    ):
        word = HeardWord(payload.get("event", ""), payload["alert"]["severity"], at)
        found.setdefault(key or 0, []).append(word)
    return found


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


@transaction.atomic
def send_again(message_id: int, now: datetime) -> Message:
    """Queue a dead message again with all its tries; InvalidTransition if it is not dead."""
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.state != Message.State.DEAD:
        raise InvalidTransition(f"{message} is {message.state}; only a dead message is sent again.")
    message.state = Message.State.QUEUED
    message.tries = 0
    message.next_at = now
    message.ended_at = None
    message.save()
    transaction.on_commit(wake_worker.wake_worker, robust=True)
    return message


def deliver_due(
    *,
    clock: Clock = timezone.now,
    send: Deliver | None = None,
    seconds: float = DELIVERY_SECONDS,
    random: Callable[[], float] = random_fraction,
) -> int:
    """Send what is due, the longest waiting first; returns how many arrived."""
    ends = monotonic() + seconds
    sent = 0
    if automation_pause.is_paused():
        return sent
    while chosen := list(
        _free(clock()).order_by("next_at", "pk").values_list("pk", flat=True)[:BATCH_ROWS]
    ):
        tried = 0
        for message_id in chosen:
            if monotonic() >= ends:
                return sent
            message = claim(message_id, clock())
            if message is not None:
                tried += 1
                sent += _try(message, send or deliver, clock, random())
        if not tried:
            break  # other workers have them
    return sent


def deliver_stuck(now: datetime) -> int:
    """Send what no worker took for STUCK_AFTER, as when the broker is down; returns how many."""
    stuck = _free(now).filter(next_at__lte=now - STUCK_AFTER)
    return deliver_due() if stuck.exists() else 0


def claim(message_id: int, now: datetime) -> Message | None:
    """Give a due message to one worker; None if another has it or it is not due."""
    taken = (
        _free(now)
        .filter(pk=message_id)
        .update(
            state=Message.State.SENDING,
            claims=F("claims") + 1,
            tries=F("tries") + 1,
            lease_until=now + LEASE_LENGTH,
        )
    )
    return Message.objects.select_related("destination").get(pk=message_id) if taken else None


def deliver(message: Message, now: datetime, fetch: Fetch = outbound.fetch) -> None:
    """Send one message now. Raises DeliveryFailed."""
    if message.destination is None:
        raise DeliveryFailed("Its destination was deleted.", final=True)
    if message.channel == Destination.Channel.EMAIL:
        _send_mail(message, message.destination.address)
    else:
        _call_webhook(message, message.destination, now, fetch)


def delete_old_messages(now: datetime) -> int:
    """Delete messages sent 90 days ago and those dead for a year; returns how many."""
    old = Message.objects.filter(
        Q(state=Message.State.SENT, ended_at__lt=now - SENT_RETENTION)
        | Q(state=Message.State.DEAD, ended_at__lt=now - DEAD_RETENTION)
    )
    return forget(old)


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


def _free(now: datetime) -> QuerySet[Message]:
    """What is due and whose destination no worker is sending to now."""
    sending = Message.objects.filter(state=Message.State.SENDING)
    leased = (now, now + LEASE_LENGTH + MAX_CLOCK_STEP)
    busy = sending.filter(lease_until__range=leased, destination__isnull=False)
    is_due = Q(next_at__lte=now) | Q(created_at__gt=now + AHEAD_AFTER, tries=0)
    queued = Message.objects.filter(is_due, state=Message.State.QUEUED)
    due = queued | sending.exclude(lease_until__range=leased)
    return due.exclude(destination__in=busy.values("destination"))


def _try(message: Message, send: Deliver, clock: Clock, random: float) -> bool:
    """Try once and record the result; whether it arrived."""
    if message.tries > retry.MAX_TRIES:
        _record_failure(message, DeliveryFailed(WORKER_LOST, final=True), clock(), random)
        return False
    try:
        send(message, clock())
    except DeliveryFailed as error:
        _record_failure(message, error, clock(), random)
        return False
    except Exception as error:
        log.exception("Message %s could not be sent", message.pk)
        _record_failure(
            message, DeliveryFailed(f"{type(error).__name__}: {error}"), clock(), random
        )
        return False
    now = clock()
    _claimed(message).update(state=Message.State.SENT, lease_until=None, ended_at=now, error="")
    _tell_listeners(message.event_key)
    return True


def _tell_listeners(event_key: str) -> None:
    for each in sent_listeners:
        if event_key.startswith(each.name):
            try:
                each.sent(event_key)
            except Exception:
                log.exception("%s was sent, and its sender could not record it", event_key)


def _record_failure(message: Message, error: DeliveryFailed, now: datetime, random: float) -> None:
    """Queue the next try, or give up; if no one answered, delay the destination's others too."""
    pause = None if error.final else retry.delay(message.tries, random)
    reason = storable_text(redaction.text(str(error)))
    if pause is None:
        dead = {"state": Message.State.DEAD, "ended_at": now}
        _claimed(message).update(lease_until=None, error=reason, **dead)
        log.warning("Message %s to %s is dead: %s", message.event_key, message.to, reason)
        return
    _claimed(message).update(
        state=Message.State.QUEUED, lease_until=None, error=reason, next_at=now + pause
    )
    if error.is_away:
        Message.objects.filter(
            destination=message.destination, state=Message.State.QUEUED, next_at__lte=now
        ).update(next_at=now + retry.DELAYS[0])


def _claimed(message: Message) -> QuerySet[Message]:
    return Message.objects.filter(pk=message.pk, claims=message.claims, state=Message.State.SENDING)


def _send_mail(message: Message, address: str) -> None:
    if not settings.EMAIL_URL:
        raise DeliveryFailed("No mail goes out: EMAIL_URL is not set.", final=True)
    sender: str = settings.ALERT_EMAIL_FROM
    host = sender.rpartition("@")[2].strip("> ") or "aethercrown"
    mail = EmailMessage(
        " ".join(message.title.split()),  # a line break would begin a header of its own
        message.text,
        sender,
        [address],
        headers={"Message-ID": mail_message_id(message.event_key, host)},
    )
    try:
        mail.send()
    except OSError as error:  # of the socket, and every error of smtplib
        raise DeliveryFailed(f"The mail server refused it: {error}", is_away=True) from error


def _call_webhook(message: Message, destination: Destination, now: datetime, fetch: Fetch) -> None:
    answer = b""
    try:
        headers, body = _webhook_request(message, destination, now)
        received = fetch(
            destination.address,
            method="POST",
            headers=headers,
            body=body,
            seconds=WEBHOOK_TIMEOUT_SECONDS,
            limit=MAX_RESPONSE_BYTES,
            allowed=destination.allowed,
        )
        status, answer = received.status, received.body
    except (DecryptionFailed, outbound.AddressRefused) as error:
        raise DeliveryFailed(str(error), final=True) from error
    except outbound.ResponseTooLarge as error:
        status = error.status  # it took the message, however long its response
    except outbound.Unreachable as error:
        raise DeliveryFailed(f"{error} ({error.kind})", is_away=True) from error
    status = chat.refused_status(message.channel, status, answer)
    if not retry.is_delivered(status):
        words = chat.reason(answer) if message.channel in chat.CHANNELS else ""
        raise DeliveryFailed(
            f"The receiver answered {status}{words}.", final=retry.is_final(status)
        )


def _webhook_request(
    message: Message, destination: Destination, now: datetime
) -> tuple[dict[str, str], bytes]:
    """The headers and the body: signed, or in the format of a chat."""
    if message.channel in chat.CHANNELS:
        link = message.payload.get("alert", {}).get("link", "")
        body = chat.chat_body(message.channel, message.title, message.text, link)
        return {"Content-Type": "application/json"}, body
    body = webhook_body(message.payload, message.event_key)
    secret = sealing.unseal(destination.sealed_secret, destination.secret_context)
    return signature.headers(secret, message.event_key, body, now), body
