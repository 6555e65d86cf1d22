"""Billing months, what a meter's days make of one, and the plans of a customer in it; pure."""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from revenue.customers.billing_interval import SIX_DECIMALS, month_of, months_before
from revenue.customers.plan_change import PlanChange
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.invoice import PlanPeriod
from revenue.pricing.decimals import invalid, without_trailing_zeros

Days = Mapping[date, Decimal]
CARRY_FORWARD_DAYS = 366  # a reading counts for so long where no later one came


class Aggregation(StrEnum):
    """How a meter's days make one month's quantity."""

    SUM = "sum"
    LAST = "last"
    MAX = "max"
    MEAN = "mean"

    @property
    def carries_forward(self) -> bool:
        """Whether a day's value stays valid until the next one."""
        return self in {Aggregation.LAST, Aggregation.MAX}


class InputGroup(StrEnum):
    """Which group of pricing inputs a meter belongs to."""

    USAGE = "usage"
    ENGAGEMENT = "engagement"
    COMPANY = "company"


class MeterReadings(NamedTuple):
    """One meter: input group, aggregation, and the total of each day that has one."""

    input_group: InputGroup
    aggregation: Aggregation
    days: Days


class Month(NamedTuple):
    """A billing month; `end` is the first day after it."""

    start: date
    end: date


def billing_month(day: date) -> Month:
    """The month that contains a day."""
    start = month_of(day)
    return Month(start, months_before(start, -1))


def complete_months(today: date, count: int) -> list[Month]:
    """The last `count` completed months, the oldest first."""
    this = month_of(today)
    return [billing_month(months_before(this, back)) for back in range(count, 0, -1)]


def today_in(zone: str, now: datetime) -> date:
    """The date of `now` in a billing time zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def tenure_months(since: date, on: date) -> int:
    """Whole months from one day to another."""
    months = (on.year - since.year) * 12 + on.month - since.month
    begun = min(since.day, monthrange(on.year, on.month)[1])
    return max(0, months - (on.day < begun))


def aggregate(aggregation: Aggregation, days: Days, span: Month) -> Decimal | None:
    """The quantity of a month; None without readings. A day without a total is ignored.

    With LAST and MAX, the last reading before the month counts too.
    """
    inside = {on: each for on, each in days.items() if span.start <= on < span.end}
    if aggregation.carries_forward:
        before = max((on for on in days if on < span.start), default=None)
        if before is not None and (span.start - before).days <= CARRY_FORWARD_DAYS:
            inside[before] = days[before]
    if not inside:
        return None
    if aggregation is Aggregation.SUM:
        return sum(inside.values(), Decimal(0))
    if aggregation is Aggregation.LAST:
        return inside[max(inside)]
    if aggregation is Aggregation.MAX:
        return max(inside.values())
    mean = sum(inside.values(), Decimal(0)) / len(inside)
    return mean.quantize(SIX_DECIMALS, ROUND_HALF_EVEN)


def situation(
    readings: Mapping[str, MeterReadings], span: Month, since: date | None
) -> PricingInputs:
    """A customer's pricing inputs in a month; `since` is their first day as a customer."""
    found: dict[InputGroup, dict[str, Decimal]] = {input_group: {} for input_group in InputGroup}
    if since is not None:
        found[InputGroup.ENGAGEMENT]["tenure_months"] = Decimal(tenure_months(since, span.start))
    for code, reading in readings.items():
        value = aggregate(reading.aggregation, reading.days, span)
        if value is not None:
            found[reading.input_group][code] = without_trailing_zeros(value)
    return PricingInputs(
        found[InputGroup.USAGE], found[InputGroup.ENGAGEMENT], found[InputGroup.COMPANY] or None
    )


def overlapping_periods(changes: Sequence[PlanChange], span: Month) -> list[list[PlanPeriod]]:
    """The plan periods of a month, in one sequence for each subscription that runs in parallel.

    The first sequence starts with the oldest subscription, and carries the usage. A subscription
    that follows another joins its sequence. Of several changes on one day, the last is valid.
    Raises InvalidValues where one names no plan.
    """
    mine = sorted(changes, key=lambda each: (each.subscription, each.on))
    grouped = [list(rows) for _, rows in groupby(mine, key=attrgetter("subscription"))]
    found: list[list[PlanPeriod]] = []
    for rows in sorted(grouped, key=lambda rows: (rows[0].on, rows[0].subscription)):
        of_one = _of_one(rows, span)
        sequence = next((sequence for sequence in found if not _overlaps(sequence, of_one)), None)
        if sequence is not None:
            sequence += of_one
        elif of_one:
            found.append(of_one)
    return [_joined(sequence) for sequence in found]


def _overlaps(sequence: Sequence[PlanPeriod], more: Sequence[PlanPeriod]) -> bool:
    return any(
        one.active_from < other.active_to and other.active_from < one.active_to
        for one in sequence
        for other in more
    )


def _of_one(changes: Sequence[PlanChange], span: Month) -> list[PlanPeriod]:
    last = {each.on: each for each in changes}  # of one day, the one recorded last
    ends = [*(each.on for each in list(last.values())[1:]), date.max]
    found = []
    for each, next_on in zip(last.values(), ends, strict=True):
        start, end = max(each.on, span.start), min(next_on, span.end)
        if not each.amount or start >= end:
            continue
        if not each.plan:
            message = f"subscription {each.subscription} names no plan, so it cannot be rated"
            raise invalid("plan", "required", message)
        found.append(PlanPeriod(each.plan, start, end))
    return found


def _joined(sequence: Iterable[PlanPeriod]) -> list[PlanPeriod]:
    """In order; adjacent periods of one plan are joined."""
    rows: list[PlanPeriod] = []
    for each in sorted(sequence, key=attrgetter("active_from")):
        last = rows[-1] if rows else None
        if last and last.plan == each.plan and last.active_to == each.active_from:
            rows[-1] = replace(last, active_to=each.active_to)
        else:
            rows.append(each)
    return rows
