"""Cancel and retry tasks, and detach what waits for deleted ones."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from operations.scheduling.backlog import NotRunning
from operations.scheduling.models import Dependency, Task
from operations.scheduling.reports.tasks import ENDED
from operations.scheduling.services import propagate, task_state
from operations.scheduling.services.propagate import IN_A_CALL, Pace

Status = Task.Status


def cancel(task_id: str, *, now: datetime, pace: Pace = IN_A_CALL) -> Task:
    """Fail a task and all that depends on it. Raises UnknownTask, or NotRunning once it ended."""
    row = _cancelled(task_id, now)
    propagate.propagate(row, now, pace)
    return row


@transaction.atomic
def _cancelled(task_id: str, now: datetime) -> Task:
    row = task_state.locked_task(task_id)
    if row.status in ENDED:
        raise NotRunning(f"task {task_id} is {row.status} already")
    task_state.fail_task(row, Task.Failure.CANCELLED, "cancelled", now)
    row.started_at = None  # so that a later report of its worker is refused
    row.save()
    return row


def retry(task_id: str, *, now: datetime, pace: Pace = IN_A_CALL) -> Task:
    """Queue a failed task again, with all that waited for it. Raises UnknownTask or NotRunning."""
    return _again(task_id, {Status.FAILED}, now, pace)


def requeue(task_id: str, *, now: datetime) -> Task:
    """The same of a running or failed task. Raises UnknownTask or NotRunning."""
    return _again(task_id, {Status.RUNNING, Status.FAILED}, now, IN_A_CALL)


def _again(task_id: str, allowed: set[Task.Status], now: datetime, pace: Pace) -> Task:
    row = _requeued(task_id, allowed, now)
    propagate.propagate(row, now, pace)
    return row


@transaction.atomic
def _requeued(task_id: str, allowed: set[Task.Status], now: datetime) -> Task:
    """Queue it with all its attempts; its dependents are to wait again."""
    row = task_state.locked_task(task_id)
    if row.status not in allowed:
        wanted = "neither running nor failed" if Status.RUNNING in allowed else "not failed"
        raise NotRunning(f"task {task_id} is {row.status}, {wanted}")
    needs = list(Task.objects.filter(waiters__task=row).order_by("pk").select_for_update())
    failed = next((need for need in needs if need.status == Status.FAILED), None)
    if failed is not None:
        raise NotRunning(f"task {task_id} needs {failed.task_id}, which failed: retry that first")
    row.unmet_dependencies = sum(need.status != Status.COMPLETED for need in needs)
    row.status, row.worker, row.started_at, row.completed_at = Status.PENDING, None, None, None
    row.lease_until, row.run_seconds, row.attempt = None, None, 0
    row.error = row.failure = row.previous_worker = ""
    if not row.unmet_dependencies:
        task_state.make_ready(row, row.ready_at or now)
    propagate.mark(row)
    row.save()
    return row


@transaction.atomic
def detach_waiters(deleted: Sequence[int], now: datetime) -> list[tuple[str, str]]:
    """Remove the dependencies of remaining tasks on tasks that are about to be deleted.

    `deleted` are primary keys. Returns (waiting task, deleted task) ids of pending waiters.
    """
    links = Dependency.objects.filter(needs__in=deleted).exclude(task__in=deleted)
    pending = links.filter(task__status=Status.PENDING).order_by("task_id", "needs_id")
    pairs = list(pending.values_list("task_id", "task__task_id", "needs__task_id"))
    rows = Task.objects.filter(pk__in=[each[0] for each in pairs]).order_by("pk")
    for row in rows.select_for_update():
        unmet = Task.objects.filter(waiters__task=row).exclude(pk__in=deleted)
        row.unmet_dependencies = unmet.exclude(status=Status.COMPLETED).count()
        if not row.unmet_dependencies:
            task_state.make_ready(row, now)
        row.save()
    links.delete()
    return [(waiter, needed) for _, waiter, needed in pairs]
