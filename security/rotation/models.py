"""Managed keys and their versions, the policies of levels, and rotation runs."""

import ssl
import uuid
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from aethercrown.db.masked import MaskedConfigField
from aethercrown.formatting import moment_text
from aethercrown.history.tracking import TrackedHistory
from aethercrown.http.addresses import (
    AddressRefused,
    check_host_allowed,
    parse_networks,
    plain_host,
)
from aethercrown.http.postgres import NO_TLS, VERIFY_CA, VERIFY_FULL
from aethercrown.registry import UnknownName
from security.apikeys.scopes import REVEAL
from security.encryption.ciphertext import EncryptionContext
from security.encryption.models import COMPLETE_OR_EMPTY, SealedRow
from security.rotation.registry import (
    DATABASE,
    SHOWN,
    WEBHOOK,
    BindingTerms,
    CredentialIssuer,
    InvalidConfig,
    TargetAddress,
    TargetRefused,
    channels,
    rotators,
)
from security.rotation.schedule import DEFAULT_GRACE, LEVELS, MEDIUM

LEVEL_CHOICES = [(each, each) for each in LEVELS]
MAX_NAMED = 3  # targets in an error


class RotationPolicy(models.Model):
    """What a security level requires, where it differs from the settings."""

    level = models.CharField(max_length=8, choices=LEVEL_CHOICES, primary_key=True)
    interval_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="Days between rotations. Empty: the setting KEY_ROTATION_<LEVEL>_DAYS.",
    )
    grace_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How long an old value still works. Empty: "
        + ", ".join(
            f"{level} {span // timedelta(hours=1)} h" for level, span in DEFAULT_GRACE.items()
        )
        + ".",
    )
    history = TrackedHistory()

    class Meta:
        verbose_name_plural = "rotation policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(interval_days__isnull=True) | Q(interval_days__gte=1),
                name="security_rotationpolicy_interval_at_least_a_day",
            )
        ]

    def __str__(self) -> str:
        return self.level


# Columns that rotations write: they are recorded in the audit chain, not in the row's history.
UNTRACKED = [
    *("state", "last_rotated_at", "due_at", "eligible_at", "lease_until", "fencing_token"),
    *(
        "fail_count",
        "next_attempt_at",
        "last_error",
        "rotation_approved_at",
        "delivery_tested_at",
        "registered",
        "sealed_first_digest",
    ),
]


