"""How far a flow is: counts, percentages and the current step. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from enterprise.onboarding import states

CURRENT_ORDER = (
    (states.IN_PROGRESS,),
    (states.READY,),
    (states.WAITING_CUSTOMER, states.BLOCKED, states.FAILED),
)
UNCOUNTED = (states.SKIPPED,)


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step as progress sees it."""

    order: int
    name: str
    state: str
    hours: float


@dataclass(frozen=True, slots=True)
class FlowProgress:
    """Counts and percentages of a flow; skipped steps count nowhere."""

    completed_steps: int
    total_steps: int
    overall_progress: float
    effort_progress: float
    current_step: str | None


def progress_of(steps: Sequence[StepProgress]) -> FlowProgress:
    """The progress of a flow; 0 of 0 is 100 %."""
    counted = [each for each in steps if each.state not in UNCOUNTED]
    done = [each for each in counted if each.state == states.DONE]
    return FlowProgress(
        completed_steps=len(done),
        total_steps=len(counted),
        overall_progress=_percent(len(done), len(counted)),
        effort_progress=_percent(sum(each.hours for each in done), sum(e.hours for e in counted)),
        current_step=current_step(steps),
    )


def current_step(steps: Sequence[StepProgress]) -> str | None:
    """The lowest step in progress, else ready, else waiting, blocked or failed; None at the end."""
    for wanted in CURRENT_ORDER:
        found = [each for each in steps if each.state in wanted]
        if found:
            return min(found, key=lambda each: each.order).name
    return None


def days_elapsed(start: datetime, end: datetime, zone: str) -> int:
    """Calendar days from the start to the end, in the zone."""
    return (_day(end, zone) - _day(start, zone)).days


def days_remaining(now: datetime, estimate: datetime | None) -> int | None:
    """Days to the estimate, rounded up; 0 when it is past, None where there is no estimate."""
    if estimate is None:
        return None
    return max(0, ceil((estimate - now) / timedelta(days=1)))


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole else 100.0


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
