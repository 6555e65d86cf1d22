"""From floats to money: exact to the smallest unit, inside the bounds."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import ceil, floor, inf

from aethercrown.money import exponent
from marketing.budget.planner.request import SpendLimit

Range = tuple[int, int]


def decimal_places(currency: str) -> int:
    """Decimals that an amount is given with: the currency's own, at most 2."""
    return min(exponent(currency), 2)


def inward(low: Iterable[float], high: Iterable[float], places: int, whole: int) -> list[Range]:
    """Bounds in whole units: up from the low one, down from the high one.

    Where no whole unit lies between them, the two around them.
    """
    unit, slack = 10**places, 1e-6 + 1e-12 * whole
    found = []
    for least, most in zip(low, high, strict=True):
        bottom = ceil(least * unit - slack)
        top = whole if most == inf else floor(most * unit + slack)
        found.append((bottom, top) if bottom <= top else (top, bottom))
    return found


def outward(low: Iterable[float], high: Iterable[float], places: int, whole: int) -> list[Range]:
    """The same, but down from the low one and up from the high one."""
    unit = 10**places
    return [
        (floor(least * unit), whole if most == inf else ceil(most * unit))
        for least, most in zip(low, high, strict=True)
    ]


def limits_in_units(limits: Sequence[SpendLimit], places: int, whole: int) -> list[Range]:
    """The limits that somebody set, in whole units, exactly."""
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
    """Each range cut to its outer one; the outer one where nothing is left of it."""
    cut = (
        ((max(low, least), min(high, most)), (least, most))
        for (low, high), (least, most) in zip(ranges, outer, strict=True)
    )
    return [inner if inner[0] <= inner[1] else whole for inner, whole in cut]


def round_to_units(
    whole: int, exact: Sequence[float], names: Sequence[str], choices: Sequence[Sequence[Range]]
) -> list[int]:
    """Round amounts, in units, so that they add up to `whole` and keep to their ranges.

    Each is rounded down into its range; what is left goes, a unit at a time, to those that lost
    most, then by name (largest remainder). Of the `choices` of ranges the first that leaves room
    for whole units is kept to; the last one must.
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
    """Give (or take back) an equal part of what is left, in order; returns what still is."""
    part = max(1, abs(left) // len(order))
    for at in order:
        low, high = ranges[at]
        step = min(part, high - taken[at], left) if left > 0 else -min(part, taken[at] - low, -left)
        taken[at] += step
        left -= step
    return left