class ManagedSecret(models.Model):
    """A managed key: one secret under a name. It is being rotated while its lease lasts."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        FAILED = "failed", "failed: no working value"
        REVOKED = "revoked"
        RETIRED = "retired"

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    key_id = models.CharField("name", max_length=100)
    key_type = models.CharField("type", max_length=50)
    level = models.CharField(max_length=8, choices=LEVEL_CHOICES, default=MEDIUM)
    rotator = models.CharField(max_length=40)
    config = MaskedConfigField(
        default=dict, blank=True, shown=SHOWN, help_text="What the rotator needs."
    )
    owner = models.CharField(
        max_length=200, blank=True, help_text="The person or team responsible."
    )
    state = models.CharField(max_length=7, choices=State, default=State.ACTIVE, editable=False)
    interval_days = models.PositiveSmallIntegerField(editable=False)
    created_at = models.DateTimeField(editable=False)
    last_rotated_at = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(editable=False)
    eligible_at = models.DateTimeField(
        editable=False, help_text="From then on a scheduled run may rotate it."
    )
    lease_until = models.DateTimeField(null=True, editable=False)
    fencing_token = models.PositiveBigIntegerField(default=0, editable=False)
    fail_count = models.PositiveIntegerField(default=0, editable=False)
    next_attempt_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    delivery_tested_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When its target, which uses the value, last proved to have it.",
    )
    rotation_approved_at = models.DateTimeField(
        null=True, editable=False, help_text="Approved, and not yet begun."
    )
    registered = MaskedConfigField(
        default=dict,
        editable=False,
        blank=True,
        help_text="What was asked for when it was registered; empty for a key of an early version.",
    )
    sealed_first_digest = models.TextField(
        blank=True, editable=False, help_text="SHA-256 of the value it was registered with."
    )
    history = TrackedHistory(excluded_fields=UNTRACKED)

    class Meta:
        ordering = ["key_id"]
        verbose_name = "managed key"
        constraints = [
            models.UniqueConstraint(
                fields=["key_id"],
                condition=~Q(state__in=["revoked", "retired"]),
                name="security_managedsecret_one_live_of_a_name",
            ),
            models.CheckConstraint(
                condition=Q(eligible_at__lte=F("due_at")),
                name="security_managedsecret_eligible_before_due",
            ),
            models.CheckConstraint(
                condition=Q(level__in=LEVELS), name="security_managedsecret_known_level"
            ),
        ]
        indexes = [models.Index(fields=["state", "eligible_at"], name="security_managedsecret_due")]

    def __str__(self) -> str:
        return self.key_id

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    def uses(self) -> tuple[tuple[str, TargetAddress], ...]:
        """Which stored secrets it uses, by the names of their keys, and where; none if unknown."""
        try:
            return rotators.get(self.rotator).uses(self.key_id, self.config)
        except (UnknownName, TargetRefused, AddressRefused, KeyError):
            return ()  # of an earlier version, or its configuration cannot be decrypted


ENDED = (ManagedSecret.State.REVOKED, ManagedSecret.State.RETIRED)


class SecretVersion(SealedRow):
    """One value of a key: encrypted, only a digest, or erased."""

    class State(models.TextChoices):
        PENDING = "pending"
        CURRENT = "current"
        RETIRING = "retiring"
        RETIRED = "retired"
        REVOKED = "revoked"
        FAILED = "failed"
        COMPROMISED = "compromised"

    context_columns = ("key__uuid", "number", "key__key_type")

    key = models.ForeignKey(ManagedSecret, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=11, choices=State)
    reason = models.CharField(max_length=20, help_text="Why it was created.")
    grace_minutes = models.PositiveIntegerField(
        null=True, help_text="Grace of the version before it. Empty: the level's."
    )
    actor = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, null=True, unique=True, editable=False)
    prefix = models.CharField(max_length=20, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    detail = models.JSONField(default=dict, help_text="What its user needs beside it; no secret.")
    place = models.CharField(
        max_length=500,
        blank=True,
        help_text="Where its rotator sets it. Empty: nowhere, or unknown of an early version.",
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="Failed tests.")
    created_at = models.DateTimeField()
    set_at = models.DateTimeField(null=True)
    current_at = models.DateTimeField(null=True)
    retire_at = models.DateTimeField(null=True)
    extended_at = models.DateTimeField(null=True, help_text="When its grace was extended.")
    last_used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True, help_text="When its ciphertext was deleted.")

    class Meta:
        ordering = ["key", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["key", "number"], name="security_secretversion_unique_number"
            ),
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(state="current"),
                name="security_secretversion_one_current",
            ),
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(state="pending"),
                name="security_secretversion_one_pending",
            ),
            models.CheckConstraint(
                condition=COMPLETE_OR_EMPTY, name="security_secretversion_complete_or_empty"
            ),
            models.CheckConstraint(
                condition=Q(destroyed_at__isnull=True) | Q(sealed__isnull=True),
                name="security_secretversion_destroyed_has_no_value",
            ),
            models.CheckConstraint(
                condition=~Q(state="retiring") | Q(retire_at__isnull=False),
                name="security_secretversion_retiring_has_an_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["retire_at"],
                name="security_secretversion_erase",
                condition=Q(destroyed_at__isnull=True, retire_at__isnull=False),
            ),
            models.Index(fields=["kek_id", "id"], name="security_secretversion_kek"),
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.number}"

    def encryption_context(self, key: ManagedSecret) -> EncryptionContext:
        """What its ciphertext is bound to; `key` is this version's key, already loaded."""
        return EncryptionContext(key.uuid, self.number, key.key_type)


