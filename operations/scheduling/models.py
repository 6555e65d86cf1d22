"""Tasks, their dependencies, workers and pools, learned durations and the newest plan."""

from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from aethercrown.formatting import moment_text
from operations.scheduling.durations import LearnedDuration
from operations.scheduling.task_spec import MAX_ESTIMATE_SECONDS

MAX_NAME_LENGTH = 255  # of an id or a name
SILENT_AFTER = timedelta(seconds=90)  # three heartbeats


class Pool(models.Model):
    """Workers for one task type; `default` serves every type without a pool of its own."""

    name = models.CharField(
        max_length=MAX_NAME_LENGTH,
        unique=True,
        help_text="The task type that it serves, or default.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """A program outside that does tasks: it asks for them, or is given one each minute."""

    name = models.CharField(max_length=MAX_NAME_LENGTH, unique=True)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="workers")
    is_active = models.BooleanField("active", default=True, help_text="Off: it gets no tasks.")
    is_pushed = models.BooleanField(
        "pushed",
        default=False,
        help_text="Gets a task each minute without asking, and reads it with its heartbeat.",
    )
    silent_after = models.DurationField(
        null=True,
        blank=True,
        validators=[MinValueValidator(timedelta(seconds=1)), MaxValueValidator(timedelta(days=30))],
        help_text="A worker that calls rarely: such as 00:10:00. Empty: 90 seconds.",
    )
    last_seen_at = models.DateTimeField(
        null=True, editable=False, help_text="Empty: it never called under its own name."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def is_silent(self, now: datetime) -> bool:
        """Whether it called under its own name, and not for longer than it may."""
        seen = self.last_seen_at
        return seen is not None and abs(now - seen) > (self.silent_after or SILENT_AFTER)


class Task(models.Model):
    """One AI task."""

    class Priority(models.IntegerChoices):
        LOW = 1, "low"
        MEDIUM = 2, "medium"
        HIGH = 3, "high"
        CRITICAL = 4, "critical"

    class Status(models.TextChoices):
        PENDING = "pending", "pending: waits for another task"
        QUEUED = "queued", "queued: waits for a worker"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    class Failure(models.TextChoices):
        """Why a task failed."""

        REPORTED = "reported", "its worker reported it"
        LEASE = "lease", "its lease expired too often"
        CANCELLED = "cancelled"
        DEPENDENCY = "dependency", "a task that it needs failed"

    task_id = models.CharField(max_length=MAX_NAME_LENGTH, unique=True)
    task_type = models.CharField(max_length=MAX_NAME_LENGTH)
    priority = models.PositiveSmallIntegerField(choices=Priority)
    estimated_duration = models.FloatField(
        "estimate",
        help_text="Seconds, as submitted.",
        validators=[MinValueValidator(0), MaxValueValidator(MAX_ESTIMATE_SECONDS)],
    )
    estimate_used = models.FloatField(help_text="Seconds, corrected by earlier runs of its type.")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    unmet_dependencies = models.PositiveIntegerField(
        default=0, help_text="Dependencies that are not completed."
    )
    chain_weight = models.FloatField()  # sums of the best chain of work that starts here
    chain_seconds = models.FloatField()
    queue_key = models.FloatField(null=True)  # orders its pool's queue; fixed while it waits
    created_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField("ended at", null=True)
    run_seconds = models.FloatField(null=True, help_text="How long its run took.")
    worker = models.ForeignKey(
        Worker, null=True, on_delete=models.SET_NULL, related_name="tasks", db_index=False
    )
    previous_worker = models.CharField(
        max_length=MAX_NAME_LENGTH, blank=True, help_text="The worker whose lease expired."
    )
    lease_until = models.DateTimeField(null=True)
    lease_seconds = models.FloatField(null=True, help_text="By which a heartbeat extends it.")
    attempt = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(
        max_length=10, choices=Failure, blank=True, default="", db_default="", editable=False
    )
    error = models.TextField(blank=True)
    is_propagated = models.BooleanField(
        default=True,
        db_default=True,
        editable=False,
        help_text="Whether the tasks that wait for it have followed its status.",
    )
    planned_start = models.DateTimeField(null=True)
    planned_worker = models.CharField(max_length=MAX_NAME_LENGTH, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(priority__gte=1, priority__lte=4), name="operations_task_priority"
            ),
            models.CheckConstraint(
                condition=Q(
                    estimated_duration__gte=0, estimated_duration__lte=MAX_ESTIMATE_SECONDS
                ),
                name="operations_task_estimate_in_range",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_until__isnull=False),
                name="operations_task_running_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(status="queued") | Q(queue_key__isnull=False, ready_at__isnull=False),
                name="operations_task_queued_has_key",
            ),
        ]
        indexes = [  # as few as possible hold a task that waits: 10,000 are stored at once
            models.Index(
                fields=["status", "pool", "queue_key", "id"], name="operations_task_queue"
            ),
            models.Index(
                fields=["status", "lease_until"],
                name="operations_task_lease",
                condition=Q(lease_until__isnull=False),
            ),
            models.Index(
                fields=["worker", "status"],
                name="operations_task_worker",
                condition=Q(worker__isnull=False),
            ),
            models.Index(
                fields=["completed_at"],
                name="operations_task_ended",
                condition=Q(completed_at__isnull=False),
            ),
            models.Index(fields=["created_at"], name="operations_task_created"),
            models.Index(
                fields=["id"],
                name="operations_task_to_propagate",
                condition=Q(is_propagated=False),
            ),
        ]

    def __str__(self) -> str:
        return self.task_id


class Dependency(models.Model):
    """`task` may start only after `needs` is completed."""

    task = models.ForeignKey(
        Task, on_delete=models.CASCADE, related_name="dependencies", db_index=False
    )
    needs = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="waiters")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "needs"], name="operations_dependency_once"),
            models.CheckConstraint(
                condition=~Q(task=F("needs")), name="operations_dependency_not_of_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} needs {self.needs}"


class TaskDurationStats(models.Model):
    """What successful runs of one task type took: mean and variance of log seconds."""

    task_type = models.CharField(max_length=MAX_NAME_LENGTH, unique=True)
    runs = models.PositiveIntegerField(default=0)
    mean = models.FloatField(default=0.0)
    variance = models.FloatField(default=0.0)

    class Meta:
        ordering = ["task_type"]
        verbose_name = verbose_name_plural = "task duration statistics"

    def __str__(self) -> str:
        return self.task_type

    @property
    def learned(self) -> LearnedDuration:
        return LearnedDuration(self.runs, self.mean, self.variance)


class Schedule(models.Model):
    """The figures of the newest plan; each task stores its own planned start and worker."""

    planned_at = models.DateTimeField()
    task_count = models.PositiveIntegerField()
    worker_count = models.PositiveIntegerField()
    makespan = models.FloatField(null=True, help_text="Seconds; none if a task can never run.")
    lower_bound = models.FloatField(null=True, help_text="Seconds; no plan can be shorter.")
    gap = models.FloatField(null=True, help_text="makespan / lower_bound - 1; 0 is optimal.")
    binding = models.CharField(max_length=MAX_NAME_LENGTH + 5)
    bottlenecks = models.JSONField(default=list)

    class Meta:
        ordering = ["-planned_at"]

    def __str__(self) -> str:
        return f"Plan of {moment_text(self.planned_at, seconds=True)}"
