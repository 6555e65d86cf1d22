"""Price guardrails: the largest change at a renewal, and the plan's floor and ceiling."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from revenue.pricing.decimals import CONTEXT, HUNDRED, ONE
from revenue.pricing.price_book.version import BookPlan, BookVersion
from revenue.pricing.rating.rate import PriceLine

Bound = tuple[str, str, Decimal | None, Decimal | None]  # name, words, least, most


def apply_guardrails(
    book: BookVersion, plan: BookPlan, price: Decimal, previous: Decimal | None
) -> tuple[list[PriceLine], list[str]]:
    """Lines that bring a price within its guardrails, and the names of those that did.

    Floor and ceiling are applied last, so they take precedence.
    """
    lines: list[PriceLine] = []
    hits: list[str] = []
    for name, words, least, most in _bounds(book, plan, previous):
        limited = price if least is None else max(price, least)
        limited = limited if most is None else min(limited, most)
        if limited != price:
            lines.append(PriceLine("guardrail", words, ONE, limited - price, limited - price))
            hits.append(name)
            price = limited
    return lines, hits


def _bounds(book: BookVersion, plan: BookPlan, previous: Decimal | None) -> Iterator[Bound]:
    if previous is not None and book.largest_change is not None:
        step = previous * book.largest_change / HUNDRED
        unit = ONE.scaleb(-book.digits)
        least = (previous - step).quantize(unit, ROUND_CEILING, CONTEXT)
        most = (previous + step).quantize(unit, ROUND_FLOOR, CONTEXT)
        words = f"A renewal changes at most {book.largest_change:f} % of {previous:f}"
        yield "largest_change", words, least, most
    if plan.floor is not None:
        yield "floor", f"Not below the floor of {plan.floor:f}", plan.floor, None
    if plan.ceiling is not None:
        yield "ceiling", f"Not above the ceiling of {plan.ceiling:f}", None, plan.ceiling


def within_floor_and_ceiling(plan: BookPlan, price: Decimal) -> Decimal:
    """A price between the plan's floor and ceiling."""
    price = price if plan.floor is None else max(price, plan.floor)
    return price if plan.ceiling is None else min(price, plan.ceiling)
