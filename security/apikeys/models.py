"""The key's record: never the key itself."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ApiKey(models.Model):
    """One credential. Its text was shown once; only a digest of it is here."""

    name = models.CharField(max_length=100, help_text="Who or what uses the key.")
    prefix = models.CharField(max_length=12, editable=False)
    last4 = models.CharField(max_length=4, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(help_text="What the key opens.")
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
    retire_at = models.DateTimeField(null=True, editable=False)

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
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    @property
    def hint(self) -> str:
        """Enough of the key to know it by."""
        return f"{self.prefix}_live_…{self.last4}"

    def state(self, now: datetime) -> str:
        """In one word: active, retiring, retired, expired or revoked."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if self.retire_at is not None:
            return "retired" if self.retire_at <= now else "retiring"
        return "active"

    def opens_at(self, now: datetime) -> bool:
        return self.state(now) in {"active", "retiring"}
