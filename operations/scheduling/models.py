"""Tasks, what they wait for, and what their runs taught."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from operations.scheduling.aitask import LONGEST_ESTIMATE
from operations.scheduling.durations import Learned
from operations.workers.models import NAME, Pool, Worker


class Task(models.Model):
    """One AI task. `key` is its place in its pool's queue, lowest first; waiting never changes it.

    `gain` and `cost` are the weights and seconds of the best chain of work that begins here.
    """

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

    task_id = models.CharField(max_length=NAME, unique=True)
    task_type = models.CharField(max_length=NAME)
    priority = models.PositiveSmallIntegerField(choices=Priority)
    estimated_duration = models.FloatField(
        "estimate",
        help_text="Seconds, as the caller told them.",
        validators=[MinValueValidator(0), MaxValueValidator(LONGEST_ESTIMATE)],
    )
    estimate_used = models.FloatField(help_text="Seconds, with what earlier runs taught.")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="tasks")
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    waits_for = models.PositiveIntegerField(default=0, help_text="Dependencies not completed.")
    gain = models.FloatField()
    cost = models.FloatField()
    key = models.FloatField(null=True)
    created_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField("ended at", null=True)
    seconds = models.FloatField(null=True, help_text="How long its run took.")
    worker = models.ForeignKey(Worker, null=True, on_delete=models.SET_NULL, related_name="tasks")
    lapsed_worker = models.CharField(
        max_length=NAME, blank=True, help_text="Who lost it when its lease ran out."
    )
    lease_until = models.DateTimeField(null=True)
    lease_seconds = models.FloatField(null=True, help_text="What a heartbeat adds.")
    attempt = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    planned_start = models.DateTimeField(null=True)
    planned_worker = models.CharField(max_length=NAME, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(priority__gte=1, priority__lte=4), name="operations_task_priority"
            ),
            models.CheckConstraint(
                condition=Q(estimated_duration__gte=0, estimated_duration__lte=LONGEST_ESTIMATE),
                name="operations_task_estimate_in_range",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_until__isnull=False),
                name="operations_task_running_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(status="queued") | Q(key__isnull=False, ready_at__isnull=False),
                name="operations_task_queued_has_a_place",
            ),
        ]
        indexes = [
            models.Index(fields=["pool", "status", "key", "id"], name="operations_task_queue"),
            models.Index(fields=["status", "lease_until"], name="operations_task_lease"),
            models.Index(fields=["worker", "status"], name="operations_task_held"),
            models.Index(fields=["completed_at"], name="operations_task_ended"),
            models.Index(fields=["created_at"], name="operations_task_created"),
        ]

    def __str__(self) -> str:
        return self.task_id


class Dependency(models.Model):
    """`task` may begin only after `needs` is completed."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="dependencies")
    needs = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="waiters")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "needs"], name="operations_dependency_once"),
            models.CheckConstraint(
                condition=~Q(task=F("needs")), name="operations_dependency_not_of_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} needs {self.needs_id}"


class Duration(models.Model):
    """What successful runs of one type of task taught: mean and variance of log seconds."""

    task_type = models.CharField(max_length=NAME, unique=True)
    runs = models.PositiveIntegerField(default=0)
    mean = models.FloatField(default=0.0)
    variance = models.FloatField(default=0.0)

    class Meta:
        ordering = ["task_type"]

    def __str__(self) -> str:
        return self.task_type

    @property
    def learned(self) -> Learned:
        return Learned(self.runs, self.mean, self.variance)
