"""The figures of the queue, and what delays it."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Avg

from operations.scheduling.bottlenecks import QueueLoad, load_bottlenecks
from operations.scheduling.models import Schedule, Task, Worker
from operations.scheduling.planner.plan import make_plan, repeatable_effort
from operations.scheduling.reports import planning
from operations.scheduling.reports.tasks import most_awaited, status_counts
from operations.scheduling.reports.workers import available
from operations.scheduling.scheduler import percent
from operations.scheduling.throughput import WINDOW_SECONDS, busy_share
from operations.scheduling.wait_reason import MAX_NAMES

Status = Task.Status
MAX_PLANNED_NOW = 10_000  # open tasks; with more the stored plan is reported


def queue_metrics(
    now: datetime, most_planned: int = MAX_PLANNED_NOW
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The documented figures, and the bottlenecks."""
    count = status_counts()
    running = Task.objects.filter(status=Status.RUNNING)
    workers = _worker_count(now)
    busy = _busy_share(workers, now)
    load = QueueLoad(
        count["queued"], count["pending"], workers, count["completed"], count["failed"], busy
    )
    if load.is_blocked:
        load = replace(load, awaited=tuple(most_awaited(MAX_NAMES)))
    still_open = count["pending"] + count["queued"] + count["running"]
    proof, delays = _plan_figures(now, is_planned_now=still_open <= most_planned)
    running_share = min(1.0, count["running"] / workers) if workers else 0.0
    completed = Task.objects.filter(
        status=Status.COMPLETED, completed_at__gt=now - timedelta(seconds=WINDOW_SECONDS)
    )
    mean = Task.objects.aggregate(mean=Avg("run_seconds"))["mean"] or 0.0
    figures = {
        "total_tasks": sum(count.values()),
        **count,
        "avg_completion_time_seconds": round(mean, 3),
        "throughput_per_hour": completed.count(),
        "worker_utilization_percent": round(100 * (running_share if busy is None else busy), 2),
        "active_workers": running.values("worker").distinct().count(),
        "total_workers": workers,
        **proof,
    }
    return figures, [asdict(each) for each in load_bottlenecks(load)] + delays


def _worker_count(now: datetime) -> int:
    """How many workers are present or have a running task."""
    if not Worker.objects.exists():
        return int(settings.NUM_WORKERS)
    running = Task.objects.filter(status=Status.RUNNING, worker__isnull=False)
    return len(available(now, set(running.values_list("worker_id", flat=True))))


def _busy_share(workers: int, now: datetime) -> float | None:
    """The share of the last hour that workers were busy; None within the first minute."""
    begin = now - timedelta(seconds=WINDOW_SECONDS)
    ended = Task.objects.filter(completed_at__gt=begin, started_at__isnull=False).order_by()
    running = Task.objects.filter(status=Status.RUNNING).order_by()
    spans = [
        (start.timestamp(), (end or now).timestamp())
        for start, end in (
            *ended.values_list("started_at", "completed_at"),
            *running.values_list("started_at", "completed_at"),
        )
        if start
    ]
    first = Worker.objects.order_by("created_at").values_list("created_at", flat=True).first()
    return busy_share(spans, workers, min(first or now, now).timestamp(), now.timestamp())


def _plan_figures(
    now: datetime, *, is_planned_now: bool
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Makespan, bound and gap of a plan made now, or of the stored one of many tasks."""
    if not is_planned_now:
        row = planning.latest_schedule() or Schedule()
        return _figures(row.makespan, row.lower_bound, row.gap, row.planned_at), row.bottlenecks
    work = planning.open_work(now)
    planned = make_plan(work.problem, effort=repeatable_effort(len(work.names)))
    proof = planned.certificate
    figures = _figures(proof.makespan, proof.lower_bound, proof.gap, now)
    return figures, planning.bottlenecks(work, planned)


def _figures(
    makespan: float | None, least: float | None, gap: float | None, at: datetime | None
) -> dict[str, object]:
    return {
        "makespan_seconds": makespan,
        "makespan_lower_bound_seconds": least,
        "makespan_gap_percent": percent(gap),
        "planned_at": at.isoformat() if at else None,
    }
