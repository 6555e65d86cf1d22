"""Writing messages with their events, and sending them; each claim and each note is one commit.

Only the holder of the last claim may note how a try went, so that a worker which was paused past
its lease changes nothing any more.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import random
from time import monotonic

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from aethercrown.backup import automation_pause
from aethercrown.crypto import sealing
from aethercrown.db.batch_delete import forget
from aethercrown.http import outbound
from aethercrown.monitoring import redaction
from aethercrown.severity import up_to
from operations.automations.run_rules import legible
from operations.messaging import dispatch, retry, signature
from operations.messaging import message as letter
from operations.messaging.message import OutgoingMessage
from operations.messaging.models import Destination, Message

LEASE = timedelta(minutes=2)  # above the longest try: ten seconds, and six times that for mail
SECONDS = 10.0  # a webhook's total deadline
AT_ONCE = 50  # messages looked up together
DRAINED = 4.0  # seconds after which a drain begins no further message
STUCK = timedelta(seconds=20)  # that a due message waits for a worker before others send it
ANSWER_LIMIT = 64 * 1024
KEPT_SENT = timedelta(days=90)
KEPT_DEAD = timedelta(days=365)
LOST = "The worker was lost in each of the tries."
log = logging.getLogger(__name__)


class WrongStep(Exception):
    """The message's state forbids it."""


class DeliveryFailed(Exception):
    """It did not arrive; `final` where trying again would change nothing."""

    def __init__(self, words: str, *, final: bool = False, is_away: bool = False) -> None:
        super().__init__(words)
        self.final = final
        self.is_away = is_away  # nobody answered: whatever else waits for them would fail too


Fetch = Callable[..., outbound.Answer]
Deliver = Callable[[Message, datetime], None]


# --- Writing ----------------------------------------------------------------------------------
def enqueue_alert(what: OutgoingMessage, severity: str, now: datetime) -> int:
    """Write a message to everyone who hears of this severity; call it within the event."""
    listeners = Destination.objects.filter(
        is_enabled=True, takes_alerts=True, least_severity__in=up_to(severity)
    )
    return _write(listeners, what, now)


def enqueue_digest(what: OutgoingMessage, now: datetime) -> int:
    """Write a message to everyone who takes the digest."""
    return _write(Destination.objects.filter(is_enabled=True, takes_digest=True), what, now)


def enqueue_anchor(what: OutgoingMessage, now: datetime) -> int:
    """Write a message to everyone who keeps the audit's anchors."""
    return _write(Destination.objects.filter(is_enabled=True, takes_anchors=True), what, now)


def enqueue_follow_up(begins: str, what: OutgoingMessage, now: datetime) -> int:
    """Write a message to those who had one under a key that begins so."""
    heard = Message.objects.filter(destination=OuterRef("pk"), event_key__startswith=begins)
    return _write(Destination.objects.filter(Exists(heard), is_enabled=True), what, now)


def set_secret(destination: Destination, secret: str) -> None:
    """Keep what its webhooks are signed with, encrypted; it is not shown again."""
    destination.sealed_secret = sealing.seal(secret, settings.ALERT_SEALING_KEY)


@transaction.atomic
def send_again(message_id: int, now: datetime) -> Message:
    """Give a dead message all its tries anew; WrongStep where it is not dead."""
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.state != Message.State.DEAD:
        raise WrongStep(f"{message} is {message.state}; only a dead message is sent again.")
    message.state = Message.State.QUEUED
    message.tries = 0
    message.next_at = now
    message.ended_at = None
    message.save()
    transaction.on_commit(dispatch.notify_worker, robust=True)
    return message


# --- Sending ----------------------------------------------------------------------------------
def deliver_due(
    *,
    clock: Callable[[], datetime] = timezone.now,
    deliver: Deliver | None = None,
    luck: Callable[[], float] = random,
    seconds: float = DRAINED,
) -> int:
    """Send what is due, the longest waiting first; how many arrived.

    Messages to one destination go one at a time, so that one that hangs holds up one worker.
    """
    ends = monotonic() + seconds
    sent = 0
    if automation_pause.holds():
        return sent
    while chosen := _waiting(clock()):
        tried = 0
        for message_id in chosen:
            if monotonic() >= ends:
                return sent
            message = claim(message_id, clock())
            if message is not None:
                tried += 1
                sent += _tried(message, deliver or deliver, clock, luck())
        if not tried:
            break  # others have them
    return sent


def deliver_stuck(now: datetime) -> int:
    """Send what no worker took for 20 seconds, as while the broker is away; how many arrived."""
    stuck = _free(now).filter(next_at__lte=now - STUCK)
    return deliver_due() if stuck.exists() else 0


def claim(message_id: int, now: datetime) -> Message | None:
    """Give a due message to one worker; None where it is another's, or not due."""
    taken = (
        _free(now)
        .filter(pk=message_id)
        .update(
            state=Message.State.SENDING,
            claims=F("claims") + 1,
            tries=F("tries") + 1,
            lease_until=now + LEASE,
        )
    )
    return Message.objects.select_related("destination").get(pk=message_id) if taken else None


