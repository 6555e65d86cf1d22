"""Tasks in the admin: staff read, requeue and cancel them, but never edit them."""

from collections.abc import Callable
from math import exp
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.scheduling import reports, services
from operations.scheduling.models import Dependency, Task, TaskDurationStats

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
        "estimated_duration",
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
        ("Plan", {"fields": ["planned_start", "planned_worker", "estimated_duration"]}),
        ("Learned", {"fields": ["estimate_used", "run_seconds", "pool"]}),
        ("Lease", {"fields": ["worker", "lease_until", "attempt", "previous_worker"]}),
        ("Times", {"fields": ["created_at", "ready_at", "started_at", "completed_at"]}),
    ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    @admin.display(description="why")
    def why(self, task: Task) -> str:
        return reports.explain(task)

    @admin.action(description="Requeue", permissions=["operate"])
    def requeue(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        self.apply(request, tasks, services.requeue, "Requeued")

    @admin.action(description="Cancel, with all that depends on it", permissions=["operate"])
    def cancel(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        name = request.user.get_username()

        def cancel_as_user(task_id: str, **more: Any) -> Task:
            return services.cancel(task_id, actor=name, **more)

        self.apply(request, tasks, cancel_as_user, "Cancelled")

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

    @admin.display(description="typical seconds")
    def typical(self, row: TaskDurationStats) -> str:
        return f"{exp(row.mean):,.1f}"

    @admin.display(description="95th percentile")
    def p95(self, row: TaskDurationStats) -> str:
        p95 = row.learned.p95()
        return "too few runs" if p95 is None else f"{p95:,.1f} s"
