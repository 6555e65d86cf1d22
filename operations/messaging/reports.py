"""How many messages wait, were sent or failed."""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import Max, Q
from django.urls import reverse

from aethercrown.crypto import sealing
from aethercrown.db.prefixes import begins_with
from aethercrown.formatting import counted, moment_text
from aethercrown.monitoring.attention import AttentionItem
from operations.messaging.models import (
    AddressHashKey,
    Destination,
    Message,
    RecipientAddress,
    SendingRule,
)
from operations.messaging.outside.mail_kinds import MailPurpose, mail_kinds
from operations.messaging.outside.sending_times import ConsentState, SuppressionScope


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """Messages by state; `sent` counts the last 24 hours."""

    waiting: int
    sent: int
    dead: int
    destinations: int

    @property
    def links_lack_host(self) -> bool:
        """Whether messages go out whose links lack a host (PUBLIC_URL is not set)."""
        return self.destinations > 0 and not settings.PUBLIC_URL


def message_counts(now: datetime) -> MessageCounts:
    states = Message.State
    counted = Message.objects.filter
    return MessageCounts(
        waiting=counted(state__in=[states.QUEUED, states.SENDING]).count(),
        sent=counted(state=states.SENT, ended_at__gt=now - timedelta(days=1)).count(),
        dead=counted(state=states.DEAD).count(),
        destinations=Destination.objects.filter(is_enabled=True).count(),
    )


def sent_of(key: str) -> tuple[int, int]:
    """How many messages of an event were sent, and how many there are."""
    rows = Message.objects.filter(begins_with("event_key", f"{key}:"))
    states = list(rows.values_list("state", flat=True))
    return states.count(Message.State.SENT), len(states)


def mail_is_off() -> bool:
    """Whether there is an e-mail destination while EMAIL_URL is not set."""
    wanted = Destination.objects.filter(channel=Destination.Channel.EMAIL, is_enabled=True)
    return not settings.EMAIL_URL and wanted.exists()


def attention_items(now: datetime) -> list[AttentionItem]:
    """Messages that failed for good within a week, and mail that cannot be sent."""
    recent = Q(state=Message.State.DEAD, ended_at__gt=now - timedelta(days=7))
    dead = Message.objects.filter(recent).count()
    found = []
    if dead:
        listed = reverse("admin:operations_message_changelist")
        sentence = f"{counted(dead, 'message')} given up, not delivered."
        found.append(AttentionItem(sentence, f"{listed}?state__exact={Message.State.DEAD}"))
    if mail_is_off():
        listed = reverse("admin:operations_destination_changelist")
        found.append(AttentionItem("No mail goes out: EMAIL_URL is not set.", listed))
    return found


@dataclass(frozen=True, slots=True)
class MailStatus:
    """What became of a mail to somebody outside: state, what it waits for or why, and when."""

    state: str
    reason: str
    at: datetime

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.state}{reason}, {moment_text(self.at)}"


def mail_status(keys: Collection[str]) -> dict[str, MailStatus]:
    """By key, what became of these mails; keys without a mail are left out."""
    rows = Message.objects.filter(event_key__in=keys, audience=Message.Audience.OUTSIDE)
    return {row.event_key: _status(row) for row in rows}


def _status(row: Message) -> MailStatus:
    waits = row.state == Message.State.QUEUED and bool(row.waits_for)
    if waits:
        return MailStatus("waits", row.waits_for, row.next_at)
    return MailStatus(row.state, row.error, row.ended_at or row.created_at)


def newest_mail(person: str, most: int) -> list[str]:
    """The newest mail to a person with what became of each, the newest first."""
    rows = Message.objects.filter(person=person).order_by("-created_at", "-pk")[:most]
    return [f"{row.title}: {_status(row)}" for row in rows]


def newest_of_each(people: Collection[str]) -> dict[str, str]:
    """By person, the newest mail with what became of it."""
    newest = Message.objects.filter(person__in=people).order_by().values("person")
    keys = newest.annotate(last=Max("pk")).values("last")
    rows = Message.objects.filter(pk__in=keys)
    return {row.person: f"{row.title}: {_status(row)}" for row in rows}


def keys_of(prefix: str) -> list[str]:
    """The keys of messages that start with a text."""
    rows = Message.objects.filter(begins_with("event_key", prefix)).order_by("pk")
    return list(rows.values_list("event_key", flat=True))


def mail_course(prefixes: Collection[str]) -> list[str]:
    """What became of each mail whose key starts with one of these, the oldest first."""
    wanted = reduce(or_, (begins_with("event_key", each) for each in prefixes))
    rows = Message.objects.filter(wanted).order_by("pk")
    return [f"{row.title}, to {row.to}: {_status(row)}" for row in rows]


def mails_to(people: Collection[str]) -> list[dict[str, Any]]:
    """Everything stored of mail to these people, as plain values."""
    names = ("event_key", "person", "address", "title", "text", "state", "created_at", "ended_at")
    return list(Message.objects.filter(person__in=people).order_by("pk").values(*names))


def declared_fields(kind: str) -> Mapping[str, str]:
    """The merge fields of a kind of mail with their meaning; none of an unknown kind."""
    return mail_kinds.get(kind).fields if kind in mail_kinds else {}


def hash_key() -> bytes | None:
    """The key of the hashes of addresses; None before the first is needed."""
    row = AddressHashKey.objects.first()
    return None if row is None else _opened(row.sealed_key, row.context)


@lru_cache(maxsize=4)
def _opened(sealed: str, context: str) -> bytes:
    return bytes.fromhex(sealing.unseal(sealed, context))


def hash_under(key: bytes, address: str) -> str:
    """HMAC-SHA256 of the address in lower case, in hexadecimal."""
    return hmac.new(key, address.strip().casefold().encode(), "sha256").hexdigest()


def known(emails: Collection[str]) -> dict[str, RecipientAddress]:
    """By address, what is stored of it; addresses of which nothing is are left out."""
    key = hash_key()
    if key is None:
        return {}
    hashes = {each: hash_under(key, each) for each in emails}
    rows = RecipientAddress.objects.filter(address_hash__in=hashes.values())
    by_hash = {row.address_hash: row for row in rows}
    return {each: by_hash[hashed] for each, hashed in hashes.items() if hashed in by_hash}


STATE_FIELDS = ("consent", "consent_at", "consent_source", "suppression", "suppression_reason")


def address_states(emails: Collection[str]) -> dict[str, dict[str, Any]]:
    """By address, what it agreed to and what is not sent to it, as plain values."""
    stored, unknown = known(emails), RecipientAddress()
    return {
        each: {name: getattr(stored.get(each, unknown), name) for name in STATE_FIELDS}
        for each in emails
    }


def may_be_offered(email: str) -> bool:
    """Whether marketing mail to the address would go out, sooner or later."""
    state = known([email]).get(email, RecipientAddress())
    if state.suppression != SuppressionScope.NONE:
        return False
    rule = SendingRule.objects.filter(purpose=MailPurpose.MARKETING).first()
    needs_consent = rule is None or rule.needs_consent
    return state.consent == ConsentState.GIVEN or not needs_consent
