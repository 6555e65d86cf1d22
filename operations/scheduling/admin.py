"""Tasks, learned durations, workers and pools in the admin; staff edit only workers and pools."""

from collections.abc import Callable
from math import exp
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from aethercrown.formatting import duration_text
from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.scheduling import services
from operations.scheduling.models import Dependency, Pool, Task, TaskDurationStats, Worker
from operations.scheduling.reports.tasks import explain
from operations.scheduling.scheduler import DEFAULT_POOL

MAY_OPERATE = "security.operate"


class DependencyInline(ReadOnlyAdmin, TabularInline):
    model = Dependency
    fk_name = "task"
    fields = ["needs", "status"]
    readonly_fields = ["status"]
    verbose_name_plural = "needs"
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dependency]:
        rows: QuerySet[Dependency] = super().get_queryset(request)
        return rows.select_related("needs", "task")

    @admin.display(description="status")
    def status(self, link: Dependency) -> str:
        return str(link.needs.status)


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = [
        "task_id",
        "task_type",
        "priority",
        "status",
        "worker",
        "estimate",
        "planned_start",
        "attempt",
        "created_at",
    ]
    list_filter = ["status", "priority", "pool", "created_at"]
    list_select_related = ["worker"]
    search_fields = ["=task_id", "=task_type"]
    show_full_result_count = False
    date_hierarchy = "created_at"
    actions = ["requeue", "cancel"]
    inlines = [DependencyInline]
    fieldsets = [
        (None, {"fields": ["task_id", "task_type", "priority", "status", "why", "error"]}),
        ("Plan", {"fields": ["planned_start", "planned_worker", "estimate"]}),
        ("Learned", {"fields": ["corrected_estimate", "took", "pool"]}),
        ("Lease", {"fields": ["worker", "lease_until", "attempt", "previous_worker"]}),
        ("Times", {"fields": ["created_at", "ready_at", "started_at", "completed_at"]}),
    ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    @admin.display(description="why")
    def why(self, task: Task) -> str:
        return explain(task, timezone.now())

    @admin.display(description="estimate", ordering="estimated_duration")
    def estimate(self, task: Task) -> str:
        return duration_text(task.estimated_duration)

    @admin.display(description="corrected by earlier runs")
    def corrected_estimate(self, task: Task) -> str:
        return duration_text(task.estimate_used)

    @admin.display(description="took")
    def took(self, task: Task) -> str:
        return duration_text(task.run_seconds)

    @admin.action(description="Requeue", permissions=["operate"])
    def requeue(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        self.apply(request, tasks, services.requeue, "Requeued")

    @admin.action(description="Cancel, with all that depends on it", permissions=["operate"])
    def cancel(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        self.apply(request, tasks, services.cancel, "Cancelled")

    def apply(
        self, request: HttpRequest, tasks: QuerySet[Task], service: Callable[..., Task], done: str
    ) -> None:
        """Call the service for each task, dependencies first, and show the results."""
        for task in tasks.order_by("pk"):
            try:
                service(task.task_id, now=timezone.now())
            except services.NotRunning as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, task, f"{done}.")
                self.message_user(request, f"{done}: {task}.", messages.SUCCESS)


@admin.register(TaskDurationStats)
class TaskDurationStatsAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["task_type", "runs", "typical", "p95"]
    search_fields = ["task_type"]
    fields = ["task_type", "runs", "typical", "p95"]

    @admin.display(description="typical")
    def typical(self, row: TaskDurationStats) -> str:
        return duration_text(exp(row.mean))

    @admin.display(description="95th percentile")
    def p95(self, row: TaskDurationStats) -> str:
        p95 = row.learned.p95()
        return "too few runs" if p95 is None else duration_text(p95)


@admin.register(Worker)
class WorkerAdmin(ModelAdmin):
    list_display = ["name", "pool", "is_active", "is_pushed", "running", "last_seen_at", "status"]
    list_filter = ["pool", "is_active", "is_pushed"]
    list_select_related = ["pool"]
    search_fields = ["name"]
    fields = [
        "name",
        "pool",
        "is_active",
        "is_pushed",
        "silent_after",
        "last_seen_at",
        "created_at",
    ]
    readonly_fields = ["last_seen_at", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        rows: QuerySet[Worker] = super().get_queryset(request)
        return rows.annotate(running_count=Count("tasks", filter=Q(tasks__status="running")))

    @admin.display(description="running tasks", ordering="running_count")
    def running(self, worker: Any) -> int:
        return int(worker.running_count)

    @admin.display(description="status")
    def status(self, worker: Worker) -> str:
        if not worker.is_active:
            return "switched off"
        if worker.last_seen_at is None:
            return "never called by name"
        now = timezone.now()
        silent = f"silent for {duration_text(now - worker.last_seen_at)}"
        return silent if worker.is_silent(now) else "present"


@admin.register(Pool)
class PoolAdmin(ModelAdmin):
    list_display = ["name", "worker_count", "queued_tasks"]
    search_fields = ["name"]
    fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        rows: QuerySet[Pool] = super().get_queryset(request)
        tasks = Task.objects.filter(pool=OuterRef("pk"), status="queued").order_by()
        queued = Subquery(tasks.values("pool").annotate(count=Count("pk")).values("count"))
        return rows.annotate(staffing=Count("workers"), queued=Coalesce(queued, 0))

    def get_readonly_fields(self, request: HttpRequest, obj: Pool | None = None) -> list[str]:
        return ["name"] if obj else []  # tasks find their pool by its name

    def has_delete_permission(self, request: HttpRequest, obj: Pool | None = None) -> bool:
        is_needed = obj is not None and obj.name == DEFAULT_POOL
        return not is_needed and bool(super().has_delete_permission(request, obj))

    @admin.display(description="workers", ordering="staffing")
    def worker_count(self, pool: Any) -> int:
        return int(pool.staffing)

    @admin.display(description="queued tasks", ordering="queued")
    def queued_tasks(self, pool: Any) -> int:
        return int(pool.queued)
