"""Send messages: claim what is due, hand it over, record the result.

Each claim and each result is one commit. Only the holder of the last claim may record a result, so
that a worker that was paused past its lease changes nothing. Leases are counted on the clock that
the caller passes, which tests set.
"""

import logging
import re
import smtplib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import random as random_fraction
from time import monotonic

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from aethercrown.backup import automation_pause
from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.db.bulk import forget
from aethercrown.db.prefixes import begins_with
from aethercrown.http import outbound
from aethercrown.monitoring import redaction
from aethercrown.text import storable_text
from aethercrown.transitions import InvalidTransition
from operations.messaging import chat, retry, signature, wake_worker
from operations.messaging.message import mail_message_id, webhook_body
from operations.messaging.models import Destination, Message, RecipientAddress
from operations.messaging.outside.mail_kinds import MailAttachment, MailPurpose, mail_kinds
from operations.messaging.registry import sent_listeners, subject_prefix
from operations.messaging.services import addresses, outside_mail

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
PERMANENT = 500  # codes of SMTP from here on are final
NO_SUCH_MAILBOX = re.compile(rb"\b5\.1\.(1|2|3|10)\b")  # RFC 3463
NO_MAIL = "No mail goes out: EMAIL_URL is not set."
NO_LINK = "PUBLIC_URL is not set, so the mail has no link to unsubscribe."
OVERTAKEN = "Not sent: a newer message about the same has arrived."
WORKER_LOST = "The worker was lost in each of the tries."
log = logging.getLogger(__name__)


class DeliveryFailed(Exception):
    """A message did not arrive. `final`: trying again is pointless; `is_away`: no answer at all.

    `bounced`: there is no such mailbox.
    """

    def __init__(
        self, words: str, *, final: bool = False, is_away: bool = False, bounced: bool = False
    ) -> None:
        super().__init__(words)
        self.final = final or bounced
        self.bounced = bounced
        self.is_away = is_away  # other messages to this destination would fail too


Fetch = Callable[..., outbound.OutboundResponse]
Deliver = Callable[[Message, datetime], None]
Clock = Callable[[], datetime]


@transaction.atomic
def send_again(message_id: int, now: datetime) -> Message:
    """Queue a dead message again with all its tries; InvalidTransition if it is not dead.

    Mail to somebody outside is written anew; it stays dead where a value is still missing.
    """
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.state != Message.State.DEAD:
        raise InvalidTransition(f"{message} is {message.state}; only a dead message is sent again.")
    message.state = Message.State.QUEUED
    message.tries = 0
    message.next_at = now
    message.ended_at = None
    if message.audience == Message.Audience.OUTSIDE:
        outside_mail.fill(message, now)  # with the text as it is published now
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
    rows = Message.objects.select_related("destination", "recipient")
    return rows.get(pk=message_id) if taken else None


def deliver(message: Message, now: datetime, fetch: Fetch = outbound.fetch) -> None:
    """Send one message now. Raises DeliveryFailed."""
    if message.audience == Message.Audience.OUTSIDE:
        _send_outside(message)
    elif message.destination is None:
        raise DeliveryFailed("Its destination was deleted.", final=True)
    elif message.channel == Destination.Channel.EMAIL:
        _send_mail(message, message.destination.address, message.text)
    else:
        _call_webhook(message, message.destination, now, fetch)


def delete_old_messages(now: datetime) -> int:
    """Delete messages sent 90 days ago, and those given up or skipped a year ago; how many."""
    old = Message.objects.filter(
        Q(state=Message.State.SENT, ended_at__lt=now - SENT_RETENTION)
        | Q(
            state__in=[Message.State.DEAD, Message.State.SKIPPED],
            ended_at__lt=now - DEAD_RETENTION,
        )
    )
    return forget(old)


def _free(now: datetime) -> QuerySet[Message]:
    """What is due and whose destination no worker is sending to now."""
    sending = Message.objects.filter(state=Message.State.SENDING)
    leased = (now, now + LEASE_LENGTH + MAX_CLOCK_STEP)
    busy = sending.filter(lease_until__range=leased, destination__isnull=False)
    is_due = Q(next_at__lte=now) | _put_off(now)
    queued = Message.objects.filter(is_due, state=Message.State.QUEUED)
    due = queued | sending.exclude(lease_until__range=leased)
    return due.exclude(destination__in=busy.values("destination"))


