"""API keys: everything but the key itself."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from aethercrown.history.tracking import TrackedHistory
from security.apikeys import states


class ApiKey(models.Model):
    """One API key; only a digest of its text is stored."""

    name = models.CharField(max_length=100, help_text="Who or what uses the key.")
    prefix = models.CharField(max_length=12, editable=False)
    last4 = models.CharField(max_length=4, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(help_text="What the key opens.")
    allowed_networks = models.TextField(
        blank=True,
        help_text="Networks or addresses it may be used from, one a line, such as 203.0.113.7 or "
        "198.51.100.0/24. Empty: from anywhere.",
    )
    burst = models.PositiveIntegerField(
        null=True, blank=True, help_text="Calls at once. Empty: what API_BURST says."
    )
    rate_per_second = models.FloatField(
        null=True, blank=True, help_text="Calls a second. Empty: what API_RATE_PER_SECOND says."
    )
    pepper_id = models.CharField(
        max_length=8, blank=True, editable=False, help_text="Identifies the pepper of the digest."
    )
    customer = models.PositiveBigIntegerField(
        null=True,
        editable=False,
        help_text="The number of the one customer whose rows it reaches. Empty: no such limit.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on the key is refused. Empty: never."
    )
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    replaced_by = models.OneToOneField(
        "self", null=True, editable=False, on_delete=models.SET_NULL, related_name="replaces"
    )
    rotated_at = models.DateTimeField(null=True, editable=False)
    retire_at = models.DateTimeField(null=True, editable=False)
    extended_at = models.DateTimeField(
        null=True, editable=False, help_text="When its end was extended, because it was in use."
    )
    history = TrackedHistory(excluded_fields=["digest", "pepper_id", "last_used_at", "extended_at"])

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="security_apikey_expires_after_creation",
            ),
            models.CheckConstraint(
                condition=Q(replaced_by__isnull=True) | Q(retire_at__isnull=False),
                name="security_apikey_replaced_means_retiring",
            ),
            models.CheckConstraint(
                condition=Q(burst__isnull=True) | Q(burst__gte=1),
                name="security_apikey_burst_of_one_or_more",
            ),
            models.CheckConstraint(
                condition=Q(rate_per_second__isnull=True) | Q(rate_per_second__gt=0),
                name="security_apikey_rate_above_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    @property
    def hint(self) -> str:
        """The prefix and the last characters of the key."""
        return f"{self.prefix}_live_…{self.last4}"

    def state(self, now: datetime) -> str:
        """active, retiring, retired, expired or revoked."""
        return states.state(now, self.revoked_at, self.expires_at, self.retire_at)
