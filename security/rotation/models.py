"""Managed keys and their versions, the policies of levels, and rotation runs."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from aethercrown.formatting import moment_text
from aethercrown.history.tracking import TrackedHistory
from security.encryption.ciphertext import EncryptionContext
from security.encryption.models import COMPLETE_OR_EMPTY, SealedRow
from security.rotation.schedule import DEFAULT_GRACE, LEVELS, MEDIUM

LEVEL_CHOICES = [(each, each) for each in LEVELS]


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
    *("fail_count", "next_attempt_at", "last_error", "rotation_approved_at"),
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
    key_id = models.CharField("name", max_length=100, unique=True)
    key_type = models.CharField("type", max_length=50)
    level = models.CharField(max_length=8, choices=LEVEL_CHOICES, default=MEDIUM)
    rotator = models.CharField(max_length=40)
    config = models.JSONField(default=dict, blank=True, help_text="What the rotator needs.")
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
    rotation_approved_at = models.DateTimeField(
        null=True, editable=False, help_text="Approved, and not yet begun."
    )
    history = TrackedHistory(excluded_fields=UNTRACKED)

    class Meta:
        ordering = ["key_id"]
        verbose_name = "managed key"
        constraints = [
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
    detail = models.JSONField(default=dict, help_text="Where it was set; no secret.")
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


class RotationRun(models.Model):
    """One run over the keys that are due, on schedule or started by a person."""

    begun_at = models.DateTimeField()
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
