"""How many messages wait, were sent or failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from aethercrown.formatting import counted
from aethercrown.monitoring.attention import AttentionItem
from operations.messaging.models import Destination, Message


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
    states = list(
        Message.objects.filter(event_key__startswith=f"{key}:").values_list("state", flat=True)
    )
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