def _put_off(now: datetime) -> Q:
    """What a clock that was ahead wrote, or let wait for longer than any retry does."""
    found = Q(created_at__gt=now + AHEAD_AFTER, tries=0)
    for tries in range(retry.MAX_TRIES):
        latest = now + retry.DELAYS[max(tries - 1, 0)] * (1 + retry.JITTER) + AHEAD_AFTER
        found |= Q(tries=tries, next_at__gt=latest, audience=Message.Audience.STAFF)
    return found


def _try(message: Message, send: Deliver, clock: Clock, random: float) -> bool:
    """Try once and record the result; whether it arrived."""
    if message.tries > retry.MAX_TRIES:
        _record_failure(message, DeliveryFailed(WORKER_LOST, final=True), clock(), random)
        return False
    if _is_overtaken(message):
        _skip(message, OVERTAKEN, clock())
        return False
    try:
        if message.audience == Message.Audience.OUTSIDE and not _released(message, clock()):
            return False
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


def _released(message: Message, now: datetime) -> bool:
    """Whether a mail to somebody outside may go out now; else it waits, or is skipped."""
    found = outside_mail.release(message, now)
    if found.is_go:
        return True
    if found.until is None:
        _skip(message, found.reason, now)
        return False
    _claimed(message).update(
        state=Message.State.QUEUED,
        lease_until=None,
        next_at=found.until,
        tries=F("tries") - 1,  # to wait is no try
        waits_for=found.reason,
        waits_since=Coalesce("waits_since", now),
    )
    return False


def _is_overtaken(message: Message) -> bool:
    """Whether its destination got a newer message about the same, which an older one would undo."""
    about = subject_prefix(message.event_key)
    if not about or message.destination_id is None:
        return False
    newer = Message.objects.filter(begins_with("event_key", about), pk__gt=message.pk)
    return newer.filter(destination=message.destination_id, state=Message.State.SENT).exists()


def _skip(message: Message, reason: str, now: datetime) -> None:
    end = {"state": Message.State.SKIPPED, "error": reason, "ended_at": now}
    _claimed(message).update(**end, lease_until=None)


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
    if error.bounced and message.recipient_id is not None:
        bounced = RecipientAddress.SuppressionReason.BOUNCED
        addresses.suppress(message.recipient_id, reason=bounced, now=now)
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
            destination=message.destination,
            audience=message.audience,
            state=Message.State.QUEUED,
            next_at__lte=now,
        ).update(next_at=now + retry.DELAYS[0])


def _claimed(message: Message) -> QuerySet[Message]:
    return Message.objects.filter(pk=message.pk, claims=message.claims, state=Message.State.SENDING)


def _send_outside(message: Message) -> None:
    """Mail to somebody outside, with its attachment and its link to unsubscribe."""
    if message.purpose == MailPurpose.MARKETING and not settings.PUBLIC_URL:
        raise DeliveryFailed(NO_LINK, final=True)
    attached = mail_kinds.get(message.mail_kind).attach(message.event_key)
    text, headers = outside_mail.mail_text(message), outside_mail.mail_headers(message)
    _send_mail(message, message.address, text, headers, attached)


def _send_mail(
    message: Message,
    address: str,
    text: str,
    headers: Mapping[str, str] | None = None,
    attached: MailAttachment | None = None,
) -> None:
    if not settings.EMAIL_URL:
        raise DeliveryFailed(NO_MAIL, final=True)
    sender: str = settings.ALERT_EMAIL_FROM
    host = sender.rpartition("@")[2].strip("> ") or "aethercrown"
    mail = EmailMessage(
        " ".join(message.title.split()),  # a line break would begin a header of its own
        text,
        sender,
        [address],
        headers={"Message-ID": mail_message_id(message.event_key, host), **(headers or {})},
    )
    if attached is not None:
        mail.attach(attached.file_name, attached.content, attached.content_type)
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(error) from error
    except OSError as error:  # of the socket, and every other error of smtplib
        raise DeliveryFailed(f"The mail server refused it: {error}", is_away=True) from error


def _refused(error: smtplib.SMTPRecipientsRefused) -> DeliveryFailed:
    """The refusal of the one address: for good from 500, and a bounce where it says so."""
    code, words = next(iter(error.recipients.values()))
    reason = f"The mail server refused the address: {code} {words.decode(errors='replace')}"
    is_final = code >= PERMANENT
    return DeliveryFailed(
        reason, final=is_final, bounced=is_final and bool(NO_SUCH_MAILBOX.search(words))
    )


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
