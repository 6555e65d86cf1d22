"""The open tasks as a problem for the planner, and the planned tasks for the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
from django.conf import settings

from operations.scheduling.bottlenecks import plan_bottlenecks, worker_gains
from operations.scheduling.models import Dependency, Schedule, Task, Worker
from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Problem
from operations.scheduling.planner.plan import TaskPlan, make_plan, repeatable_effort
from operations.scheduling.planner.urgency import weight
from operations.scheduling.reports.tasks import OPEN
from operations.scheduling.reports.workers import available
from operations.scheduling.scheduler import DEFAULT_POOL, worker_names
from operations.scheduling.task_spec import GanttTask

Status = Task.Status
MAX_GANTT_TASKS = 2_000


class OpenTask(NamedTuple):
    """An open task as stored."""

    pk: int
    task_id: str
    priority: int
    estimate_used: float
    pool: str
    status: str
    worker_id: int | None
    started_at: datetime | None
    ready_at: datetime | None
    planned_start: datetime | None
    planned_worker: str


@dataclass(frozen=True, slots=True)
class OpenWork:
    """A planning problem whose task k is tasks[k] and whose worker slot h workers[h]."""

    tasks: list[OpenTask]
    workers: list[str]
    problem: Problem

    @property
    def names(self) -> list[str]:
        return [row.task_id for row in self.tasks]


def open_work(now: datetime) -> OpenWork:
    """All pending, queued and running tasks, seen from `now`, in a fixed number of queries."""
    columns = ["pool__name" if name == "pool" else name for name in OpenTask._fields]
    found = Task.objects.filter(status__in=OPEN).order_by("pk").values_list(*columns)
    rows = [OpenTask(*row) for row in found]
    running = [
        (place, row.worker_id, row.pool)
        for place, row in enumerate(rows)
        if row.status == Status.RUNNING
    ]
    slots, slot_of = worker_slots(now, running)
    pools = sorted({row.pool for row in rows} | {pool for _, pool in slots})
    number = {name: place for place, name in enumerate(pools)}
    problem = Problem(
        Graph.from_needs(_open_needs([row.pk for row in rows])),
        np.array([max(0.0, row.estimate_used - _since(row.started_at, now)) for row in rows]),
        np.array([weight(row.priority) for row in rows]),
        [number[pool] for _, pool in slots],
        np.array([number[row.pool] for row in rows], dtype=np.int64),
        np.array(
            [_since(row.ready_at, now) if row.status == Status.QUEUED else 0.0 for row in rows]
        ),
        slot_of,
        pools,
    )
    return OpenWork(rows, [name for name, _ in slots], problem)


def _since(at: datetime | None, now: datetime) -> float:
    """Seconds since `at`; 0 before it, and without it."""
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _open_needs(primary_keys: Sequence[int]) -> list[list[int]]:
    """The dependencies of each of these open tasks among them, by place in the list."""
    place_of = {key: place for place, key in enumerate(primary_keys)}
    needs: list[list[int]] = [[] for _ in primary_keys]
    links = Dependency.objects.filter(task__status__in=OPEN, needs__status__in=OPEN)
    for task, need in links.values_list("task_id", "needs_id"):
        if task in place_of and need in place_of:  # one may have ended between the two queries
            needs[place_of[task]].append(place_of[need])
    return needs


def worker_slots(
    now: datetime, running: Sequence[tuple[int, int | None, str]]
) -> tuple[list[tuple[str, str]], dict[int, int]]:
    """The worker slots as (name, pool), and the slot of each running task.

    `running` holds (task, worker id, pool). A worker with several tasks has several slots; a task
    whose worker was deleted has its own. Without any stored worker there are NUM_WORKERS slots.
    """
    workers = available(now, {worker for _, worker, _ in running if worker})
    if not workers and not Worker.objects.exists():
        names = worker_names("worker", settings.NUM_WORKERS)
        workers = [(-place, name, DEFAULT_POOL) for place, name in enumerate(names, 1)]
    slots = [(name, pool) for _, name, pool in workers]
    free = {worker: place for place, (worker, _, _) in enumerate(workers)}
    name_of = {worker: name for worker, name, _ in workers}
    slot_of: dict[int, int] = {}
    for task, worker, pool in running:
        place = free.pop(worker, None) if worker else None
        if place is None:
            place = len(slots)
            slots.append((name_of.get(worker or 0, "unknown"), pool))
        slot_of[task] = place
    return slots, slot_of


def bottlenecks(work: OpenWork, planned: TaskPlan) -> list[dict[str, object]]:
    """What delays the plan, and what one more worker in each pool would save."""
    if not work.names:
        return []
    replan = partial(make_plan, effort=repeatable_effort(len(work.names)))
    found = plan_bottlenecks(work.problem, planned, work.names)
    return [asdict(each) for each in (*found, *worker_gains(work.problem, replan))]


def gantt_tasks() -> list[GanttTask]:
    """Running tasks, then planned ones, the earliest first, at most MAX_GANTT_TASKS."""
    rows = Task.objects.filter(status__in=OPEN).select_related("worker")
    running = rows.filter(status=Status.RUNNING)
    planned = rows.exclude(status=Status.RUNNING).filter(planned_start__isnull=False)
    first = list(running.order_by("started_at", "pk")[:MAX_GANTT_TASKS])
    first += planned.order_by("planned_start", "pk")[: MAX_GANTT_TASKS - len(first)]
    return [_gantt_task(row) for row in first]


def _gantt_task(row: Task) -> GanttTask:
    is_running = row.status == Status.RUNNING
    start = (row.started_at if is_running else row.planned_start) or row.created_at
    worker = row.worker.name if is_running and row.worker else row.planned_worker or "unknown"
    return GanttTask(
        row.task_id,
        row.task_type,
        row.get_priority_display(),
        str(row.status),
        worker,
        start,
        start + timedelta(seconds=row.estimate_used),
    )


def latest_schedule() -> Schedule | None:
    """The newest stored plan."""
    return Schedule.objects.first()
