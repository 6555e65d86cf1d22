"""Changes of status that several services share.

Every service locks its rows in the order of their ids, and a task has a higher id than its
dependencies, so no two calls deadlock.
"""

from datetime import datetime

from operations.scheduling.backlog import UnknownTask
from operations.scheduling.models import Task
from operations.scheduling.planner.urgency import queue_key
from operations.scheduling.services import propagate

BATCH_ROWS = 1_000
Status, Failure = Task.Status, Task.Failure


def locked_task(task_id: str) -> Task:
    """The task with its worker, locked until the transaction ends. Raises UnknownTask."""
    rows = Task.objects.select_related("worker").select_for_update(of=("self",))
    row = rows.filter(task_id=task_id).first()
    if row is None:
        raise UnknownTask(f"there is no task {task_id}")
    return row


def complete_task(row: Task, now: datetime) -> None:
    """Set the final status; the caller saves the row, and then propagates it."""
    row.status, row.error, row.failure = Status.COMPLETED, "", ""
    row.completed_at, row.lease_until = now, None
    propagate.mark(row)


def fail_task(row: Task, failure: str, error: str, now: datetime) -> None:
    """The same of a task that failed, with the reason."""
    row.status, row.failure, row.error = Status.FAILED, failure, error
    row.completed_at, row.lease_until = now, None
    propagate.mark(row)


def make_ready(row: Task, now: datetime) -> None:
    """Queue a task without unmet dependencies; the caller saves the row."""
    row.status, row.ready_at = Status.QUEUED, now
    row.queue_key = queue_key(now.timestamp(), row.chain_weight / row.chain_seconds)
