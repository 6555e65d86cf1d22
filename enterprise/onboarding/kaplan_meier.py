"""The median time to an event, where some have not had it yet: Kaplan and Meier (1958). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObservedTime:
    """How long something was looked at, and whether the event ended that."""

    duration: float
    has_event: bool


def median_time(observed: Iterable[ObservedTime]) -> float | None:
    """The first time at which no more than half are still without the event; None if not reached.

    Those without it yet count as long as they were looked at, so that they do not make it shorter.
    """
    rows = list(observed)
    without = 1.0
    for duration in sorted({each.duration for each in rows if each.has_event}):
        at_risk = sum(each.duration >= duration for each in rows)
        events = sum(each.has_event and each.duration == duration for each in rows)
        without *= 1 - events / at_risk
        if without <= HALF:
            return duration
    return None


HALF = 0.5 + 1e-12
