"""Tasks, what they wait for, and what their runs taught."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from operations.scheduling.durations import Learned
from operations.scheduling.task_spec import LONGEST_ESTIMATE

NAME = 255  # characters of an id or a name


class Pool(models.Model):
    """Workers that take one type of task; `default` takes every type without a pool of its own."""

    name = models.CharField(
        max_length=NAME, unique=True, help_text="The task type that it takes, or default."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """Someone outside who does tasks: it asks for them, or they are given to it each minute."""

    name = models.CharField(max_length=NAME, unique=True)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="workers")
    is_active = models.BooleanField("on", default=True, help_text="Off: it gets no more tasks.")
    is_pushed = models.BooleanField(
        "given work",
        default=False,
        help_text="Each minute it is given a task without asking, and reads it by its heartbeat.",
    )
    last_seen_at = models.DateTimeField(
        null=True, editable=False, help_text="Empty: it never asked under its own name."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


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


class Schedule(models.Model):
    """The newest plan of all open tasks and how good it is; where each task is planned, it says."""

    made_at = models.DateTimeField()
    tasks = models.PositiveIntegerField()
    workers = models.PositiveIntegerField()
    makespan = models.FloatField(null=True, help_text="Seconds; none where a task can never run.")
    lower_bound = models.FloatField(null=True, help_text="Seconds that no plan can beat.")
    gap = models.FloatField(null=True, help_text="makespan / lower_bound - 1; 0 is optimal.")
    binding = models.CharField(max_length=NAME + 5)
    bottlenecks = models.JSONField(default=list)

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return f"Plan of {self.made_at:%Y-%m-%d %H:%M:%S}"
