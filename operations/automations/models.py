"""Automations as staff set them, and their runs."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from simple_history import register

from aethercrown.db.leases import lease_expired
from aethercrown.formatting import moment_text
from aethercrown.history.tracking import TrackedHistory
from operations.automations import schedule_text
from operations.automations.limits import GuardrailLimits, QuietHours
from operations.automations.occurrences import Schedule

register(
    PeriodicTask,
    app="operations",
    records_class=TrackedHistory,
    excluded_fields=["last_run_at", "total_run_count", "date_changed"],
)


class Automation(models.Model):
    """What runs on a schedule (in beat's tables), when, in which mode and within which limits."""

    class Mode(models.TextChoices):
        OBSERVE = "observe", "observe: record only"
        PROPOSE = "propose", "propose: a person approves"
        AUTO = "auto", "auto: applied if every guardrail passes"

    class Missed(models.TextChoices):
        SKIP = "skip", "skip them"
        ONCE = "once", "run the latest one"
        ALL = "all", "run each, oldest first"

    name = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    task = models.OneToOneField(
        "django_celery_beat.PeriodicTask", on_delete=models.PROTECT, related_name="automation"
    )
    when = models.CharField(
        max_length=300, blank=True, help_text="The schedule in words, as the form writes it."
    )
    zone = models.CharField(max_length=64, default="UTC", help_text="A tz database name.")
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.PROPOSE)
    missed = models.CharField(
        "missed runs",
        max_length=4,
        choices=Missed,
        default=Missed.ONCE,
        help_text="What to do with the times that passed while nothing ran.",
    )
    is_enabled = models.BooleanField("on", default=True)
    scheduled_at = models.DateTimeField(
        default=timezone.now,
        editable=False,
        help_text="When the current schedule was set: intervals count from here.",
    )
    largest_change_percent = models.FloatField(
        default=20.0,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Largest change of one run, in percent. Empty: no limit.",
    )
    applied_per_day = models.PositiveIntegerField(
        default=100, null=True, blank=True, help_text="Most applied in 24 hours. Empty: no limit."
    )
    needs_sure_gain = models.BooleanField(
        default=True, help_text="Apply only if the low end of the expected interval is above zero."
    )
    data_age_hours = models.FloatField(
        default=48.0,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Oldest data to decide on, in hours. Empty: no limit.",
    )
    largest_daily_change_percent = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Largest change of one subject in 24 hours, in percent. Empty: no limit.",
    )
    least_confidence_percent = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Least probability of any gain. Empty: no limit.",
    )
    quiet_from = models.TimeField(
        null=True,
        blank=True,
        help_text="Nothing is applied from this time, in the time zone above,",
    )
    quiet_until = models.TimeField(null=True, blank=True, help_text="until this time.")
    needs_no_critical_alert = models.BooleanField(
        default=True, help_text="Apply only while no critical alert is open on the subject."
    )
    auto_enabled_at = models.DateTimeField(
        null=True, editable=False, help_text="When staff last set the mode to auto."
    )
    auto_disabled_at = models.DateTimeField(null=True, editable=False)
    auto_disabled_reason = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    history = TrackedHistory(excluded_fields=["scheduled_at"])

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(largest_change_percent__gte=0),
                name="operations_automation_change_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(data_age_hours__gte=0), name="operations_automation_age_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(largest_daily_change_percent__gte=0),
                name="operations_automation_daily_change_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(least_confidence_percent__gte=0, least_confidence_percent__lte=100),
                name="operations_automation_confidence_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="operations_automation_quiet_hours_begin_and_end",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def schedule(self) -> Schedule:
        """The schedule for `occurrences`."""
        return schedule_text.parse(self.when, self.scheduled_at.astimezone(UTC))

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def limits(self) -> GuardrailLimits:
        return GuardrailLimits(
            **{each.name: getattr(self, each.name) for each in fields(GuardrailLimits)}
        )

    @property
    def quiet_hours(self) -> QuietHours | None:
        """The hours in which nothing is applied."""
        if self.quiet_from is None or self.quiet_until is None:
            return None
        return QuietHours(self.quiet_from, self.quiet_until, self.zone_info)


class RunQuerySet(models.QuerySet["Run"]):
    def claimable(self, now: datetime) -> "RunQuerySet":
        """Queued runs whose wait is over, and running ones whose lease has expired."""
        queued = Q(state=Run.State.QUEUED, not_before__lte=now)
        return self.filter(queued | Q(state=Run.State.RUNNING) & lease_expired())


class Run(models.Model):
    """One planned time of one automation, executed by one worker at a time under a lease."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule"
        CATCH_UP = "catch-up"
        MANUAL = "manual"

    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, related_name="runs")
    planned_for = models.DateTimeField()
    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.SCHEDULE)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was skipped.")
    attempt = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="The next attempt waits until then.")
    lease_until = models.DateTimeField(
        null=True, help_text="After this another worker may take it over."
    )
    worker = models.CharField(max_length=200, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    summary = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True, help_text="The last failure, without secrets.")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-planned_for", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["automation", "planned_for"], name="operations_run_once_each_planned_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="operations_run_running_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["automation", "state"],
                name="operations_run_open",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["-ended_at"], name="operations_run_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.automation} of {moment_text(self.planned_for, seconds=True)}"

    @property
    def duration(self) -> timedelta | None:
        """How long the last attempt took."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at
