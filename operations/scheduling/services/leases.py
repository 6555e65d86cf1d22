"""Extend the leases of running tasks, and take back tasks whose lease expired."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from operations.scheduling.models import Task
from operations.scheduling.services.task_state import BATCH_ROWS, Status, end_task, fail_waiters
from operations.scheduling.services.workers import record_contact

MAX_ATTEMPTS = 3  # expired leases before a task fails


@transaction.atomic
def extend_leases(name: str, now: datetime) -> list[Task]:
    """A worker's heartbeat: start the leases of its running tasks anew. Raises WorkerRefused."""
    worker = record_contact(name, now)
    running = Task.objects.select_for_update().order_by("pk")
    tasks = list(running.filter(worker=worker, status=Status.RUNNING))
    for task in tasks:
        task.worker = worker
        task.lease_until = now + timedelta(seconds=task.lease_seconds or 0)
    Task.objects.bulk_update(tasks, ["lease_until"])
    return tasks


def reclaim_expired(now: datetime) -> tuple[int, int]:
    """Take back tasks whose lease expired: (queued again at their old place, failed)."""
    rows = expired(now)
    return _reclaimed(rows, now) if rows.exists() else (0, 0)


def expired(now: datetime) -> QuerySet[Task]:
    """Running tasks whose lease has expired."""
    return Task.objects.filter(status=Status.RUNNING, lease_until__lt=now).order_by("pk")


@transaction.atomic
def _reclaimed(late: QuerySet[Task], now: datetime) -> tuple[int, int]:
    rows = list(late.select_related("worker").select_for_update(of=("self",), skip_locked=True))
    for row in rows:
        row.previous_worker = row.worker.name if row.worker else ""
        if row.attempt >= MAX_ATTEMPTS:
            end_task(row, Status.FAILED, f"lease expired {MAX_ATTEMPTS} times", now)
        else:
            row.status, row.worker, row.started_at = Status.QUEUED, None, None
        row.lease_until = None
    fields = ["status", "worker", "started_at", "lease_until", "previous_worker"]
    Task.objects.bulk_update(rows, [*fields, "completed_at", "error"], batch_size=BATCH_ROWS)
    failed = [row for row in rows if row.status == Status.FAILED]
    fail_waiters(failed, now)
    return len(rows) - len(failed), len(failed)
