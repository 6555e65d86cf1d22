"""Destinations, and the messages to them."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from aethercrown.db.masked import MaskedAddressField
from aethercrown.history.tracking import TrackedHistory
from aethercrown.http.addresses import Network, parse_networks
from aethercrown.severity import LEVELS, WARNING
from operations.messaging import chat


class Destination(models.Model):
    """Who gets messages, and by which channel."""

    class Channel(models.TextChoices):
        EMAIL = "email", "e-mail"
        WEBHOOK = "webhook", "signed webhook"
        SLACK = chat.SLACK, "Slack"
        TEAMS = chat.TEAMS, "Microsoft Teams"
        MATTERMOST = chat.MATTERMOST, "Mattermost"

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(max_length=100, unique=True)
    channel = models.CharField(max_length=10, choices=Channel)
    address = MaskedAddressField(
        hide_path=True,
        max_length=2048,
        help_text="An e-mail address, or an https URL that takes a POST: for a chat, that of its "
        "incoming webhook.",
    )
    sealed_secret = models.TextField(
        blank=True, editable=False, help_text="The signing key of webhooks, encrypted."
    )
    networks = models.CharField(
        "allowed private networks",
        max_length=500,
        blank=True,
        help_text="For webhooks inside: networks such as 10.1.0.0/16, separated by commas. "
        "Empty: public addresses only.",
    )
    least_severity = models.CharField(
        "from severity", max_length=8, choices=[(each, each) for each in LEVELS], default=WARNING
    )
    takes_alerts = models.BooleanField(default=True, help_text="A message for each alert.")
    takes_digest = models.BooleanField(default=False, help_text="A daily list of open alerts.")
    takes_anchors = models.BooleanField(
        default=False, help_text="The audit's hourly anchors, to be kept outside this platform."
    )
    takes_budget_plans = models.BooleanField(
        default=False,
        help_text="The old and new amounts of each marketing budget that is approved or rolled "
        "back. A plan counts as applied once a first destination got it.",
    )
    is_enabled = models.BooleanField("on", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    history = TrackedHistory(excluded_fields=["uuid", "sealed_secret"])

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def allowed(self) -> tuple[Network, ...]:
        """The private networks that its webhook may reach."""
        return parse_networks(self.networks)

    @property
    def secret_context(self) -> str:
        """The row that the secret is encrypted for; moved to another row it does not decrypt."""
        return f"destination:{self.uuid}"


class Message(models.Model):
    """One message of one event to one destination, written in the event's transaction."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        DEAD = "dead", "dead: given up"

    event_key = models.CharField(max_length=200, unique=True)
    destination = models.ForeignKey(
        Destination, null=True, on_delete=models.SET_NULL, related_name="messages"
    )
    to = models.CharField(max_length=100, help_text="The destination's name when it was written.")
    channel = models.CharField(max_length=10, choices=Destination.Channel)
    title = models.CharField(max_length=200)
    text = models.TextField()
    payload = models.JSONField(help_text="The body of a webhook.")
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Tries since it was queued.")
    claims = models.PositiveIntegerField(
        default=0, help_text="Fencing token: the last claim may write."
    )
    next_at = models.DateTimeField(help_text="When the next try is due.")
    lease_until = models.DateTimeField(null=True)
    error = models.TextField(blank=True, help_text="The last failure, without secrets.")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="When it was sent or given up.")

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(lease_until__isnull=False),
                name="operations_message_sending_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="operations_message_open",
                condition=Q(state__in=["queued", "sending"]),
            ),
            models.Index(fields=["state", "ended_at"], name="operations_message_ended"),
        ]

    def __str__(self) -> str:
        return self.event_key
