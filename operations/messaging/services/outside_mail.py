"""Mail to people outside: written with its event, checked again when it is about to go out."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from aethercrown.text import storable_text
from operations.messaging import reports, wake_worker
from operations.messaging.message import subject_line
from operations.messaging.models import (
    Destination,
    MailTemplateVersion,
    Message,
    RecipientAddress,
    SendingRule,
)
from operations.messaging.outside.mail_kinds import (
    MailKind,
    MailPurpose,
    OutsideMail,
    locale_chain,
    mail_kinds,
)
from operations.messaging.outside.merge_fields import MissingValue, filled
from operations.messaging.outside.sending_times import (
    WEEK,
    ConsentState,
    RecipientFacts,
    SendingVerdict,
    SuppressionScope,
    verdict,
)
from operations.messaging.services import addresses

ERASED = "Erased"
DEFAULT_RULES: dict[MailPurpose, dict[str, Any]] = {
    MailPurpose.SERVICE: {"quiet_from": "00:00", "quiet_until": "00:00"},
    MailPurpose.REMINDER: {"most_a_day": 1, "most_a_week": 2},
    MailPurpose.MARKETING: {"needs_consent": True, "most_a_day": 1, "most_a_week": 3},
}


@transaction.atomic
def enqueue_mail(mail: OutsideMail, now: datetime) -> Message:
    """Write a mail in the transaction of its event; a second one under its key changes nothing.

    It has the text that is published now. Where a field of that has no value, the row says so and
    is dead from the start, to be sent again once the text is mended: its event goes on. Raises
    UnknownName of a kind that nobody registered.
    """
    stored = Message.objects.filter(event_key=mail.key).first()
    if stored is not None:
        return stored
    kind = mail_kinds.get(mail.kind)
    made = Message(
        event_key=mail.key,
        audience=Message.Audience.OUTSIDE,
        recipient=addresses.recipient(mail.address),
        address=mail.address.strip(),
        to=mail.recipient_name[:100],
        person=mail.person,
        channel=Destination.Channel.EMAIL,
        mail_kind=kind.name,
        purpose=kind.purpose.value,
        payload={"locale": mail.locale, "values": dict(mail.values)},
        time_zone=mail.time_zone or settings.TIME_ZONE,
        next_at=now,
        created_at=now,
    )
    fill(made, now)
    row, _ = Message.objects.get_or_create(  # another may have written it meanwhile
        event_key=mail.key, defaults={each.name: getattr(made, each.name) for each in COLUMNS}
    )
    transaction.on_commit(wake_worker.wake_worker, robust=True)
    return row


COLUMNS = [each for each in Message._meta.concrete_fields if not each.primary_key]  # noqa: SLF001 - documented


def fill(row: Message, now: datetime) -> None:
    """Write title and text from the published text and the values of the row, which is not saved.

    Dead where a field has no value.
    """
    kind = mail_kinds.get(row.mail_kind)
    template = template_for(kind, row.payload["locale"])
    subject, text = (template.subject, template.text) if template else (kind.subject, kind.text)
    row.template, row.title = template, kind.title
    try:
        title, body = (filled(each, row.payload["values"]) for each in (subject, text))
    except MissingValue as error:
        row.state, row.error, row.ended_at = Message.State.DEAD, str(error), now
        return
    row.title, row.text = subject_line(storable_text(title)), storable_text(body)


def template_for(kind: MailKind, locale: str) -> MailTemplateVersion | None:
    """The newest published text for a locale, else for a wider one; None: the built-in one."""
    rows = MailTemplateVersion.objects.filter(
        kind=kind.name, state=MailTemplateVersion.State.PUBLISHED
    )
    by_locale = {row.locale: row for row in rows.order_by("number")}
    return next((by_locale[each] for each in locale_chain(locale) if each in by_locale), None)


def sending_rule(purpose: str) -> SendingRule:
    """The rule that staff set, or the default one."""
    stored = SendingRule.objects.filter(purpose=purpose).first()
    if stored is not None:
        return stored
    made = SendingRule(purpose=purpose, **DEFAULT_RULES[MailPurpose(purpose)])
    made.clean_fields(exclude=["id"])  # turns the times of a default into times
    return made


@transaction.atomic
def release(message: Message, now: datetime) -> SendingVerdict:
    """Whether a claimed mail may go out now, by its recipient's rules.

    Under the lock of its recipient, so that of two mails at once the second one counts the first.
    """
    if message.recipient_id is None:
        return SendingVerdict("Its recipient was erased.")
    recipient = addresses.lock(message.recipient_id)
    found = verdict(now, _facts(message, recipient, now), sending_rule(message.purpose).limits)
    if found.is_go:
        Message.objects.filter(pk=message.pk).update(released_at=now)
    return found


def _facts(message: Message, recipient: RecipientAddress, now: datetime) -> RecipientFacts:
    earlier = Message.objects.filter(
        recipient=recipient, purpose=message.purpose, released_at__gt=now - WEEK
    )
    counted = earlier.exclude(pk=message.pk).exclude(state=Message.State.DEAD)
    return RecipientFacts(
        ConsentState(recipient.consent),
        SuppressionScope(recipient.suppression),
        ZoneInfo(message.time_zone),
        [at for at in counted.values_list("released_at", flat=True) if at],
        message.waits_since,
        mail_kinds.get(message.mail_kind).unwanted(message.event_key),
    )


def mail_headers(message: Message) -> dict[str, str]:
    """The headers to unsubscribe with one click (RFC 8058), of marketing mail."""
    if message.purpose != MailPurpose.MARKETING or message.recipient is None:
        return {}
    link = f"{settings.PUBLIC_URL}{addresses.unsubscribe_path(message.recipient)}"
    return {
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def mail_text(message: Message) -> str:
    """The text, what its kind has to say below it, and the link to unsubscribe from marketing."""
    if message.purpose != MailPurpose.MARKETING or message.recipient is None:
        closing = mail_kinds.get(message.mail_kind).closing(message.event_key)
        return f"{message.text.rstrip()}\n\n{closing}\n" if closing else message.text
    link = f"{settings.PUBLIC_URL}{addresses.unsubscribe_path(message.recipient)}"
    return f"{message.text.rstrip()}\n\n-- \nNo such mail any more: {link}\n"


@transaction.atomic
def cancel(key: str, *, reason: str, now: datetime) -> bool:
    """Take back a mail that was not handed over yet; whether it was taken back."""
    waiting = Message.objects.filter(event_key=key, state=Message.State.QUEUED)
    return bool(_skip(waiting, reason, now))


def _skip(rows: QuerySet[Message], reason: str, now: datetime) -> int:
    return rows.update(state=Message.State.SKIPPED, error=reason, ended_at=now, lease_until=None)


@transaction.atomic
def erase_mail(
    people: Collection[str], gone: Collection[str], kept: Collection[str], now: datetime
) -> None:
    """Erase whom mail went to and what it said; what still waits is not sent.

    What is known of the addresses that are `gone` is deleted, and of others that the mail went to;
    but not of `kept` ones, of those to which mail for somebody else went, and of suppressed ones,
    so that nobody writes to them again.
    """
    rows = Message.objects.filter(person__in=people)
    others = Message.objects.exclude(person__in=people).filter(recipient=OuterRef("pk"))
    named, still = ([each.pk for each in reports.known(some).values()] for some in (gone, kept))
    known = RecipientAddress.objects.filter(Q(pk__in=named) | Q(messages__in=rows))
    unknown = known.filter(~Exists(others), suppression=SuppressionScope.NONE).distinct()
    unused = list(unknown.exclude(pk__in=still))
    waiting = [Message.State.QUEUED, Message.State.SENDING]
    _skip(rows.filter(state__in=waiting), "The recipient was erased.", now)
    rows.update(to=ERASED, address="", title=ERASED, text="", payload={}, recipient=None)
    for each in unused:
        each.delete()
