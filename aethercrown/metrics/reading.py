"""The value of a metric over a period, and how it compares with an earlier one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from aethercrown.formatting import (
    COUNT,
    PERCENT,
    POINTS,
    RATIO,
    Number,
    Unit,
    clean,
    duration_text,
    full,
    money,
    signed,
)

NO_EARLIER = "no earlier value"
SMALLEST_CHANGE = 0.1  # percent or points, that is shown as a number


class MetricUnit(StrEnum):
    """What is counted. A percentage changes by points, everything else by percent."""

    MONEY = "money"
    COUNT = "count"
    PERCENT = "percent"
    RATIO = "ratio"
    SECONDS = "seconds"


class Good(StrEnum):
    """Which direction is good."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, or the reason why there is none; `note` says what it consists of."""

    value: Number
    reason: str = ""
    note: str = ""
    series: Sequence[tuple[date, Number]] = ()  # its course, for a sparkline

    def __post_init__(self) -> None:
        if clean(self.value) is None and not self.reason:
            raise ValueError("A reading without a value has a reason.")


@dataclass(frozen=True, slots=True)
class Change:
    """How a value compares with an earlier one; `tone` is "good", "bad" or "" apart from up."""

    text: str
    tone: str = ""

    @property
    def compares(self) -> bool:
        """Whether there is an earlier value that it refers to."""
        return bool(self.text) and self.text != NO_EARLIER


def unknown(reason: str) -> Reading:
    return Reading(None, reason)


def unit_of(unit: MetricUnit, currency: str) -> Unit:
    """How figures of a unit are written; amounts without decimals."""
    units = {
        MetricUnit.MONEY: money(currency, 0),
        MetricUnit.PERCENT: PERCENT,
        MetricUnit.RATIO: RATIO,
        MetricUnit.SECONDS: Unit(suffix="\u00a0s", digits=1),
    }
    return units.get(unit, COUNT)


def value_text(value: Number, unit: MetricUnit, currency: str) -> str:
    if unit is MetricUnit.SECONDS:
        return duration_text(None if value is None else float(value))
    return full(value, unit_of(unit, currency))


def change(now: Number, earlier: Number, unit: MetricUnit, good: Good) -> Change:
    """The change in points of a percentage, else in percent of the earlier value.

    Without both values there is none, and of nothing no percentage.
    """
    new, old = clean(now), clean(earlier)
    if new is None or old is None:
        return Change(NO_EARLIER if old is None else "")
    if new == old:
        return Change("unchanged")
    if old == 0 and unit is not MetricUnit.PERCENT:
        text = "up from 0" if new > 0 else "down from 0"
    else:
        text = _difference(new, old, unit)
    better = (new > old) == (good is Good.UP)
    return Change(text, "" if good is Good.NEITHER else "good" if better else "bad")


def _difference(new: float, old: float, unit: MetricUnit) -> str:
    """In points, or in percent of the earlier value; one too small to be shown is said in words."""
    points = unit is MetricUnit.PERCENT
    size, shown = (new - old, POINTS) if points else (100 * (new - old) / abs(old), PERCENT)
    text = signed(size, shown)
    if abs(size) < SMALLEST_CHANGE and not any(each in "123456789" for each in text):
        return f"{'up' if new > old else 'down'} by less than {full(SMALLEST_CHANGE, shown)}"
    return text
