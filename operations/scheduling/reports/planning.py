"""The stored queue as a question for the planner, and the figures of the contract, from rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from django.conf import settings
from django.db.models import Avg, Count

from operations.scheduling.bottlenecks import (
    Load,
    gains,
    load_bottlenecks,
    plan_bottlenecks,
)
from operations.scheduling.models import Dependency, Schedule, Task, Worker
from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Work
from operations.scheduling.planner.plan import Plan, plan, steady_effort
from operations.scheduling.planner.urgency import weight
from operations.scheduling.reports import OPEN
from operations.scheduling.reports import workers as people
from operations.scheduling.scheduler import DEFAULT_POOL, percent, workers
from operations.scheduling.throughput import WINDOW, busy_share

Status = Task.Status
AT_ONCE = 10_000  # open tasks planned while a caller waits; above, the last stored plan counts
LANES = 2_000  # tasks that a page shows


@dataclass(frozen=True, slots=True)
class Ahead:
    """Work whose task k is called names[k] and whose worker h is called hands[h]."""

    names: list[str]
    hands: list[str]
    work: Work


def open_tasks() -> int:
    return Task.objects.filter(status__in=OPEN).count()


def ahead(now: datetime) -> Ahead:
    """All that is pending, queued or running, seen from `now`, in a fixed number of questions."""
    columns = ("pk", "task_id", "priority", "estimate_used", "pool__name", "status")
    rows = list(
        Task.objects.filter(status__in=OPEN)
        .order_by("pk")
        .values_list(*columns, "worker_id", "started_at", "ready_at")
    )
    number = {row[0]: place for place, row in enumerate(rows)}
    needs: list[list[int]] = [[] for _ in rows]
    links = Dependency.objects.filter(task__status__in=OPEN, needs__status__in=OPEN)
    pairs = [  # both ends known: one may have ended between the two questions
        (number[task], number[need])
        for task, need in links.values_list("task_id", "needs_id")
        if task in number and need in number
    ]
    for after, before in pairs:
        needs[after].append(before)
    running = [(number[row[0]], row[6], row[4]) for row in rows if row[5] == Status.RUNNING]
    hands, holds = staffed(now, running)
    pools = sorted({row[4] for row in rows} | {pool for _, pool in hands})
    place = {name: at for at, name in enumerate(pools)}
    work = Work(
        Graph.from_needs(needs),
        np.array([_remaining(row[3], row[7], now) for row in rows], dtype=np.float64),
        np.array([weight(row[2]) for row in rows], dtype=np.float64),
        [place[pool] for _, pool in hands],
        np.array([place[row[4]] for row in rows], dtype=np.int64),
        np.array([_waited(row[5], row[8], now) for row in rows], dtype=np.float64),
        holds,
        pools,
    )
    return Ahead([row[1] for row in rows], [name for name, _ in hands], work)


def staffed(
    now: datetime, running: Sequence[tuple[int, int | None, str]]
) -> tuple[list[tuple[str, str]], dict[int, int]]:
    """The hands that can work, as (name, pool), and which of them each running task keeps.

    A worker with several tasks counts as several hands; a task whose worker was deleted has one
    of its own. Where nobody has registered, NUM_WORKERS stand ready.
    """
    staff = people.hands(now, {worker for _, worker, _ in running if worker})
    if not staff and not Worker.objects.exists():
        names = workers("worker", settings.NUM_WORKERS)
        staff = [(-place, name, DEFAULT_POOL) for place, name in enumerate(names, 1)]
    hands = [(name, pool) for _, name, pool in staff]
    free = {worker: place for place, (worker, _, _) in enumerate(staff)}
    called = {worker: name for worker, name, _ in staff}
    holds: dict[int, int] = {}
    for task, worker, pool in running:
        place = free.pop(worker, None) if worker else None
        if place is None:
            place = len(hands)
            hands.append((called.get(worker or 0, "unknown"), pool))
        holds[task] = place
    return hands, holds


def _remaining(estimate: float, started_at: datetime | None, now: datetime) -> float:
    if started_at is None:
        return estimate
    return max(0.0, estimate - (now - started_at).total_seconds())


def _waited(status: str, ready_at: datetime | None, now: datetime) -> float:
    if status != Status.QUEUED or ready_at is None:
        return 0.0
    return max(0.0, (now - ready_at).total_seconds())


def held_up_by(seen: Ahead, made: Plan) -> list[dict[str, object]]:
    """What holds the plan up, and what one more worker in each pool would save."""
    if not seen.names:
        return []
    replan = partial(plan, effort=steady_effort(len(seen.names)))
    found = [*plan_bottlenecks(seen.work, made, seen.names), *gains(seen.work, replan)]
    return [asdict(each) for each in found]


def situation(now: datetime) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The figures of the contract, and the bottlenecks."""
    counts = dict(Task.objects.order_by().values_list("status").annotate(Count("pk")))
    count = {status: counts.get(status, 0) for status in Status.values}
    pending, queued, running = (count[each] for each in OPEN)
    spans = _spans(now)
    staff = _staff(now)
    load = Load(
        queued, pending, staff, count["completed"], count["failed"], _busy(spans, staff, now)
    )
    proof, found = _proof(now, pending + queued + running)
    share = load.busy if load.busy is not None else min(1.0, running / staff) if staff else 0.0
    lately = Task.objects.filter(
        status=Status.COMPLETED, completed_at__gt=now - timedelta(seconds=WINDOW)
    )
    figures = {
        "total_tasks": sum(count.values()),
        **count,
        "avg_completion_time_seconds": round(
            Task.objects.aggregate(mean=Avg("seconds"))["mean"] or 0.0, 3
        ),
        "throughput_per_hour": lately.count(),
        "worker_utilization_percent": round(100 * share, 2),
        "active_workers": Task.objects.filter(status=Status.RUNNING)
        .values("worker")
        .distinct()
        .count(),
        "total_workers": staff,
        **proof,
    }
    shown = [asdict(each) for each in load_bottlenecks(load)] + found
    return figures, shown


