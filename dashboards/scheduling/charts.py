"""The planned queue as lanes, headlines and tables; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from aethercrown.charts.figures import COUNT, MISSING, PERCENT, Unit, full
from aethercrown.charts.lanes import Lane, Stretch, lanes
from dashboards.budget.summary import Headline
from dashboards.charts import Picture, picture
from dashboards.tables import Column, Table

PRIORITIES = ("critical", "high", "medium", "low")
LANES, STRETCHES = 20, 400  # workers and tasks that are drawn; the table has more
PAST, LEAST_PAST = 0.25, 60.0  # of the time ahead, and in seconds, that is drawn before now
SECONDS = Unit(suffix="\u00a0s")
UNITS = (
    (2 * 86_400, 86_400, Unit(suffix="\u00a0d", digits=1)),
    (2 * 3_600, 3_600, Unit(suffix="\u00a0h", digits=1)),
    (2 * 60, 60, Unit(suffix="\u00a0min", digits=1)),
)


class Bar(Protocol):
    """A task with its worker and its time."""

    @property
    def task_id(self) -> str: ...
    @property
    def task_type(self) -> str: ...
    @property
    def priority(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def worker(self) -> str: ...
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...


def scale(longest: float) -> tuple[float, Unit]:
    """The seconds of a unit in which `longest` seconds read well, and the unit."""
    for least, size, unit in UNITS:
        if longest >= least:
            return size, unit
    return 1, SECONDS


def gantt(found: Sequence[Bar], now: datetime) -> Picture:
    """One lane a worker, the first tasks of each, counted from `now`."""
    table = listed(found)
    drawn = found[:STRETCHES]
    names = list(dict.fromkeys(each.worker for each in drawn))[:LANES]
    longest = max(((each.end - now).total_seconds() for each in drawn), default=0.0)
    size, unit = scale(longest)
    past = max(longest * PAST, LEAST_PAST)
    rows = [
        Lane(name, [stretch(each, now, size, past) for each in drawn if each.worker == name])
        for name in sorted(names)
    ]
    left_out = len(found) - sum(len(row.stretches) for row in rows)
    note = "Zero is now; what runs began before it, and lasts until now where it overran."
    if left_out:
        note += f" {left_out:,} more tasks stand in the table only."
    return picture(
        lambda caption, frame: lanes(rows, PRIORITIES, caption, unit, axis="from now", frame=frame),
        "Who does what when",
        table,
        note=note,
        says=f"{len(found)} tasks of {len(names)} workers, planned one after another.",
    )


def stretch(bar: Bar, now: datetime, size: float, past: float) -> Stretch:
    """A bar of which at most `past` seconds lie before now; one that overran ends now."""
    start, end = ((at - now).total_seconds() for at in (bar.start, bar.end))
    if bar.status == "running":
        end = max(end, 0.0)
    return Stretch(
        bar.task_id, max(start, -past) / size, end / size, PRIORITIES.index(bar.priority)
    )


def listed(found: Sequence[Bar]) -> Table:
    """Every task that has a place."""
    names = ("Task", "Type", "Priority", "Status", "Worker", "Start", "End")
    columns = tuple(Column(each, badge=each == "Status") for each in names)
    rows = [
        (
            each.task_id,
            each.task_type,
            each.priority,
            each.status,
            each.worker,
            each.start,
            each.end,
        )
        for each in found
    ]
    return Table("plan", "Running and planned tasks", columns, rows)


def bottlenecks(found: Sequence[Mapping[str, Any]]) -> Table:
    """What holds the work up, the most severe first."""
    grave = {name: place for place, name in enumerate(PRIORITIES)}
    columns = (
        Column("What"),
        Column("Severity", badge=True),
        Column("Why", prose=True),
        Column("What helps", prose=True),
    )
    rows = [
        (
            each["type"].replace("_", " "),
            each["severity"],
            each["description"],
            each["suggestion"],
        )
        for each in sorted(found, key=lambda each: grave[each["severity"]])
    ]
    return Table("bottlenecks", "What holds the work up", columns, rows)


def headlines(metrics: Mapping[str, Any]) -> list[Headline]:
    """The queue in four figures."""
    makespan, least = metrics["makespan_seconds"], metrics["makespan_lower_bound_seconds"]
    size, unit = scale(makespan or 0.0)
    gap = metrics["makespan_gap_percent"]
    return [
        Headline(
            "Waiting",
            full(metrics["queued"] + metrics["pending"], COUNT),
            f"{metrics['queued']:,} ready, {metrics['pending']:,} for another task",
            "Tasks that no worker has taken yet.",
        ),
        Headline(
            "Running",
            full(metrics["running"], COUNT),
            f"{metrics['active_workers']:,} of {metrics['total_workers']:,} workers",
            "Tasks that a worker holds under a lease.",
        ),
        Headline(
            "Done in",
            full(makespan / size, unit) if makespan is not None else MISSING,
            above(least, gap),
            "When the last of today's tasks ends as planned, beside the least that any plan needs.",
        ),
        Headline(
            "Busy",
            full(metrics["worker_utilization_percent"], PERCENT),
            f"{metrics['throughput_per_hour']:,} done in the last hour",
            "The part of the last hour that workers were at work.",
        ),
    ]


def above(least: float | None, gap: float | None) -> str:
    """How near a plan is to the least that is possible."""
    if least is None or gap is None:
        return "some task can never run"
    if gap == 0:
        return "no plan is shorter"
    size, unit = scale(least)
    return f"no plan is shorter than {full(least / size, unit)}"
