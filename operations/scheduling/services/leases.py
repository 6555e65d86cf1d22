"""Extend the leases of running tasks, take back expired ones, and mend what a clock ahead wrote."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from aethercrown.db import bulk
from operations.scheduling.models import Pool, Task
from operations.scheduling.planner.urgency import MAX_DURATION_SECONDS, queue_key
from operations.scheduling.services import propagate
from operations.scheduling.services.task_state import BATCH_ROWS, Failure, Status, fail_task
from operations.scheduling.services.workers import record_contact

MAX_ATTEMPTS = 3  # expired leases before a task fails
MAX_RECLAIMED = 500  # in one transaction
MAX_CLOCK_STEP = timedelta(minutes=1)


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
    late, queued, failed = expired(now), 0, 0
    while late.exists() and (rows := _reclaimed(late, now)):
        for row in rows:
            propagate.propagate(row, now)
        lost = sum(row.status == Status.FAILED for row in rows)
        queued, failed = queued + len(rows) - lost, failed + lost
    return queued, failed


def shorten_leases(now: datetime) -> int:
    """Shorten leases that end later than one given now would: the clock was ahead."""
    running = Task.objects.filter(status=Status.RUNNING, lease_until__gt=now + MAX_CLOCK_STEP)
    given = running.values_list("pk", "lease_until", "lease_seconds")
    shortened = 0
    for pk, until, seconds in given:
        end = now + timedelta(seconds=seconds or 0)
        if until and until > end + MAX_CLOCK_STEP:
            # By order, as SQLite has the same time with and without its fraction of a second.
            late = Task.objects.filter(pk=pk, lease_until__gt=end + MAX_CLOCK_STEP)
            shortened += late.update(lease_until=end)
    return shortened


def correct_places(now: datetime) -> int:
    """Give tasks that a clock ahead has queued the place of those that are ready now; how many.

    Found by their key, which is an index: no task that is ready by now has a later one.
    """
    latest = queue_key(now.timestamp(), 1 / MAX_DURATION_SECONDS)
    queued = Task.objects.filter(status=Status.QUEUED, pool__in=Pool.objects.all())
    early = queued.filter(queue_key__gt=latest, ready_at__gt=now + MAX_CLOCK_STEP)

    def correct(batch: Sequence[int]) -> None:
        columns = ("pk", "chain_weight", "chain_seconds")
        rows = propagate.locked(batch, status=Status.QUEUED).values_list(*columns)
        since, at = now.timestamp(), bulk.stamp(now)
        places = [(at, queue_key(since, weight / seconds), pk) for pk, weight, seconds in rows]
        bulk.update(Task, ["ready_at", "queue_key"], ["id"], places)

    keys = list(early.order_by("pk").values_list("pk", flat=True))
    propagate.run_batches(keys, correct)
    return len(keys)


def expired(now: datetime) -> QuerySet[Task]:
    """Running tasks whose lease has expired."""
    return Task.objects.filter(status=Status.RUNNING, lease_until__lt=now).order_by("pk")


@transaction.atomic
def _reclaimed(late: QuerySet[Task], now: datetime) -> list[Task]:
    late = late.select_related("worker")[:MAX_RECLAIMED]
    rows = list(late.select_for_update(of=("self",), skip_locked=True))
    for row in rows:
        row.previous_worker = row.worker.name if row.worker else ""
        if row.attempt >= MAX_ATTEMPTS:
            fail_task(row, Failure.LEASE, f"lease expired {MAX_ATTEMPTS} times", now)
        else:
            row.status, row.worker, row.started_at = Status.QUEUED, None, None
        row.lease_until = None
    fields = ["status", "worker", "started_at", "lease_until", "previous_worker"]
    fields += ["completed_at", "error", "failure", "is_propagated"]
    Task.objects.bulk_update(rows, fields, batch_size=BATCH_ROWS)
    return rows
