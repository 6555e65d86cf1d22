"""Axis ticks: multiples of 1, 2 or 5 for numbers, calendar steps for days."""

from calendar import month_abbr
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor, log10

MIN_SPAN = 1e-290  # a smaller span has no step that a float can represent
_DAY_STEPS = (1, 2, 7, 14)
_YEAR_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_MONTH_STEPS = (1, 2, 3, 6, *(12 * each for each in _YEAR_STEPS))


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values from `low` to `high` to coordinates from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def numbers(values: Sequence[float], most: int = 6) -> list[float]:
    """Ticks from a round number at or below the least value (or 0) to one above the greatest.

    The step is the smallest of 1, 2 or 5 times a power of ten that needs about `most` steps. Zero
    is always on the axis: a length that does not start there misleads.
    """
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if high - low < MIN_SPAN:
        return [0.0, 1.0]
    step = _step((high - low) / max(1, most))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [float(f"{count * step:.12g}") for count in range(first, last + 1)]


def _step(least: float) -> float:
    power: float = 10.0 ** floor(log10(least))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= least * (1 - 1e-9))


def days(first: date, last: date, most: int = 8) -> list[tuple[date, str]]:
    """Calendar ticks between two days with labels; the year where it changes."""
    span = (last - first).days
    for step in _DAY_STEPS:
        if span / step < most:
            marks = [first + timedelta(days=each) for each in range(0, span + 1, step)]
            return _labelled(marks, "day")
    opening, closing = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    step = next(each for each in _MONTH_STEPS if (closing - opening) / each < most)
    whole = range(-(-opening // step) * step, closing + 1, step)
    kept = [
        mark
        for each in whole
        if each >= 12 and first <= (mark := date(each // 12, each % 12 + 1, 1)) <= last
    ]
    return _labelled(kept or [first], "year" if step >= 12 else "month")


def _labelled(marks: list[date], finest: str) -> list[tuple[date, str]]:
    if finest == "year":
        return [(each, str(each.year)) for each in marks]
    named, year = [], 0
    for each in marks:
        label = month_abbr[each.month]
        if finest == "day":
            label = f"{each.day} {label}"
        named.append((each, f"{label} {each.year}" if each.year != year else label))
        year = each.year
    return named
