"""Due dates of a flow's steps by the critical path, in business time. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from enterprise.onboarding import states
from enterprise.sla import business_time
from enterprise.sla.business_time import BusinessHours
from operations.scheduling.planner import graph

NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step as planning sees it; `after` holds the lag to each step that it waits for.

    `ends_at` is when its running clock is used up, where it has one: pauses do not count.
    """

    name: str
    duration: timedelta
    after: Mapping[str, timedelta] = field(default_factory=dict)
    state: str = states.PENDING
    ready_at: datetime | None = None
    finished_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in states.OPEN_STEPS

    @property
    def is_counted(self) -> bool:
        """A skipped or reverted step takes no time."""
        return self.state not in (states.SKIPPED, states.REVERTED)


@dataclass(frozen=True, slots=True)
class StepDates:
    """When a step ends at the earliest, must end at the latest, and the time between."""

    finish: datetime
    due_at: datetime
    slack: timedelta

    @property
    def is_critical(self) -> bool:
        return self.slack == NONE


def ordered(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    """Each step after those that it waits for. Raises CyclicDependency and UnknownDependency."""
    by_name = {each.name: each for each in steps}
    names, links = graph.number_tasks({each.name: each.after for each in steps})
    return [by_name[name] for name in graph.topological_order(names, links)]


def due_dates(
    steps: Sequence[PlannedStep], start: datetime, now: datetime, hours: BusinessHours
) -> dict[str, StepDates]:
    """The dates of each step of a flow that began at `start`.

    A step that should be over and is not counts as ending now.
    """
    in_order = ordered(steps)
    finishes: dict[str, datetime] = {}
    for step in in_order:
        finishes[step.name] = _finish(step, finishes, start, now, hours)
    end = max(finishes.values(), default=start)
    latest: dict[str, datetime] = {}
    for step in reversed(in_order):
        latest[step.name] = _latest_finish(step, in_order, latest, end, hours)
    return {
        step.name: _dates(step, finishes[step.name], latest[step.name], hours) for step in in_order
    }


def _finish(
    step: PlannedStep,
    finishes: Mapping[str, datetime],
    start: datetime,
    now: datetime,
    hours: BusinessHours,
) -> datetime:
    if step.is_over and step.finished_at is not None:
        return step.finished_at
    if step.ends_at is not None:
        return max(step.ends_at, now)
    after = [_later(hours, finishes[name], lag) for name, lag in step.after.items()]
    begins = max([start, *after])
    if step.ready_at is not None:
        begins = max(begins, step.ready_at)
    if not step.is_counted:
        return begins
    planned = business_time.add(hours, begins, step.duration)
    return max(planned, now) if not step.is_over else planned


def _latest_finish(
    step: PlannedStep,
    in_order: Sequence[PlannedStep],
    latest: Mapping[str, datetime],
    end: datetime,
    hours: BusinessHours,
) -> datetime:
    """The earliest of the latest starts of the steps that wait for it, or the end of the flow."""
    found = end
    for each in in_order:
        if step.name in each.after and each.name in latest:
            needed = (each.duration if each.is_counted else NONE) + each.after[step.name]
            found = min(found, _earlier(hours, latest[each.name], needed))
    return found


def _dates(
    step: PlannedStep, finish: datetime, latest: datetime, hours: BusinessHours
) -> StepDates:
    slack = NONE if step.is_over else business_time.between(hours, finish, latest)
    return StepDates(finish, _later(hours, finish, slack), slack)


def _later(hours: BusinessHours, at: datetime, amount: timedelta) -> datetime:
    return business_time.add(hours, at, amount) if amount else at


def _earlier(hours: BusinessHours, at: datetime, amount: timedelta) -> datetime:
    return business_time.subtract(hours, at, amount) if amount else at