def has_certificates(text: str) -> bool:
    """Whether a text is certificates in PEM, as the client of a database needs them."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError, TypeError):  # the last of what is not ASCII
        return False
    return True


class SecretBinding(models.Model):
    """Where one stored secret may be used, and on which terms. Only security staff edit it."""

    class Purpose(models.TextChoices):
        DATABASE = DATABASE, "log in at a PostgreSQL server"
        WEBHOOK = WEBHOOK, "deliver to a receiver, and sign"

    class TLS(models.TextChoices):
        VERIFY_FULL = VERIFY_FULL, "verify-full: its certificate, for its name"
        VERIFY_CA = VERIFY_CA, "verify-ca: its certificate, for any name"
        DISABLE = NO_TLS, "none: only on a network where nobody else is"

    key = models.ForeignKey(ManagedSecret, on_delete=models.CASCADE, related_name="bindings")
    purpose = models.CharField(max_length=8, choices=Purpose)
    host = models.CharField(
        max_length=253,
        help_text="A host name or address, or the folder of a Unix socket of this machine.",
    )
    port = models.PositiveIntegerField(
        default=5432, validators=[MinValueValidator(1), MaxValueValidator(65_535)]
    )
    tls = models.CharField("TLS", max_length=11, choices=TLS, default=TLS.VERIFY_FULL)
    ca_certificate = models.TextField(
        "certificate authority",
        blank=True,
        max_length=100_000,
        help_text="In PEM. Empty: the authorities that this machine trusts.",
    )
    networks = models.CharField(
        "allowed private networks",
        max_length=500,
        blank=True,
        help_text="Such as 10.1.0.0/16, separated by commas. Empty: public addresses only.",
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["key", "host", "port"]
        verbose_name = "secret binding"
        constraints = [
            models.UniqueConstraint(
                fields=["key", "purpose", "host", "port"], name="security_secretbinding_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} at {self.host}:{self.port}"

    def clean(self) -> None:
        """Keep the host in its plain form; refuse what could never be used."""
        errors = {}
        try:
            self.host = plain_host(self.host)
        except AddressRefused as error:
            errors["host"] = str(error)
        try:
            check_host_allowed(self.host, parse_networks(self.networks))
        except AddressRefused as error:
            errors.setdefault("networks", f"{error} Enter its network if it is inside.")
        if self.ca_certificate and not has_certificates(self.ca_certificate):
            errors["ca_certificate"] = "must be certificates in PEM, from BEGIN to END CERTIFICATE."
        if self.purpose == WEBHOOK and (self.tls != VERIFY_FULL or self.ca_certificate):
            errors["tls"] = "Receivers are called over https with a certificate for their name."
        if not errors and self.key_id:
            errors |= self._unknown_target()
        if errors:
            raise ValidationError(errors)

    def _unknown_target(self) -> dict[str, str]:
        """An error unless the configuration of a live key uses this secret there."""
        if self.key.has_ended:
            return {"key": f"This key is {self.key.state}."}
        live = ManagedSecret.objects.exclude(state__in=ENDED)
        used = {where for key in live for name, where in key.uses() if name == self.key.key_id}
        if TargetAddress(self.purpose, self.host, self.port) in used:
            return {}
        known = ", ".join(f"{each} ({each.purpose})" for each in sorted(used, key=str)[:MAX_NAMED])
        words = f"it is used at {known}" if known else "none uses it anywhere"
        return {
            "host": "This binding would never be used: no key's configuration uses the secret "
            f"there; {words}. Change the configuration first."
        }

    @property
    def terms(self) -> BindingTerms:
        return BindingTerms(self.tls, self.ca_certificate, parse_networks(self.networks))


class KeyChannel(models.Model):
    """How a new value of a key reaches those who use it. Only security staff edit it."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "signed delivery to a receiver"
        FILE = "file", "a file of this machine"
        KUBERNETES = "kubernetes", "a Kubernetes Secret, as a file"
        PULL = "pull", "asked for by an API key"

    key = models.ForeignKey(ManagedSecret, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=100, help_text="Who gets the value, such as web servers.")
    kind = models.CharField(max_length=10, choices=Kind)
    config = MaskedConfigField(
        "configuration",
        default=dict,
        blank=True,
        shown=SHOWN,
        help_text="See docs/security.md for each kind.",
    )
    networks = models.CharField(
        "allowed private networks",
        max_length=500,
        blank=True,
        help_text="For receivers inside: networks such as 10.1.0.0/16, separated by commas.",
    )
    api_key = models.ForeignKey(
        "security.ApiKey",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="API key",
        help_text="Who may ask for the value; needs the scope security:reveal. Only for pull.",
    )
    test_wanted_at = models.DateTimeField(null=True, editable=False)
    tested_at = models.DateTimeField(
        null=True, editable=False, help_text="When the current value was last found there."
    )
    error = models.TextField(blank=True, editable=False, help_text="Why the last test failed.")
    read_version = models.PositiveIntegerField(
        null=True, editable=False, help_text="The version that its API key last asked for."
    )
    read_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory(
        excluded_fields=["test_wanted_at", "tested_at", "error", "read_version", "read_at"]
    )

    class Meta:
        ordering = ["key", "name"]
        verbose_name = "delivery channel"
        constraints = [
            models.UniqueConstraint(fields=["key", "name"], name="security_keychannel_once"),
            models.CheckConstraint(
                condition=~Q(kind="pull") | Q(api_key__isnull=False),
                name="security_keychannel_pull_has_an_api_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.name}"

    def clean(self) -> None:
        errors: dict[str, str] = {}
        try:
            parse_networks(self.networks)
            channels.get(self.kind).validate_config(self.config)
        except AddressRefused as error:
            errors["networks"] = str(error)
        except UnknownName as error:
            errors["kind"] = str(error)
        except InvalidConfig as error:
            errors["config"] = f"{error.field}: {error}"
        if other := self._writes_the_same_file():
            errors["config"] = f"config.path: {other} writes this file."
        if self.kind == self.Kind.PULL and not self._may_reveal():
            errors["api_key"] = f"Name an API key with the scope {REVEAL}."
        if self.key_id and isinstance(rotators.get(self.key.rotator), CredentialIssuer):
            errors["key"] = "Its values are not stored, only their digests: nothing can deliver it."
        if errors:
            raise ValidationError(errors)

    def _writes_the_same_file(self) -> "KeyChannel | None":
        """Another channel of a key that has not ended, with the same path."""
        if self.kind not in {self.Kind.FILE, self.Kind.KUBERNETES}:
            return None
        files = KeyChannel.objects.filter(kind__in=[self.Kind.FILE, self.Kind.KUBERNETES])
        others = files.exclude(pk=self.pk).exclude(key__state__in=ENDED).select_related("key")
        path = self.config.get("path")
        return next((each for each in others if path and each.config.get("path") == path), None)

    def _may_reveal(self) -> bool:
        return self.api_key is not None and REVEAL in self.api_key.scopes


class OutsideTask(models.Model):
    """A value that was ended here and may still work outside, until somebody ends it there."""

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        CLOSED = "closed", "closed by a person"

    key = models.ForeignKey(ManagedSecret, on_delete=models.CASCADE, related_name="outside_tasks")
    version = models.ForeignKey(SecretVersion, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(
        KeyChannel, null=True, on_delete=models.SET_NULL, related_name="+"
    )  # none: the rotator's own target, or a channel that was deleted once the task had ended
    place = models.CharField(max_length=500, help_text="What was left outside, and where.")
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    tries = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "task outside"
        verbose_name_plural = "tasks outside"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True)
                | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="security_outsidetask_ended_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="security_outsidetask_open",
                condition=Q(state="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.place}"


class RotationOrder(models.Model):
    """A rotation that was asked for and that a worker does, because it calls something outside."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    key = models.ForeignKey(ManagedSecret, on_delete=models.CASCADE, related_name="orders")
    asked = models.JSONField(help_text="The arguments; no secret.")
    actor = models.CharField(max_length=200)
    ordered_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    answer = models.JSONField(null=True, help_text="The result, without the value.")
    error = models.TextField(blank=True)
    collected_at = models.DateTimeField(null=True, help_text="When its result was handed out.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(state__in=["queued", "running"]),
                name="security_rotationorder_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}, asked for by {self.actor}"


class RotationRun(models.Model):
    """One run over the keys that are due, on schedule or started by a person."""

    class Mode(models.TextChoices):
        AUTO = "auto"
        PROPOSE = "propose", "propose: a person approves each"
        OBSERVE = "observe", "observe: recorded only"

    begun_at = models.DateTimeField()
    mode = models.CharField(max_length=7, choices=Mode, default=Mode.AUTO)
    boot = models.CharField(max_length=64, blank=True, help_text="Start of the machine it ran on.")
    uptime = models.DurationField(null=True, help_text="Since that start.")
    local_at = models.DateTimeField(null=True, help_text="By that machine's clock.")
    ended_at = models.DateTimeField(null=True)
    actor = models.CharField(max_length=200, blank=True)
    due = models.PositiveIntegerField(default=0)
    rotated = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    held_back = models.PositiveIntegerField(default=0, help_text="Due, and over the hourly limit.")
    paused_because = models.TextField(blank=True)
    resumed_at = models.DateTimeField(null=True)
    resumed_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-begun_at", "-pk"]

    def __str__(self) -> str:
        return moment_text(self.begun_at, seconds=True)
