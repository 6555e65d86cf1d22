"""Stored tasks as the API shows them, and what a submission must know of them."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from operations.scheduling import wait_reason
from operations.scheduling.backlog import UnknownTask
from operations.scheduling.durations import Learned
from operations.scheduling.models import Dependency, Duration, Task, Worker
from operations.scheduling.task_spec import AITask, TaskPriority

WAITING = (Task.Status.PENDING, Task.Status.QUEUED)
OPEN = (*WAITING, Task.Status.RUNNING)
ENDED = (Task.Status.COMPLETED, Task.Status.FAILED)
SLICE = 5_000  # names in one question to the database
REACH = 20  # dependencies up which urgency is inherited by stored tasks
MOST_HURRIED = 2_000  # stored tasks that one call may make more urgent


def numbers(names: Collection[str]) -> dict[str, int]:
    """The ids of those names that are stored."""
    asked, found = list(names), dict[str, int]()
    for first in range(0, len(asked), SLICE):
        rows = Task.objects.filter(task_id__in=asked[first : first + SLICE])
        found.update(rows.order_by().values_list("task_id", "pk"))
    return found


def as_given(names: Collection[str]) -> dict[str, AITask]:
    """Stored tasks as their callers gave them."""
    asked, found = list(names), dict[str, AITask]()
    for first in range(0, len(asked), SLICE):
        rows = list(Task.objects.filter(task_id__in=asked[first : first + SLICE]))
        needs = dependencies(rows)
        for row in rows:
            found[row.task_id] = AITask(
                row.task_id,
                row.task_type,
                TaskPriority(row.priority),
                row.estimated_duration,
                needs.get(row.pk, ()),
            )
    return found


def needs_above(names: Collection[str]) -> dict[str, list[str]]:
    """What these stored tasks need, and all that this needs in turn."""
    found: dict[str, list[str]] = {}
    level = set(names)
    while level:
        found.update({name: [] for name in level})
        links = Dependency.objects.filter(task__task_id__in=level)
        for task, need in links.values_list("task__task_id", "needs__task_id"):
            found[task].append(need)
        level = {need for name in level for need in found[name]} - found.keys()
    return found


def reached(numbers: Collection[int]) -> set[int]:
    """These tasks, and those that they wait for in turn, as far as urgency is inherited."""
    found, level = set(numbers), set(numbers)
    for _ in range(REACH):
        above = Dependency.objects.filter(task__in=level, needs__status__in=WAITING)
        level = set(above.values_list("needs_id", flat=True)) - found
        if not level or len(found) + len(level) > MOST_HURRIED:
            break
        found |= level
    return found


def learned(kinds: Collection[str]) -> defaultdict[str, Learned]:
    """What runs of these types taught; nothing, where there were none."""
    found: defaultdict[str, Learned] = defaultdict(Learned)
    rows = Duration.objects.filter(task_type__in=kinds) if kinds else ()
    found.update((row.task_type, row.learned) for row in rows)
    return found


def dependencies(rows: Iterable[Task]) -> dict[int, list[str]]:
    """The ids of what each task needs, as its caller listed them."""
    asked, found = [row.pk for row in rows], dict[int, list[str]]()
    for first in range(0, len(asked), SLICE):
        links = Dependency.objects.filter(task__in=asked[first : first + SLICE]).order_by("pk")
        for task, need in links.values_list("task_id", "needs__task_id"):
            found.setdefault(task, []).append(need)
    return found


def needs_of_given(rows: Iterable[Task]) -> dict[int, list[str]]:
    """The same of tasks that were just handed out: they carry it with them."""
    return {row.pk: json.loads(getattr(row, "needed_names", None) or "[]") for row in rows}


def tasks() -> QuerySet[Task]:
    """All tasks with their worker, for lists."""
    return Task.objects.select_related("worker")


def listed(
    rows: Sequence[Task], needs: Mapping[int, Sequence[str]] | None = None
) -> list[dict[str, object]]:
    """Tasks, with their worker, as the contract has them; `needs` where it is known already."""
    needs = dependencies(rows) if needs is None else needs
    return [_shown(row, needs.get(row.pk, ())) for row in rows]


def _shown(row: Task, needs: Sequence[str]) -> dict[str, object]:
    return {
        "task_id": row.task_id,
        "task_type": row.task_type,
        "priority": row.priority,
        "estimated_duration": row.estimated_duration,
        "dependencies": list(needs),
        "status": str(row.status),
        "created_at": spoken(row.created_at),
        "started_at": spoken(row.started_at),
        "completed_at": spoken(row.completed_at),
        "assigned_worker": row.worker.name if row.worker_id and row.worker else None,
        "planned_start": spoken(row.planned_start),
        "planned_worker": row.planned_worker or None,
        "ready_at": spoken(row.ready_at),
        "lease_until": spoken(row.lease_until),
        "attempt": row.attempt,
        "error": row.error or None,
    }


def spoken(at: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return None if at is None else at.isoformat()


def one(task_id: str) -> dict[str, object]:
    """One task, with why it waits; raises UnknownTask."""
    row = Task.objects.select_related("pool", "worker").filter(task_id=task_id).first()
    if row is None:
        raise UnknownTask(f"there is no task {task_id}")
    return {**listed([row])[0], "why": why(row)}


def why(row: Task) -> str:
    """What a task waits for, or how it ended, for a person."""
    if row.status == Task.Status.PENDING:
        unmet = Task.objects.filter(waiters__task=row).exclude(status=Task.Status.COMPLETED)
        return wait_reason.blocked(list(unmet.order_by("pk").values_list("task_id", flat=True)))
    if row.status != Task.Status.QUEUED:
        return f"{row.status}: {row.error}" if row.error else str(row.status)
    if not Worker.objects.filter(pool=row.pool, is_active=True).exists():
        return wait_reason.no_worker(row.pool.name)
    line = Task.objects.filter(pool=row.pool, status=Task.Status.QUEUED)
    return wait_reason.behind(
        line.filter(Q(key__lt=row.key) | Q(key=row.key, pk__lt=row.pk)).count()
    )


def counts() -> dict[str, int]:
    """How many tasks there are of each status."""
    rows = Task.objects.order_by().values_list("status").annotate(Count("pk"))
    found = dict(rows)
    return {str(status): found.get(status, 0) for status in Task.Status.values}
