"""Billing months, and what the days of one come to; pure."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from revenue.mrr.billing_interval import FINEST, month_of, months_before
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.decimals import without_trailing_zeros

Days = Mapping[date, Decimal]
HELD = 366  # days for which a reading holds where no later one came


class Combine(StrEnum):
    """How the days of a month make one quantity."""

    SUM = "sum"
    LAST = "last"
    MAX = "max"
    MEAN = "mean"

    @property
    def holds(self) -> bool:
        """Whether a day's value stays until the next one."""
        return self in {Combine.LAST, Combine.MAX}


class Part(StrEnum):
    """Which part of a price's question a meter belongs to."""

    USAGE = "usage"
    ENGAGEMENT = "engagement"
    COMPANY = "company"


class Reading(NamedTuple):
    """One meter: its part and rule, and the total of each day that has one."""

    part: Part
    combine: Combine
    days: Days


class Month(NamedTuple):
    """A billing month; `end` is the first day after it."""

    start: date
    end: date


def month(day: date) -> Month:
    """The month that holds a day."""
    start = month_of(day)
    return Month(start, months_before(start, -1))


def complete(today: date, count: int) -> list[Month]:
    """The last `count` months that are over, the oldest first."""
    this = month_of(today)
    return [month(months_before(this, back)) for back in range(count, 0, -1)]


def today_in(zone: str, now: datetime) -> date:
    """The day that `now` is in a billing time zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def tenure(since: date, on: date) -> int:
    """Whole months from one day to another; 0 where it is not a month yet."""
    months = (on.year - since.year) * 12 + on.month - since.month
    begun = min(since.day, monthrange(on.year, on.month)[1])
    return max(0, months - (on.day < begun))


def combined(combine: Combine, days: Days, span: Month) -> Decimal | None:
    """The quantity of a month; None where nothing is known. A day without a total counts nothing.

    A reading that holds comes into the month with the last one before it.
    """
    inside = {on: each for on, each in days.items() if span.start <= on < span.end}
    if combine.holds:
        before = max((on for on in days if on < span.start), default=None)
        if before is not None and (span.start - before).days <= HELD:
            inside[before] = days[before]
    if not inside:
        return None
    if combine is Combine.SUM:
        return sum(inside.values(), Decimal(0))
    if combine is Combine.LAST:
        return inside[max(inside)]
    if combine is Combine.MAX:
        return max(inside.values())
    mean = sum(inside.values(), Decimal(0)) / len(inside)
    return mean.quantize(FINEST, ROUND_HALF_EVEN)


def situation(readings: Mapping[str, Reading], span: Month, since: date | None) -> PricingInputs:
    """What is known of a customer in a month; `since` is the first day as a customer."""
    found: dict[Part, dict[str, Decimal]] = {part: {} for part in Part}
    if since is not None:
        found[Part.ENGAGEMENT]["tenure_months"] = Decimal(tenure(since, span.start))
    for code, reading in readings.items():
        value = combined(reading.combine, reading.days, span)
        if value is not None:
            found[reading.part][code] = without_trailing_zeros(value)
    return PricingInputs(found[Part.USAGE], found[Part.ENGAGEMENT], found[Part.COMPANY] or None)


def is_used(readings: Iterable[Reading], span: Month) -> bool:
    """Whether any meter of use says something of a month."""
    return any(
        each.part is Part.USAGE and combined(each.combine, each.days, span) is not None
        for each in readings
    )
