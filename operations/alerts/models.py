"""Alerts, and silences that hold their messages back."""

from fnmatch import fnmatchcase

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import capfirst

from aethercrown.history.tracking import TrackedHistory
from aethercrown.severity import LEVELS


class Alert(models.Model):
    """One thing that is wrong; raised again while open, it is only counted."""

    class State(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"
        RESOLVED = "resolved"

    source = models.CharField(max_length=100, help_text="What raised it: automations, health.")
    kind = models.CharField(max_length=100, help_text="What is wrong: run_failed, down.")
    subject = models.CharField(max_length=200, help_text="What it concerns: an automation's name.")
    key = models.CharField(
        max_length=200,
        default="",
        editable=False,
        help_text="What stays when the subject is renamed.",
    )
    severity = models.CharField(max_length=8, choices=[(each, each) for each in LEVELS])
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    message = models.TextField(help_text="For people, without secrets.")
    link = models.CharField(
        max_length=500, blank=True, help_text="A path of this site that shows more."
    )
    count = models.PositiveIntegerField(default=1, help_text="How often it was raised.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    transition = models.PositiveIntegerField(
        default=1, editable=False, help_text="How often its state or severity has changed."
    )
    changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When it last opened or was resolved."
    )
    notified_at = models.DateTimeField(null=True, help_text="When messages were last written.")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "kind", "key"],
                condition=~Q(state="resolved"),
                name="operations_alert_one_open_a_fingerprint",
            ),
            models.CheckConstraint(
                condition=~Q(state="resolved") | Q(resolved_at__isnull=False),
                name="operations_alert_resolved_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["source", "kind", "key", "-resolved_at"],
                name="operations_alert_resolved",
            ),
            models.Index(fields=["state", "-last_seen_at"], name="operations_alert_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.kind.replace('_', ' ')}, {self.subject}"

    @property
    def title(self) -> str:
        """What is wrong with what, for people who do not know the sources: Down, shop."""
        return capfirst(f"{self.kind.replace('_', ' ')}, {self.subject}")


class Silence(models.Model):
    """Holds back the messages of matching alerts for a time; the alerts themselves are kept."""

    source = models.CharField(
        max_length=600, default="*", help_text="A pattern; * matches any text."
    )
    kind = models.CharField(max_length=600, default="*", help_text="A pattern; * matches any text.")
    subject = models.CharField(max_length=600, default="*", help_text="A pattern, such as ads.*")
    key = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Of the one alert that it silences, whatever its subject is called.",
    )
    until = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True, help_text="Why it is silenced.")
    created_by = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["-until", "-pk"]

    def __str__(self) -> str:
        return f"{self.source} / {self.kind} / {self.subject}"

    def matches(self, alert: Alert) -> bool:
        """Whether all three patterns fit; `*` stands for any text. A key stands for the subject."""
        names = ("source", "kind") if self.key else ("source", "kind", "subject")
        fits = all(fnmatchcase(getattr(alert, each), getattr(self, each)) for each in names)
        return fits and self.key in {"", alert.key}
