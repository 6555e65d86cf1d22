"""Billing months, and the quantity that a meter's days make of one; pure."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from revenue.customers.billing_interval import SIX_DECIMALS, month_of, months_before
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.decimals import without_trailing_zeros

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
        """Whether a day's value stays valid until the next one: a highest value does not."""
        return self is Aggregation.LAST


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


def aggregate(
    aggregation: Aggregation, days: Days, span: Month, held_from: date = date.min
) -> Decimal | None:
    """The quantity of a span; None without readings. A day without a total is ignored.

    With LAST the last reading before the span counts too, unless it is older than `held_from`: a
    reading is not held across a gap in which no plan was in force. SUM, MAX and MEAN are of the
    days of the span alone, so that what one month was billed for is not billed again in the next.
    """
    return aggregate_spans(aggregation, days, [HeldSpan(span.start, span.end, held_from)])


class HeldSpan(NamedTuple):
    """Days from `start` to before `end`; readings since `held_from` are still valid in it."""

    start: date
    end: date
    held_from: date


def aggregate_spans(
    aggregation: Aggregation, days: Days, spans: Sequence[HeldSpan]
) -> Decimal | None:
    """As `aggregate`, of several spans in the order of days."""
    found: dict[date, Decimal] = {}
    for span in spans:
        if aggregation.carries_forward:
            earliest = span.start - timedelta(days=CARRY_FORWARD_DAYS)
            first = max(span.held_from, earliest) if span.held_from > date.min else earliest
            before = max((on for on in days if first <= on < span.start), default=None)
            if before is not None:
                found[before] = days[before]
        found |= {on: each for on, each in days.items() if span.start <= on < span.end}
    if not found:
        return None
    if aggregation is Aggregation.SUM:
        return sum(found.values(), Decimal(0))
    if aggregation is Aggregation.LAST:
        return found[max(found)]
    if aggregation is Aggregation.MAX:
        return max(found.values())
    mean = sum(found.values(), Decimal(0)) / len(found)
    return mean.quantize(SIX_DECIMALS, ROUND_HALF_EVEN)


def situation(
    readings: Mapping[str, MeterReadings], span: Month, since: date | None
) -> PricingInputs:
    """A customer's pricing inputs in a month; `since` is their first day as a customer."""
    return situation_of_spans(readings, [HeldSpan(span.start, span.end, date.min)], span, since)


def situation_of_spans(
    readings: Mapping[str, MeterReadings],
    spans: Sequence[HeldSpan],
    month: Month,
    since: date | None,
) -> PricingInputs:
    """The inputs of some days of a month."""
    found: dict[InputGroup, dict[str, Decimal]] = {input_group: {} for input_group in InputGroup}
    if since is not None:
        found[InputGroup.ENGAGEMENT]["tenure_months"] = Decimal(tenure_months(since, month.start))
    for code, reading in readings.items():
        value = aggregate_spans(reading.aggregation, reading.days, spans)
        if value is not None:
            found[reading.input_group][code] = without_trailing_zeros(value)
    return PricingInputs(
        found[InputGroup.USAGE], found[InputGroup.ENGAGEMENT], found[InputGroup.COMPANY] or None
    )
