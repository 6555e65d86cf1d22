"""Stored tasks as the API shows them, and what a submission needs to know of them."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, Max, Q

from aethercrown.db import bulk
from aethercrown.formatting import moment_text
from aethercrown.search import row_source
from operations.scheduling import list_sql, wait_reason
from operations.scheduling.backlog import UnknownTask
from operations.scheduling.durations import LearnedDuration
from operations.scheduling.models import Dependency, Task, TaskDurationStats, Worker
from operations.scheduling.reports.workers import present
from operations.scheduling.task_spec import AITask, TaskPriority

WAITING = (Task.Status.PENDING, Task.Status.QUEUED)
OPEN = (*WAITING, Task.Status.RUNNING)
ENDED = (Task.Status.COMPLETED, Task.Status.FAILED)
MAX_INHERIT_DEPTH = 20  # dependencies over which stored tasks inherit urgency
MAX_INHERITING_TASKS = 2_000  # stored tasks that one call may make more urgent


def primary_keys(names: Collection[str]) -> dict[str, int]:
    """The primary keys of those task ids that are stored."""
    rows = Task.objects.filter(task_id__in=bulk.among(names, str))
    return dict(rows.order_by().values_list("task_id", "pk"))


def keys_of_inserted(names: Collection[str]) -> dict[str, int]:
    """The primary keys of the tasks that this transaction inserted last, in the order inserted."""
    if connection.vendor == "postgresql":
        return primary_keys(names)
    last = max(Task.objects.order_by("-pk").values_list("pk", flat=True)[:1], default=0)
    return dict(zip(names, range(last - len(names) + 1, last + 1), strict=True))  # one writer


def keys_and_statuses(names: Collection[str]) -> dict[str, tuple[int, str]]:
    """The primary key and the status of each of those tasks that are stored."""
    rows = Task.objects.filter(task_id__in=bulk.among(names, str)).order_by()
    found = rows.values_list("task_id", "pk", "status")
    return {name: (key, str(status)) for name, key, status in found}


def as_submitted(names: Collection[str]) -> dict[str, AITask]:
    """Stored tasks as they were submitted, by id."""
    rows = list(Task.objects.filter(task_id__in=bulk.among(names, str)))
    needs = dependencies(rows)
    return {
        row.task_id: AITask(
            row.task_id,
            row.task_type,
            TaskPriority(row.priority),
            row.estimated_duration,
            needs.get(row.pk, ()),
        )
        for row in rows
    }


def all_dependencies(names: Collection[str]) -> dict[str, list[str]]:
    """The dependencies of these stored tasks, and of those in turn, by id."""
    found: dict[str, list[str]] = {}
    level = set(names)
    while level:
        found.update({name: [] for name in level})
        links = Dependency.objects.filter(task__task_id__in=level)
        for task, need in links.values_list("task__task_id", "needs__task_id"):
            found[task].append(need)
        level = {need for name in level for need in found[name]} - found.keys()
    return found


def inheriting_tasks(
    primary_keys: Collection[int],
    depth: int = MAX_INHERIT_DEPTH,
    most: int = MAX_INHERITING_TASKS,
) -> set[int]:
    """These tasks and their waiting dependencies, as far as urgency is inherited."""
    found, level = set(primary_keys), set(primary_keys)
    for _ in range(depth):
        above = Dependency.objects.filter(task__in=level, needs__status__in=WAITING)
        level = set(above.values_list("needs_id", flat=True)) - found
        if not level or len(found) + len(level) > most:
            break
        found |= level
    return found


def learned_durations(task_types: Collection[str]) -> defaultdict[str, LearnedDuration]:
    """What runs of these types took; an empty LearnedDuration for a type without runs."""
    found: defaultdict[str, LearnedDuration] = defaultdict(LearnedDuration)
    rows = TaskDurationStats.objects.filter(task_type__in=task_types) if task_types else ()
    found.update((row.task_type, row.learned) for row in rows)
    return found


def dependencies(rows: Iterable[Task]) -> dict[int, list[str]]:
    """The ids of each task's dependencies, in the order submitted, by primary key."""
    found: dict[int, list[str]] = {}
    links = Dependency.objects.filter(task__in=bulk.among([row.pk for row in rows]))
    for task, need in links.order_by("pk").values_list("task_id", "needs__task_id"):
        found.setdefault(task, []).append(need)
    return found


def assigned_dependencies(rows: Iterable[Task]) -> dict[int, list[str]]:
    """The same for tasks just assigned, which carry it in `needed_names`."""
    return {row.pk: json.loads(getattr(row, "needed_names", None) or "[]") for row in rows}