def _staff(now: datetime) -> int:
    """How many workers are present or at work."""
    if not Worker.objects.exists():
        return int(settings.NUM_WORKERS)
    held = Task.objects.filter(status=Status.RUNNING, worker__isnull=False)
    return len(people.hands(now, set(held.values_list("worker_id", flat=True))))


def _spans(now: datetime) -> list[tuple[float, float]]:
    """Start and end of each run of the last hour, seconds; what runs still ends now."""
    begin = now - timedelta(seconds=WINDOW)
    ended = Task.objects.filter(completed_at__gt=begin, started_at__isnull=False)
    spans = [
        (start.timestamp(), end.timestamp())
        for start, end in ended.order_by().values_list("started_at", "completed_at")
        if start and end
    ]
    going = Task.objects.filter(status=Status.RUNNING).order_by()
    at = now.timestamp()
    return spans + [(s.timestamp(), at) for s in going.values_list("started_at", flat=True) if s]


def _busy(spans: list[tuple[float, float]], staff: int, now: datetime) -> float | None:
    """The part of the last hour that workers were busy; None before a minute was watched."""
    first = Worker.objects.order_by("created_at").values_list("created_at", flat=True).first()
    since = min(first or now, now).timestamp()
    return busy_share(spans, staff, since, now.timestamp())


def _proof(now: datetime, open_: int) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Makespan, bound and gap of a plan made now, or of the last stored one of many tasks."""
    if open_ > AT_ONCE:
        row = Schedule.objects.first()
        if row is None:
            return _figures(None, None, None, None), []
        return _figures(row.makespan, row.lower_bound, row.gap, row.made_at), row.bottlenecks
    seen = ahead(now)
    made = plan(seen.work, effort=steady_effort(len(seen.names)))
    proof = made.certificate
    return _figures(proof.makespan, proof.lower_bound, proof.gap, now), held_up_by(seen, made)


def _figures(
    makespan: float | None, least: float | None, gap: float | None, at: datetime | None
) -> dict[str, object]:
    return {
        "makespan_seconds": makespan,
        "makespan_lower_bound_seconds": least,
        "makespan_gap_percent": percent(gap),
        "planned_at": at.isoformat() if at else None,
    }


@dataclass(frozen=True, slots=True)
class Bar:
    """A task in a worker's lane; `status` is running or what it waits for."""

    task_id: str
    task_type: str
    priority: str
    status: str
    worker: str
    start: datetime
    end: datetime


def lanes() -> list[Bar]:
    """The open tasks that have a place in the plan, the earliest first, at most LANES."""
    rows = Task.objects.filter(status__in=OPEN).select_related("worker")
    going = rows.filter(status=Status.RUNNING)
    planned = rows.exclude(status=Status.RUNNING).filter(planned_start__isnull=False)
    first = list(going.order_by("started_at", "pk")[:LANES])
    first += planned.order_by("planned_start", "pk")[: LANES - len(first)]
    return [_bar(row) for row in first]


def _bar(row: Task) -> Bar:
    is_going = row.status == Status.RUNNING
    start = (row.started_at if is_going else row.planned_start) or row.created_at
    worker = row.worker.name if is_going and row.worker else row.planned_worker or "unknown"
    return Bar(
        row.task_id,
        row.task_type,
        row.get_priority_display(),
        str(row.status),
        worker,
        start,
        start + timedelta(seconds=row.estimate_used),
    )


def newest() -> Schedule | None:
    """The last plan that was stored."""
    return Schedule.objects.first()
