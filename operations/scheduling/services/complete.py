"""End running tasks; queue or fail what waits for them; learn how long they took."""

from datetime import datetime

from django.db import transaction

from operations.scheduling.backlog import NotRunning
from operations.scheduling.models import Task, TaskDurationStats, Worker
from operations.scheduling.services import propagate, task_state
from operations.scheduling.services.propagate import IN_A_CALL, Pace

Status = Task.Status


class WrongWorker(NotRunning):
    """The task is leased to another worker."""


def complete(
    task_id: str,
    *,
    now: datetime,
    success: bool = True,
    error: str = "",
    worker: str = "",
    pace: Pace = IN_A_CALL,
) -> Task:
    """End a running task; without success all that depends on it fails too.

    Repeating the same end changes nothing; a worker whose lease expired may still end the task
    while no other has it. Raises UnknownTask, NotRunning, or WrongWorker.
    """
    row, is_resumed = _ended(task_id, now=now, success=success, error=error, worker=worker)
    propagate.propagate(row, now, pace, is_resumed=is_resumed)
    return row


@transaction.atomic
def _ended(
    task_id: str, *, now: datetime, success: bool, error: str, worker: str
) -> tuple[Task, bool]:
    """The task, and whether what followed its last status has not reached everything yet."""
    row = task_state.locked_task(task_id)
    is_resumed = not row.is_propagated
    wanted = Status.COMPLETED if success else Status.FAILED
    holder = row.worker.name if row.worker else row.previous_worker
    if worker and holder and worker != holder:
        raise WrongWorker(f"task {task_id} is {row.status} with worker {holder}, not {worker}")
    if row.status == wanted and row.started_at is not None:
        return row, is_resumed
    is_late = row.status == Status.QUEUED and bool(worker) and worker == row.previous_worker
    if row.status != Status.RUNNING and not is_late:
        raise NotRunning(f"task {task_id} is {row.status}, not running")
    if is_late:
        row.worker, row.started_at = Worker.objects.filter(name=worker).first(), now
    else:
        row.run_seconds = max(0.0, (now - (row.started_at or now)).total_seconds())
    if success:
        task_state.complete_task(row, now)
    else:
        task_state.fail_task(row, Task.Failure.REPORTED, error or "failed", now)
    row.save()
    if row.worker_id:
        Worker.objects.filter(pk=row.worker_id).exclude(last_seen_at=None).update(last_seen_at=now)
    if success:
        _learn_duration(row)
    return row, is_resumed


def _learn_duration(row: Task) -> None:
    if row.run_seconds is None:  # the lease had expired, so the duration is unknown
        return
    TaskDurationStats.objects.get_or_create(task_type=row.task_type)
    stats = TaskDurationStats.objects.select_for_update().get(task_type=row.task_type)
    after = stats.learned.after(row.run_seconds)
    stats.runs, stats.mean, stats.variance = after.runs, after.mean, after.variance
    stats.save()