class ListedTask(NamedTuple):
    """One row of the list: its place in the order, and the task as the contract has it, as JSON."""

    stored: datetime | str  # as the driver gives it: only the ends of a page are read
    id: int
    json: str

    @property
    def created_at(self) -> datetime:
        at = self.stored
        return datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at


def page(
    *,
    limit: int,
    status: str = "",
    worker: str = "",
    beyond: tuple[datetime, int] | None = None,
    back: bool = False,
) -> list[ListedTask]:
    """Up to `limit` tasks of one status and worker, if given, newest first, in one query.

    Those after the creation time and id `beyond`; with `back` those before it, oldest first.
    """
    sql = list_sql.page(
        connection.vendor,
        status=bool(status),
        worker=bool(worker),
        beyond=beyond is not None,
        back=back,
        limit=limit,
    )
    values: list[str | int | None] = [each for each in (status, worker) if each]
    if beyond is not None:
        values += [connection.ops.adapt_datetimefield_value(beyond[0]), beyond[1]]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [ListedTask(*row) for row in cursor.fetchall()]


def as_dicts(
    rows: Sequence[Task], needs: Mapping[int, Sequence[str]] | None = None
) -> list[dict[str, object]]:
    """Tasks as the API shows them; pass `needs` where the dependencies are known already."""
    needs = dependencies(rows) if needs is None else needs
    return [_as_dict(row, needs.get(row.pk, ())) for row in rows]


def _as_dict(row: Task, needs: Sequence[str]) -> dict[str, object]:
    return {
        "task_id": row.task_id,
        "task_type": row.task_type,
        "priority": row.priority,
        "estimated_duration": row.estimated_duration,
        "dependencies": list(needs),
        "status": str(row.status),
        "created_at": _iso(row.created_at),
        "started_at": _iso(row.started_at),
        "completed_at": _iso(row.completed_at),
        "assigned_worker": row.worker.name if row.worker_id and row.worker else None,
        "planned_start": _iso(row.planned_start),
        "planned_worker": row.planned_worker or None,
        "ready_at": _iso(row.ready_at),
        "lease_until": _iso(row.lease_until),
        "attempt": row.attempt,
        "error": row.error or None,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def task_detail(task_id: str, now: datetime) -> dict[str, object]:
    """One task, with why it waits. Raises UnknownTask."""
    row = Task.objects.select_related("pool", "worker").filter(task_id=task_id).first()
    if row is None:
        raise UnknownTask(f"there is no task {task_id}")
    return {**as_dicts([row])[0], "why": explain(row, now)}


def explain(row: Task, now: datetime) -> str:
    """What a task waits for, or how it ended, in words."""
    if row.status == Task.Status.PENDING:
        unmet = Task.objects.filter(waiters__task=row).exclude(status=Task.Status.COMPLETED)
        return wait_reason.blocked(list(unmet.order_by("pk").values_list("task_id", flat=True)))
    if row.status != Task.Status.QUEUED:
        return f"{row.status}: {row.error}" if row.error else str(row.status)
    workers = Worker.objects.filter(pool=row.pool, is_active=True).aggregate(
        present=Count("pk", filter=present(now)), last=Max("last_seen_at"), all=Count("pk")
    )
    if not workers["present"]:
        last = moment_text(workers["last"]) if workers["all"] else ""
        return wait_reason.no_worker(row.pool.name, last)
    queue = Task.objects.filter(pool=row.pool, status=Task.Status.QUEUED)
    is_ahead = Q(queue_key__lt=row.queue_key) | Q(queue_key=row.queue_key, pk__lt=row.pk)
    return wait_reason.behind(queue.filter(is_ahead).count())


def most_awaited(most: int) -> list[tuple[str, int]]:
    """The unfinished tasks for which most others wait, with how many, the largest first."""
    waits = Dependency.objects.filter(task__status=Task.Status.PENDING)
    open_needs = waits.exclude(needs__status=Task.Status.COMPLETED).order_by()
    counts = open_needs.values_list("needs").annotate(count=Count("pk"))
    found = list(counts.order_by("-count", "needs")[:most])
    names = dict(Task.objects.filter(pk__in=[key for key, _ in found]).values_list("pk", "task_id"))
    return [(names[key], count) for key, count in found if key in names]


def status_counts() -> dict[str, int]:
    """How many tasks have each status."""
    found = dict(Task.objects.order_by().values_list("status").annotate(Count("pk")))
    return {str(status): found.get(status, 0) for status in Task.Status.values}


SEARCH = row_source(
    "Tasks",
    Task.objects.all,
    ("task_id", "task_type"),
    note=lambda task: f"{task.task_type}, {task.status}",
    page=lambda _task: "/dashboards/scheduling",
)