def deliver(message: Message, now: datetime, fetch: Fetch = outbound.fetch) -> None:
    """Send one message now; Undelivered where it does not arrive."""
    if message.destination is None:
        raise DeliveryFailed("Its destination was deleted.", final=True)
    if message.channel == Destination.Channel.EMAIL:
        _mail(message, message.destination.address)
    else:
        _call(message, message.destination, now, fetch)


def delete_old_messages(now: datetime) -> int:
    """Forget what was sent 90 days ago, and what has been dead for a year; how many rows."""
    old = Message.objects.filter(
        Q(state=Message.State.SENT, ended_at__lt=now - KEPT_SENT)
        | Q(state=Message.State.DEAD, ended_at__lt=now - KEPT_DEAD)
    )
    return forget(old)


# --- Parts ------------------------------------------------------------------------------------
def _write(destinations: Iterable[Destination], what: OutgoingMessage, now: datetime) -> int:
    """One row a destination, under its own key; one that is there already stays as it is."""
    rows = [
        Message(
            event_key=f"{what.key}:{each.channel}:{each.pk}",
            destination=each,
            to=each.name,
            channel=each.channel,
            title=what.title,
            text=what.text,
            payload=what.payload,
            next_at=now,
            created_at=now,
        )
        for each in destinations
    ]
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        transaction.on_commit(dispatch.notify_worker, robust=True)
    return len(rows)


def _due(now: datetime) -> QuerySet[Message]:
    return Message.objects.filter(
        Q(state=Message.State.QUEUED, next_at__lte=now)
        | Q(state=Message.State.SENDING, lease_until__lt=now)
    )


def _waiting(now: datetime) -> list[int]:
    """The next due messages, the longest waiting first."""
    return list(_free(now).order_by("next_at", "pk").values_list("pk", flat=True)[:AT_ONCE])


def _free(now: datetime) -> QuerySet[Message]:
    """What is due, and whose destination nobody is sending to at this moment."""
    busy = Message.objects.filter(
        state=Message.State.SENDING, lease_until__gte=now, destination__isnull=False
    )
    return _due(now).exclude(destination__in=busy.values("destination"))


def _tried(message: Message, deliver: Deliver, clock: Callable[[], datetime], luck: float) -> bool:
    """One try, and the note of how it went; whether it arrived."""
    try:
        (deliver if message.tries <= retry.MAX_TRIES else _lost)(message, clock())
    except DeliveryFailed as error:
        _note_failure(message, error, clock(), luck)
        return False
    except Exception as error:
        log.exception("Message %s could not be sent", message.pk)
        _note_failure(message, DeliveryFailed(f"{type(error).__name__}: {error}"), clock(), luck)
        return False
    now = clock()
    _mine(message).update(state=Message.State.SENT, lease_until=None, ended_at=now, error="")
    return True


def _note_failure(message: Message, error: DeliveryFailed, now: datetime, luck: float) -> None:
    """Queue the next try, or give up; what else waits for one who is away waits as well."""
    pause = None if error.final else retry.delay(message.tries, luck)
    told = legible(redaction.text(str(error)))
    if pause is None:
        dead = {"state": Message.State.DEAD, "ended_at": now}
        _mine(message).update(lease_until=None, error=told, **dead)
        log.warning("Message %s to %s is dead: %s", message.event_key, message.to, told)
        return
    _mine(message).update(
        state=Message.State.QUEUED, lease_until=None, error=told, next_at=now + pause
    )
    if error.is_away:
        Message.objects.filter(
            destination=message.destination, state=Message.State.QUEUED, next_at__lte=now
        ).update(next_at=now + retry.DELAYS[0])


def _mine(message: Message) -> QuerySet[Message]:
    return Message.objects.filter(pk=message.pk, claims=message.claims, state=Message.State.SENDING)


def _lost(_message: Message, _now: datetime) -> None:
    raise DeliveryFailed(LOST, final=True)


def _mail(message: Message, address: str) -> None:
    if not settings.EMAIL_URL:
        raise DeliveryFailed("No mail goes out: EMAIL_URL is not set.", final=True)
    sender: str = settings.ALERT_EMAIL_FROM
    host = sender.rpartition("@")[2].strip("> ") or "aethercrown"
    mail = EmailMessage(
        message.title,
        message.text,
        sender,
        [address],
        headers={"Message-ID": letter.message_id(message.event_key, host)},
    )
    try:
        mail.send()
    except OSError as error:  # the socket's own, and every error of smtplib
        raise DeliveryFailed(f"The mail server refused it: {error}", is_away=True) from error


def _call(message: Message, destination: Destination, now: datetime, fetch: Fetch) -> None:
    body = letter.webhook_body(message.payload, message.event_key)
    try:
        secret = sealing.opened(destination.sealed_secret, settings.ALERT_SEALING_KEY)
        status = fetch(
            destination.address,
            method="POST",
            headers=signature.headers(secret, message.event_key, body, now),
            body=body,
            seconds=SECONDS,
            limit=ANSWER_LIMIT,
        ).status
    except (sealing.Unreadable, outbound.Refused) as error:
        raise DeliveryFailed(str(error), final=True) from error
    except outbound.TooLarge as error:
        status = error.status  # it took the message, however much it has to say
    except outbound.Unreachable as error:
        raise DeliveryFailed(f"{error} ({error.kind})", is_away=True) from error
    if not retry.is_delivered(status):
        raise DeliveryFailed(f"The receiver answered {status}.", final=retry.is_final(status))
