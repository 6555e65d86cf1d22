"""What is on its way, and what was given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from operations.automations.reports import AttentionItem
from operations.messaging.models import Destination, Message


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """Messages by where they stand; `sent` counts the last 24 hours."""

    waiting: int
    sent: int
    dead: int
    destinations: int

    @property
    def has_bare_links(self) -> bool:
        """Whether somebody gets messages whose links name no host."""
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


def mail_is_off() -> bool:
    """Whether somebody should hear by e-mail while no mail goes out."""
    wanted = Destination.objects.filter(channel=Destination.Channel.EMAIL, is_enabled=True)
    return not settings.EMAIL_URL and wanted.exists()


def attention_items(now: datetime) -> list[AttentionItem]:
    """Messages given up within a week, and mail that cannot go out."""
    lately = Q(state=Message.State.DEAD, ended_at__gt=now - timedelta(days=7))
    dead = Message.objects.filter(lately).count()
    found = []
    if dead:
        listed = reverse("admin:operations_message_changelist")
        what = "1 message was" if dead == 1 else f"{dead} messages were"
        sentence = f"{what} given up: nobody received what they say."
        found.append(AttentionItem(sentence, f"{listed}?state__exact={Message.State.DEAD}"))
    if mail_is_off():
        listed = reverse("admin:operations_destination_changelist")
        found.append(AttentionItem("No mail goes out: EMAIL_URL is not set.", listed))
    return found
