"""Billing intervals: the monthly amount of a price, the intervals of a calendar, months; pure."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

SIX_DECIMALS = Decimal("0.000001")  # MRR is stored so and rounded where it is shown
MONTHS = {  # months in each interval
    "week": Fraction(12, 52),
    "month": Fraction(1),
    "quarter": Fraction(3),
    "half_year": Fraction(6),
    "year": Fraction(12),
    "two_years": Fraction(24),
    "three_years": Fraction(36),
}
WEEK = timedelta(days=7)


def monthly(amount: Decimal, every: str) -> Decimal:
    """The price of one interval as a monthly amount, rounded half-even to six decimals."""
    exact = Fraction(amount) / MONTHS[every]
    millionths = round(exact * 1_000_000)  # half to even, as Python rounds fractions
    return Decimal(millionths).scaleb(-6)


def per_interval(amount: Decimal, every: str) -> Decimal:
    """A monthly amount as the price of one interval, rounded half-even to six decimals."""
    millionths = round(Fraction(amount) * MONTHS[every] * 1_000_000)
    return Decimal(millionths).scaleb(-6)


def interval_of(day: date, anchor: date, every: str) -> tuple[date, date]:
    """The billing interval that contains a day: its first day, and the first day after it.

    Months are those of the calendar; the others are counted from `anchor`, which is not after the
    day.
    """
    if every == "month":
        start = month_of(day)
        return start, months_before(start, -1)
    if every == "week":
        start = anchor + (day - anchor) // WEEK * WEEK
        return start, start + WEEK
    length = int(MONTHS[every])
    passed = (day.year - anchor.year) * 12 + day.month - anchor.month
    count = passed // length
    if months_before(anchor, -count * length) > day:
        count -= 1
    return months_before(anchor, -count * length), months_before(anchor, -(count + 1) * length)


def rounded(amount: Decimal) -> Decimal:
    """Rounded half-even to six decimals."""
    return amount.quantize(SIX_DECIMALS, ROUND_HALF_EVEN)


def months_before(day: date, count: int) -> date:
    """The same day of the month `count` months ago, or the last day where that month is shorter."""
    months = day.year * 12 + day.month - 1 - count
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def is_complete(month: date, last: date) -> bool:
    """Whether the month that begins on that day is over at the end of the day `last`."""
    return months_before(month, -1) <= last + timedelta(days=1)
