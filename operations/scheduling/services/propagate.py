"""Carry the end or the retry of a task to the tasks that wait for it, in short transactions.

A service changes one task and marks it as not propagated, in one transaction. Its dependents,
direct and indirect, follow in batches; what a crash leaves, or a call has no time for, is finished
by the minute's run. Each step may be repeated, and counts again instead of counting on.
"""

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.db.models import Count, QuerySet

from aethercrown.db import bulk
from operations.scheduling.models import Dependency, Task
from operations.scheduling.planner.urgency import queue_key

PAUSE_SECONDS = {"sqlite": 0.02, "postgresql": 0.0}  # between two: SQLite has one writer
MAX_RESUMED_TASKS = 1_000
Status, Failure = Task.Status, Task.Failure


@dataclass(frozen=True, slots=True)
class Pace:
    """How much one transaction changes, and when a call leaves the rest to the minute's run."""

    rows: int = 250
    seconds: float = math.inf
    sleep: Callable[[float], None] = time.sleep  # between two transactions


IN_A_CALL = Pace(seconds=5.0)  # some 25,000 tasks on SQLite
TO_THE_END = Pace()
RunBatches = Callable[[Sequence[int], Callable[[Sequence[int]], None]], None]
# Of the links alone, and on PostgreSQL with a subquery for each task: without statistics, planners
# would read all pending tasks, or all links, at each step.
WAITERS = {
    "sqlite": "JOIN operations_dependency AS link ON link.needs_id = reached.id",
    "postgresql": "CROSS JOIN LATERAL (SELECT task_id FROM operations_dependency"
    " WHERE needs_id = reached.id OFFSET 0) AS link",
}
DESCENDANTS = """
WITH RECURSIVE reached(id) AS (
  {seeds}
  UNION
  SELECT link.task_id FROM reached {waiters}
)
SELECT id FROM reached ORDER BY id
"""


class OutOfTime(Exception):
    """The call has no time for more batches."""


def mark(row: Task) -> None:
    """Note on an unsaved row that its dependents are to follow."""
    row.is_propagated = not row.waiters.exists()


def propagate(
    row: Task, now: datetime, pace: Pace = TO_THE_END, *, is_resumed: bool = False
) -> None:
    """Let all that waits for this task follow its status; what takes too long is left.

    `is_resumed`: what followed an earlier status may not have reached everything.
    """
    if row.is_propagated:
        return
    follow = _revive_descendants
    if row.status == Status.FAILED:
        follow = _fail_descendants
    elif row.status == Status.COMPLETED and not is_resumed:
        follow = _queue_waiters
    try:
        follow(row, now, partial(run_batches, pace=pace, until=time.monotonic() + pace.seconds))
    except OutOfTime:
        return
    same = Task.objects.filter(pk=row.pk, status=row.status)  # else another call goes on with it
    row.is_propagated = bool(same.update(is_propagated=True))


def resume(now: datetime) -> int:
    """Finish what a killed process left; returns of how many tasks."""
    rows = Task.objects.filter(is_propagated=False).order_by("pk")[:MAX_RESUMED_TASKS]
    left = list(rows)
    for row in left:
        propagate(row, now, is_resumed=True)
    return len(left)


def run_batches(
    keys: Sequence[int],
    change: Callable[[Sequence[int]], None],
    pace: Pace = TO_THE_END,
    until: float = math.inf,
) -> None:
    """Call `change` for each batch in a transaction of its own, and let others write between.

    Raises OutOfTime where after `until`, of the monotonic clock, batches are left.
    """
    for first in range(0, len(keys), pace.rows):
        if first:
            if time.monotonic() >= until:
                raise OutOfTime
            pace.sleep(PAUSE_SECONDS[connection.vendor])
        with transaction.atomic():
            change(keys[first : first + pace.rows])


def locked(keys: Collection[int], **chosen: str) -> QuerySet[Task]:
    """Those of these tasks with this status, locked in the order of their ids."""
    rows = Task.objects.filter(pk__in=bulk.among(keys), **chosen)
    return rows.order_by("pk").select_for_update()


def _queue_waiters(row: Task, now: datetime, in_batches: RunBatches) -> None:
    pending = Dependency.objects.filter(needs=row, task__status=Status.PENDING)
    keys = list(pending.order_by("task_id").values_list("task_id", flat=True))
    in_batches(keys, partial(_count_unmet, now=now))


