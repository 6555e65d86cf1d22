"""Round amounts to the smallest unit of a currency, within bounds, with an exact sum."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from math import ceil, floor, inf

from aethercrown.currencies import exponent
from marketing.budget.planner.request import SpendLimit

Range = tuple[int, int]


def decimal_places(currency: str) -> int:
    """Decimals of an amount: the currency's own, at most 2."""
    return min(exponent(currency), 2)


def weekly_amount(amount: Decimal, period: str, currency: str) -> Decimal:
    """A budget a week or a month as one a week: a year has 12 months and 52 weeks."""
    if period == "week":
        return amount
    return (amount * 12 / 52).quantize(Decimal(1).scaleb(-decimal_places(currency)), ROUND_HALF_UP)


def inward(low: Iterable[float], high: Iterable[float], places: int, whole: int) -> list[Range]:
    """Bounds in whole units, low ones rounded up and high ones down.

    Where no whole unit lies between them, the two units around them.
    """
    unit, slack = 10**places, 1e-6 + 1e-12 * whole
    found = []
    for least, most in zip(low, high, strict=True):
        bottom = ceil(least * unit - slack)
        top = whole if most == inf else floor(most * unit + slack)
        found.append((bottom, top) if bottom <= top else (top, bottom))
    return found


def outward(low: Iterable[float], high: Iterable[float], places: int, whole: int) -> list[Range]:
    """Bounds in whole units, low ones rounded down and high ones up."""
    unit = 10**places
    return [
        (floor(least * unit), whole if most == inf else ceil(most * unit))
        for least, most in zip(low, high, strict=True)
    ]


def limits_in_units(limits: Sequence[SpendLimit], places: int, whole: int) -> list[Range]:
    """Spend limits in whole units, exactly."""
    return [
        (
            int((each.min or Decimal(0)).scaleb(places).to_integral_value(ROUND_CEILING)),
            whole
            if each.max is None
            else int(each.max.scaleb(places).to_integral_value(ROUND_FLOOR)),
        )
        for each in limits
    ]


def clip_ranges(ranges: Iterable[Range], outer: Iterable[Range]) -> list[Range]:
    """Each range cut to its outer range; the outer range where the two do not overlap."""
    cut = (
        ((max(low, least), min(high, most)), (least, most))
        for (low, high), (least, most) in zip(ranges, outer, strict=True)
    )
    return [inner if inner[0] <= inner[1] else whole for inner, whole in cut]


def round_to_units(
    whole: int, exact: Sequence[float], names: Sequence[str], choices: Sequence[Sequence[Range]]
) -> list[int]:
    """Round amounts, in units, so that they sum to `whole` and stay in their ranges.

    Amounts are rounded down; the units left go to the largest remainders, then by name. Of
    `choices`, the first set of ranges that can hold `whole` is used, or else the last one.
    """
    ranges = next((each for each in choices if _fits(each, whole)), choices[-1])
    taken = [
        min(max(floor(want), low), high) for want, (low, high) in zip(exact, ranges, strict=True)
    ]
    order = sorted(range(len(exact)), key=lambda at: (taken[at] - exact[at], names[at]))
    left = whole - sum(taken)
    while left:
        left = _distribute(left, taken, ranges, order if left > 0 else order[::-1])
    return taken


def _fits(ranges: Sequence[Range], whole: int) -> bool:
    ordered = all(low <= high for low, high in ranges)
    return ordered and sum(low for low, _ in ranges) <= whole <= sum(high for _, high in ranges)


def _distribute(left: int, taken: list[int], ranges: Sequence[Range], order: Sequence[int]) -> int:
    """Add (or take away) an equal part of what is left, in order; returns the rest."""
    part = max(1, abs(left) // len(order))
    for at in order:
        low, high = ranges[at]
        step = min(part, high - taken[at], left) if left > 0 else -min(part, taken[at] - low, -left)
        taken[at] += step
        left -= step
    return left
