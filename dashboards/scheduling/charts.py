"""The planned queue as a Gantt chart, headlines and tables. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any

from aethercrown.charts.lanes import ChartLane, LaneSegment, lanes
from aethercrown.formatting import COUNT, PERCENT, Unit, counted, duration_text, full
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table
from dashboards.tiles import Tile
from operations.scheduling.task_spec import GanttTask

PRIORITIES = ("critical", "high", "medium", "low")
MAX_WORKERS, MAX_TASKS = 20, 400  # that are drawn; the table has all
PAST_SHARE = 0.25  # of the time ahead, drawn before now
MIN_PAST_SECONDS = 60.0  # drawn before now
SECONDS = Unit(suffix="\u00a0s")
UNITS = (
    (2 * 86_400, 86_400, Unit(suffix="\u00a0d", digits=1)),
    (2 * 3_600, 3_600, Unit(suffix="\u00a0h", digits=1)),
    (2 * 60, 60, Unit(suffix="\u00a0min", digits=1)),
)


def scale(longest: float) -> tuple[float, Unit]:
    """A readable unit for times up to `longest` seconds, and its length in seconds."""
    for least, size, unit in UNITS:
        if longest >= least:
            return size, unit
    return 1, SECONDS


def gantt(found: Sequence[GanttTask], now: datetime) -> PageChart:
    """One lane per worker with its first tasks; times count from `now`."""
    table = task_table(found)
    drawn = found[:MAX_TASKS]
    names = list(dict.fromkeys(each.worker for each in drawn))[:MAX_WORKERS]
    longest = max(((each.end - now).total_seconds() for each in drawn), default=0.0)
    size, unit = scale(longest)
    past = max(longest * PAST_SHARE, MIN_PAST_SECONDS)
    rows = [
        ChartLane(name, [stretch(each, now, size, past) for each in drawn if each.worker == name])
        for name in sorted(names)
    ]
    says = f"{counted(len(found), 'task')} on {counted(len(names), 'worker')}, one after another."
    left_out = len(found) - sum(len(row.segments) for row in rows)
    note = "Zero is now; running tasks started before it, and overdue ones end now."
    if left_out:
        note += f" The table has {counted(left_out, 'more task')}."
    return page_chart(
        lambda caption, frame: lanes(rows, PRIORITIES, caption, unit, axis="from now", frame=frame),
        table,
        title="Running and planned tasks by worker",
        note=note,
        says=says,
    )


def stretch(bar: GanttTask, now: datetime, size: float, past: float) -> LaneSegment:
    """A bar in units of `size` seconds, from `past` seconds before now; an overdue one ends now."""
    start, end = ((at - now).total_seconds() for at in (bar.start, bar.end))
    if bar.status == "running":
        end = max(end, 0.0)
    return LaneSegment(
        bar.task_id, max(start, -past) / size, end / size, PRIORITIES.index(bar.priority)
    )


def task_table(found: Sequence[GanttTask]) -> Table:
    """Every running or planned task."""
    names = ("Task", "Type", "Priority", "Status", "Worker", "Start", "End")
    columns = tuple(Column(each, badge=each == "Status") for each in names)
    cells = attrgetter("task_id", "task_type", "priority", "status", "worker", "start", "end")
    rows = [cells(each) for each in found]
    return Table("plan", "Running and planned tasks", columns, rows)


def bottlenecks(found: Sequence[Mapping[str, Any]]) -> Table:
    """The bottlenecks, the most severe first."""
    order = {name: place for place, name in enumerate(PRIORITIES)}
    columns = (
        Column("Bottleneck"),
        Column("Severity", badge=True),
        Column("Why", prose=True),
        Column("What helps", prose=True),
    )
    ranked = sorted(found, key=lambda each: order[each["severity"]])
    cells = itemgetter("severity", "description", "suggestion")
    rows = [(each["type"].replace("_", " "), *cells(each)) for each in ranked]
    return Table("bottlenecks", "What delays the work", columns, rows)


def plan_tiles(metrics: Mapping[str, Any]) -> list[Tile]:
    """Three figures of the work that runs and is planned."""
    makespan, least = metrics["makespan_seconds"], metrics["makespan_lower_bound_seconds"]
    gap = metrics["makespan_gap_percent"]
    return [
        Tile(
            "Running",
            full(metrics["running"], COUNT),
            f"{metrics['active_workers']:,} of {counted(metrics['total_workers'], 'worker')}",
            "Tasks that a worker holds under a lease.",
        ),
        Tile(
            "Done in",
            duration_text(makespan),
            bound_text(least, gap),
            "When the last open task ends as planned, beside the lower bound of any plan.",
        ),
        Tile(
            "Busy",
            full(metrics["worker_utilization_percent"], PERCENT),
            f"{metrics['throughput_per_hour']:,} done in the last hour",
            "The share of the last hour in which workers had a task.",
        ),
    ]


def bound_text(least: float | None, gap: float | None) -> str:
    """How the plan compares with the lower bound."""
    if least is None or gap is None:
        return "a task can never run"
    if gap == 0:
        return "no plan is shorter"
    return f"no plan is shorter than {duration_text(least)}"
