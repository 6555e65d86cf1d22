"""Turn readings of a counter into rises; pure.

A reading is the value so far in its period. Its rise is counted from the reading before it in the
same period; nothing is compared across the start of a period.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

PeriodOf = Callable[[datetime], date]


class Rise(NamedTuple):
    """What a reading adds; a fall inside the period is a reset, which counts from 0."""

    quantity: Decimal
    is_reset: bool = False


@dataclass(frozen=True, slots=True)
class CounterReading:
    """The value of a counter at a moment."""

    recorded_at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class LateReading:
    """The rise of a reading stored between two others, and how its successor's rise changes."""

    rise: Rise
    correction: Decimal | None = None  # of the successor; None where nothing changes
    successor: Rise | None = None  # its rise now; None where it is of another period


def rise(previous: Decimal | None, value: Decimal) -> Rise:
    """The rise over the previous reading of the period; the first of a period counts whole."""
    if previous is None:
        return Rise(value)
    return Rise(value, is_reset=True) if value < previous else Rise(value - previous)


def insert(
    previous: CounterReading | None,
    reading: CounterReading,
    successor: CounterReading | None,
    period_of: PeriodOf,
) -> LateReading:
    """The rise of `reading` between its neighbours in time, and the successor's correction."""
    period = period_of(reading.recorded_at)
    before = previous.value if previous and period_of(previous.recorded_at) == period else None
    found = rise(before, reading.value)
    if successor is None or period_of(successor.recorded_at) != period:
        return LateReading(found)
    now, then = rise(reading.value, successor.value), rise(before, successor.value)
    return LateReading(found, (now.quantity - then.quantity) or None, now)


def rises(readings: Iterable[CounterReading], period_of: PeriodOf) -> list[Rise]:
    """The rise of each reading, in the order of time."""
    found: list[Rise] = []
    before: CounterReading | None = None
    for each in sorted(readings, key=lambda reading: reading.recorded_at):
        found.append(insert(before, each, None, period_of).rise)
        before = each
    return found
