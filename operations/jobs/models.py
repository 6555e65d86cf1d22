"""The table of jobs."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from operations.jobs import states


class Job(models.Model):
    """One job; a worker runs it under a lease and in one of the slots of jobs that run at once."""

    class State(models.TextChoices):
        QUEUED = states.QUEUED
        RUNNING = states.RUNNING
        DONE = states.DONE
        FAILED = states.FAILED
        CANCELLED = states.CANCELLED

    kind = models.CharField(max_length=100, help_text="The name of its kind in code.")
    title = models.CharField(max_length=200)
    subject = models.CharField(
        max_length=200, blank=True, help_text="What it is about, such as a version of a price book."
    )
    caller = models.CharField(
        max_length=200, help_text="Who started it: key:<id>, account:<id> or command:<name>."
    )
    caller_slot = models.PositiveSmallIntegerField(
        null=True, help_text="Which of the caller's open jobs it is; empty once it has ended."
    )
    input = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    slot = models.PositiveSmallIntegerField(
        null=True, help_text="Which of the jobs that run at once it is; empty unless it runs."
    )
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(
        null=True, help_text="After this another worker may take it over."
    )
    worker = models.CharField(max_length=200, blank=True)
    done = models.PositiveBigIntegerField(default=0, help_text="Steps done.")
    total = models.PositiveBigIntegerField(null=True, help_text="Steps in all, where known.")
    note = models.CharField(max_length=200, blank=True, help_text="What it is doing.")
    result = models.JSONField(null=True)
    error = models.TextField(blank=True, help_text="Why it failed, without secrets.")
    cancel_requested_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot"], condition=Q(state="running"), name="operations_job_one_in_a_slot"
            ),
            models.UniqueConstraint(
                fields=["caller", "caller_slot"],
                condition=Q(state__in=["queued", "running"]),
                name="operations_job_few_open_of_a_caller",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False, slot__isnull=False),
                name="operations_job_running_has_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"]) | Q(ended_at__isnull=False),
                name="operations_job_ended_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "created_at"],
                name="operations_job_open",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["kind", "subject", "-created_at"], name="operations_job_about"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.pk})"

    @property
    def percent(self) -> float | None:
        """How far it is, in percent; None where the number of steps is unknown."""
        if self.state == self.State.DONE:
            return 100.0
        return 100.0 * min(self.done, self.total) / self.total if self.total else None

    @property
    def is_open(self) -> bool:
        return self.state in states.OPEN
