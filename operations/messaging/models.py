"""Destinations, recipients outside, their sending rules and templates, and the messages to them."""

import uuid
from datetime import time, timedelta

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from aethercrown.db.masked import MaskedAddressField
from aethercrown.history.tracking import TrackedHistory
from aethercrown.http.addresses import Network, parse_networks
from aethercrown.severity import LEVELS, WARNING
from operations.messaging import chat
from operations.messaging.message import MAX_TITLE_CHARACTERS
from operations.messaging.outside.mail_kinds import MailPurpose
from operations.messaging.outside.sending_times import (
    ConsentState,
    SendingLimits,
    SuppressionScope,
)

PURPOSES = [(each.value, each.value) for each in MailPurpose]


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
        "takes signed audit digests",
        default=False,
        help_text="The audit's hourly digest, to be kept outside this platform.",
    )
    takes_budget_plans = models.BooleanField(
        default=False,
        help_text="The old and new amounts of each marketing budget that is approved or rolled "
        "back. A plan counts as applied once a first destination got it.",
    )
    is_enabled = models.BooleanField("on", default=True)
    switched_on_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was last switched on again."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    history = TrackedHistory(excluded_fields=["uuid", "sealed_secret", "switched_on_at"])

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


class AddressHashKey(models.Model):
    """The key of the hashes of addresses; the only row is made when the first is needed."""

    sealed_key = models.TextField(editable=False, help_text="Encrypted.")

    def __str__(self) -> str:
        return "Key of the hashes of addresses"

    @property
    def context(self) -> str:
        """The row that the key is encrypted for."""
        return f"addresshashkey:{self.pk}"


class RecipientAddress(models.Model):
    """What an outside e-mail address agreed to, under its hash: the address is not stored here."""

    class SuppressionReason(models.TextChoices):
        NONE = "", "none"
        UNSUBSCRIBED = "unsubscribed"
        BOUNCED = "bounced", "bounced: there is no such mailbox"
        BY_STAFF = "by_staff", "by staff"

    address_hash = models.CharField(max_length=64, unique=True, editable=False)
    consent = models.CharField(
        max_length=9,
        choices=[(each.value, each.value) for each in ConsentState],
        default=ConsentState.UNKNOWN.value,
        help_text="To marketing mail.",
    )
    consent_at = models.DateTimeField(null=True, editable=False)
    consent_source = models.CharField(
        max_length=200, blank=True, help_text="How it was given or withdrawn."
    )
    suppression = models.CharField(
        max_length=9,
        choices=[(each.value, each.value) for each in SuppressionScope],
        default=SuppressionScope.NONE.value,
        help_text="What is not sent to it.",
    )
    suppression_reason = models.CharField(
        max_length=12, choices=SuppressionReason, blank=True, default=SuppressionReason.NONE
    )
    suppressed_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        verbose_name_plural = "recipient addresses"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(suppression="none", suppressed_at__isnull=True)
                | (~Q(suppression="none") & Q(suppressed_at__isnull=False)),
                name="operations_recipientaddress_suppressed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(consent="unknown") | Q(consent_at__isnull=False),
                name="operations_recipientaddress_consent_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"address {self.pk}"


class SendingRule(models.Model):
    """When mail of one purpose may go out to people outside; staff edit the rows."""

    purpose = models.CharField(max_length=9, choices=PURPOSES, unique=True, editable=False)
    needs_consent = models.BooleanField(
        default=False, help_text="Sent only to addresses that agreed."
    )
    quiet_from = models.TimeField(
        default=time(20), help_text="In the recipient's time zone; equal ends: no quiet hours."
    )
    quiet_until = models.TimeField(default=time(8))
    most_a_day = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Mails to one address in 24 hours; empty: no limit."
    )
    most_a_week = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Mails to one address in 7 days; empty: no limit."
    )
    longest_wait_hours = models.PositiveSmallIntegerField(
        default=72, help_text="What would have to wait longer is not sent."
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Sending rule of {self.purpose} mail"

    @property
    def limits(self) -> SendingLimits:
        return SendingLimits(
            self.needs_consent,
            self.purpose == MailPurpose.MARKETING,
            self.quiet_from,
            self.quiet_until,
            self.most_a_day,
            self.most_a_week,
            timedelta(hours=self.longest_wait_hours),
        )


class MailTemplateVersion(models.Model):
    """A text of a kind of mail in one locale; a published one never changes, the newest is used."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"

    kind = models.CharField(max_length=50)
    locale = models.CharField(
        max_length=35,
        blank=True,
        validators=[RegexValidator(r"^[a-z]{2,3}(-[a-z0-9]{2,8})*\Z", "Such as de or de-at.")],
        help_text="Such as de or de-at; empty: of every recipient without a better one.",
    )
    number = models.PositiveIntegerField(editable=False)
    subject = models.CharField(max_length=MAX_TITLE_CHARACTERS)
    text = models.TextField(max_length=20_000)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        verbose_name = "mail template"
        ordering = ["kind", "locale", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "locale", "number"],
                name="operations_mailtemplateversion_one_a_number",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True)
                | Q(state="published", published_at__isnull=False),
                name="operations_mailtemplateversion_published_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}{' ' if self.locale else ''}{self.locale}, version {self.number}"


class Message(models.Model):
    """One message of one event to a destination or a person outside, in the event's transaction."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        DEAD = "dead", "dead: given up"
        SKIPPED = "skipped", "skipped: not to be sent"

    class Audience(models.TextChoices):
        STAFF = "staff"
        OUTSIDE = "outside"

    event_key = models.CharField(max_length=200, unique=True)
    destination = models.ForeignKey(
        Destination, null=True, on_delete=models.SET_NULL, related_name="messages"
    )
    to = models.CharField(max_length=100, help_text="The name when it was written.")
    audience = models.CharField(max_length=7, choices=Audience, default=Audience.STAFF)
    recipient = models.ForeignKey(
        RecipientAddress, null=True, on_delete=models.SET_NULL, related_name="messages"
    )
    address = models.EmailField(blank=True, help_text="Of somebody outside; erased with them.")
    person = models.CharField(
        max_length=100, blank=True, help_text='Whom it is to, such as "contact 12".'
    )
    mail_kind = models.CharField(max_length=50, blank=True)
    purpose = models.CharField(max_length=9, choices=PURPOSES, blank=True)
    template = models.ForeignKey(
        MailTemplateVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="messages",
        help_text="The published text that it has; empty: the built-in one.",
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    waits_for = models.CharField(
        max_length=20, blank=True, help_text="Quiet hours or a frequency cap."
    )
    waits_since = models.DateTimeField(null=True)
    released_at = models.DateTimeField(
        null=True, help_text="When its recipient's rules let it go; caps count it from then."
    )
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
            models.CheckConstraint(
                condition=Q(audience="staff") | Q(destination__isnull=True, channel="email"),
                name="operations_message_outside_is_mail",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="operations_message_open",
                condition=Q(state__in=["queued", "sending"]),
            ),
            models.Index(fields=["state", "ended_at"], name="operations_message_ended"),
            models.Index(
                fields=["person"], name="operations_message_person", condition=~Q(person="")
            ),
        ]

    def __str__(self) -> str:
        return self.event_key
