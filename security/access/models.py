"""The user record, and the link that creates the first administrator."""

from django.contrib.auth.models import AbstractUser, Group
from django.db import models
from simple_history import register

from aethercrown.formatting import moment_text
from aethercrown.history.tracking import TrackedHistory


class User(AbstractUser):
    """A person who signs in."""

    history = TrackedHistory(
        excluded_fields=["password", "last_login"],
        m2m_fields=[AbstractUser.groups.field, AbstractUser.user_permissions.field],
    )

    class Meta(AbstractUser.Meta):
        permissions = [
            ("view_pages", "Can see the dashboards"),
            ("operate", "Can enter and change data, and start automations"),
            ("approve_decisions", "Can approve, reject and roll back decisions"),
        ]


register(Group, app="security", records_class=TrackedHistory, m2m_fields=[Group.permissions.field])


class PasswordLink(models.Model):
    """A link with which a person chooses a password, once; its token is signed, not stored."""

    class Purpose(models.TextChoices):
        INVITATION = "invitation"
        RESET = "reset"

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_links")
    purpose = models.CharField(max_length=10, choices=Purpose)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="security_passwordlink_ends_after_its_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} until {moment_text(self.expires_at)}"


class SetupLink(models.Model):
    """A link that creates the first administrator; only a digest of its token is stored."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"Set-up link until {moment_text(self.expires_at)}"
