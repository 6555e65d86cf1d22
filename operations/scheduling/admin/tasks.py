"""Tasks as staff see them: read, requeued and cancelled; never edited."""

from collections.abc import Callable
from math import exp
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from operations.scheduling import reports, services
from operations.scheduling.models import Dependency, Duration, Task

MAY_OPERATE = "security.operate"


class ReadOnly:
    """Services write these rows, so nobody edits them here."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class DependencyInline(ReadOnly, TabularInline):
    model = Dependency
    fk_name = "task"
    fields = ["needs", "stands"]
    readonly_fields = ["stands"]
    verbose_name_plural = "needs"
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dependency]:
        rows: QuerySet[Dependency] = super().get_queryset(request)
        return rows.select_related("needs", "task")

    @admin.display(description="status")
    def stands(self, link: Dependency) -> str:
        return str(link.needs.status)


@admin.register(Task)
class TaskAdmin(ReadOnly, ModelAdmin):
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
        ("Learned", {"fields": ["estimate_used", "seconds", "pool"]}),
        ("Lease", {"fields": ["worker", "lease_until", "attempt", "lapsed_worker"]}),
        ("Course", {"fields": ["created_at", "ready_at", "started_at", "completed_at"]}),
    ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    @admin.display(description="why")
    def why(self, task: Task) -> str:
        return reports.why(task)

    @admin.action(description="Requeue", permissions=["operate"])
    def requeue(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        self.step(request, tasks, services.requeue, "Requeued")

    @admin.action(description="Cancel, with all that waits for it", permissions=["operate"])
    def cancel(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        name = request.user.get_username()

        def step(task_id: str, **more: Any) -> Task:
            return services.cancel(task_id, actor=name, **more)

        self.step(request, tasks, step, "Cancelled")

    def step(
        self, request: HttpRequest, tasks: QuerySet[Task], service: Callable[..., Task], done: str
    ) -> None:
        """Take one step for each task, what is needed first, and say how it went."""
        for task in tasks.order_by("pk"):
            try:
                service(task.task_id, now=timezone.now())
            except services.NotRunning as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, task, f"{done}.")
                self.message_user(request, f"{done}: {task}.", messages.SUCCESS)


@admin.register(Duration)
class DurationAdmin(ReadOnly, ModelAdmin):
    list_display = ["task_type", "runs", "typical", "p95"]
    search_fields = ["task_type"]
    fields = ["task_type", "runs", "typical", "p95"]

    @admin.display(description="typical seconds")
    def typical(self, row: Duration) -> str:
        return f"{exp(row.mean):,.1f}"

    @admin.display(description="95 of 100 stay below")
    def p95(self, row: Duration) -> str:
        p95 = row.learned.p95()
        return "too few runs" if p95 is None else f"{p95:,.1f} s"
