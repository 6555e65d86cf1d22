"""Converting a price per week, quarter or year to one per month, and arithmetic of months; pure."""

from calendar import monthrange
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

SIX_DECIMALS = Decimal("0.000001")  # MRR is stored so and rounded where it is shown
MONTHS = {  # months in each interval
    "week": Fraction(12, 52),
    "month": Fraction(1),
    "quarter": Fraction(3),
    "year": Fraction(12),
}


def monthly(amount: Decimal, every: str) -> Decimal:
    """The price of one interval as a monthly amount, rounded half-even to six decimals."""
    exact = Fraction(amount) / MONTHS[every]
    millionths = round(exact * 1_000_000)  # half to even, as Python rounds fractions
    return Decimal(millionths).scaleb(-6)


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
