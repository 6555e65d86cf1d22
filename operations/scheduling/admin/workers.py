"""Workers and pools in the admin, where staff edit them."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from operations.scheduling.models import Pool, Worker
from operations.scheduling.reports.workers import SILENT_AFTER
from operations.scheduling.scheduler import DEFAULT_POOL


@admin.register(Worker)
class WorkerAdmin(ModelAdmin):
    list_display = ["name", "pool", "is_active", "is_pushed", "running", "last_seen_at", "status"]
    list_filter = ["pool", "is_active", "is_pushed"]
    list_select_related = ["pool"]
    search_fields = ["name"]
    fields = ["name", "pool", "is_active", "is_pushed", "last_seen_at", "created_at"]
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
        silent = timezone.now() - worker.last_seen_at
        if silent <= SILENT_AFTER:
            return "present"
        return f"silent for {timedelta(seconds=int(silent.total_seconds()))}"


@admin.register(Pool)
class PoolAdmin(ModelAdmin):
    list_display = ["name", "worker_count", "queued_tasks"]
    search_fields = ["name"]
    fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        rows: QuerySet[Pool] = super().get_queryset(request)
        queued = Count("tasks", filter=Q(tasks__status="queued"), distinct=True)
        return rows.annotate(staffing=Count("workers", distinct=True), queued=queued)

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