def _count_unmet(keys: Sequence[int], now: datetime) -> None:
    """Count the unmet dependencies of those that are pending, and queue those without any."""
    columns = ("pk", "chain_weight", "chain_seconds")
    waiting = list(locked(keys, status=Status.PENDING).values_list(*columns))
    unmet = unmet_counts([pk for pk, _, _ in waiting])
    still = [(unmet[pk], pk) for pk, _, _ in waiting if pk in unmet]
    bulk.update(Task, ["unmet_dependencies"], ["id"], still)
    at, since = bulk.stamp(now), now.timestamp()
    ready = [
        (0, Status.QUEUED.value, at, queue_key(since, weight / seconds), pk)
        for pk, weight, seconds in waiting
        if pk not in unmet
    ]
    bulk.update(Task, ["unmet_dependencies", "status", "ready_at", "queue_key"], ["id"], ready)


def unmet_counts(keys: Collection[int]) -> dict[int, int]:
    """How many dependencies are not completed, of those tasks that have such."""
    links = Dependency.objects.filter(task__in=bulk.among(keys))
    counted = links.exclude(needs__status=Status.COMPLETED).order_by().values("task_id")
    return dict(counted.annotate(count=Count("pk")).values_list("task_id", "count"))


def _fail_descendants(row: Task, now: datetime, in_batches: RunBatches) -> None:
    """Fail all pending tasks that depend on it; a task after those on which it depends.

    A retry meanwhile ends it: its lock on the task waits for at most one batch.
    """

    def fail(batch: Sequence[int]) -> None:
        failing = Task.objects.filter(pk=row.pk, status=Status.FAILED).select_for_update()
        if not failing.values_list("pk", flat=True):
            return
        keys = list(locked(batch, status=Status.PENDING).values_list("pk", flat=True))
        causes = {} if row.failure == Failure.CANCELLED else failed_needs(keys)
        rows = [(*ending, causes.get(pk, "cancelled"), pk) for pk in keys]
        bulk.update(Task, ["status", "failure", "completed_at", "error"], ["id"], rows)
        failed.extend(keys)

    ending = (Status.FAILED.value, Failure.DEPENDENCY.value, bulk.stamp(now))
    seeds = [row.pk]
    while seeds:
        failed: list[int] = []
        in_batches(descendants(seeds), fail)
        seeds = failed  # something may have been submitted meanwhile that needs them


def failed_needs(keys: Collection[int]) -> dict[int, str]:
    """Why each task fails: its first dependency that failed, or is failing with it."""
    failing = set(keys)
    links = Dependency.objects.filter(task__in=bulk.among(keys)).order_by("-needs_id")
    found = links.values_list("task_id", "needs_id", "needs__task_id", "needs__status")
    return {
        task: f"dependency {name} failed"
        for task, need, name, status in found
        if status == Status.FAILED or need in failing
    }


def _revive_descendants(row: Task, now: datetime, in_batches: RunBatches) -> None:
    """Let all that failed because of it wait again, unless another dependency has failed.

    Its dependencies may be completed meanwhile: what then waits for nothing is queued.
    """

    def revive(batch: Sequence[int]) -> None:
        chosen = locked(batch, status=Status.FAILED, failure=Failure.DEPENDENCY)
        keys = list(chosen.values_list("pk", flat=True))
        links = Dependency.objects.filter(task__in=bulk.among(keys)).exclude(
            needs__status=Status.COMPLETED
        )
        needs: dict[int, list[tuple[int, str]]] = {}
        for task, need, status in links.values_list("task_id", "needs_id", "needs__status"):
            needs.setdefault(task, []).append((need, status))
        revived: list[int] = []
        for key in keys:
            unmet = needs.get(key, [])
            if all(status != Status.FAILED or need in revived for need, status in unmet):
                revived.append(key)
        rows = [(Status.PENDING.value, "", "", None, key) for key in revived]
        bulk.update(Task, ["status", "failure", "error", "completed_at"], ["id"], rows)

    keys = descendants([row.pk])
    in_batches(keys, revive)
    in_batches(keys, partial(_count_unmet, now=now))  # afterwards: what ends now counts as well


def descendants(seeds: Collection[int]) -> list[int]:
    """The tasks that depend on the seeds, directly or indirectly, and these; lowest id first."""
    source = bulk.among(seeds)
    statement = DESCENDANTS.format(seeds=source.sql, waiters=WAITERS[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, source.params)
        return [key for (key,) in cursor.fetchall()]
