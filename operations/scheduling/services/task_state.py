"""Changes of status that several services share.

Every service locks its rows in the order of their ids, and a task has a higher id than its
dependencies, so no two calls deadlock.
"""

from collections.abc import Sequence
from datetime import datetime

from operations.scheduling.backlog import UnknownTask
from operations.scheduling.models import Dependency, Task
from operations.scheduling.planner.urgency import queue_key

BATCH_ROWS = 1_000
Status = Task.Status


def locked_task(task_id: str) -> Task:
    """The task with its worker, locked until the transaction ends. Raises UnknownTask."""
    rows = Task.objects.select_related("worker").select_for_update(of=("self",))
    row = rows.filter(task_id=task_id).first()
    if row is None:
        raise UnknownTask(f"there is no task {task_id}")
    return row


def end_task(row: Task, status: str, error: str, now: datetime) -> None:
    """Set the final status; the caller saves the row."""
    row.status, row.error, row.completed_at, row.lease_until = status, error, now, None


def make_ready(row: Task, now: datetime) -> None:
    """Queue a task without unmet dependencies; the caller saves the row."""
    row.status, row.ready_at = Status.QUEUED, now
    row.queue_key = queue_key(now.timestamp(), row.chain_weight / row.chain_seconds)


def fail_waiters(failed: Sequence[Task], now: datetime) -> None:
    """Fail all pending tasks that depend on failed ones, directly or indirectly."""
    while failed:
        links = Dependency.objects.filter(needs__in=failed, task__status=Status.PENDING)
        because = dict(links.order_by("-needs_id").values_list("task_id", "needs__task_id"))
        rows = Task.objects.filter(pk__in=because, status=Status.PENDING).order_by("pk")
        failed = list(rows.select_for_update())
        for row in failed:
            end_task(row, Status.FAILED, f"dependency {because[row.pk]} failed", now)
        Task.objects.bulk_update(failed, ["status", "error", "completed_at"], batch_size=BATCH_ROWS)
