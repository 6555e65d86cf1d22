"""A plan's metered charges over quantities by metric."""

from collections.abc import Mapping
from decimal import Decimal

from revenue.pricing.book import Book, Metered, Plan
from revenue.pricing.decimals import ZERO, Problem, Wrong, rounded
from revenue.pricing.rating.blocks import Capacity
from revenue.pricing.rating.commitment import Commitment
from revenue.pricing.rating.rate import Line, rate
from revenue.pricing.rating.simple import Flat
from revenue.pricing.rating.usage import Use

EVENTS = "_events"  # the number of a metric's events, for fees on each


def metered(
    book: Book, plan: Plan, usage: Mapping[str, Decimal], fee: Decimal = ZERO
) -> tuple[list[Line], list[str]]:
    """Lines of every charge whose metric is given; and the metrics that were not.

    A commitment counts the plan's `fee` and all charges before it.
    """
    lines: list[Line] = []
    missing: list[str] = []
    for each in plan.charges:
        if needs(each) and each.metric not in usage:
            missing.append(f"usage_data.{each.metric}")
            continue
        try:
            billed = sum((line.amount for line in lines), fee)
            found = rate(
                each.charge, use(each, usage, billed), title=each.title, digits=book.digits
            )
        except Wrong as error:
            path = f"usage_data.{each.metric}"
            raise Wrong(
                *(Problem(path, p.code, f"{p.path} {p.message}") for p in error.problems)
            ) from error
        lines += found.lines
    return lines, missing


def charged(book: Book, plan: Plan, usage: Mapping[str, Decimal], fee: Decimal) -> Decimal:
    """The sum of `metered`'s lines without making them."""
    billed = fee
    for each in plan.charges:
        if each.metric in usage or not needs(each):
            cost = each.charge.cost(use(each, usage, billed), book.digits)
            billed += rounded(cost, book.digits)
    return billed - fee


def needs(charge: Metered) -> bool:
    """Whether a charge depends on its metric's quantity."""
    return not isinstance(charge.charge.model, Flat | Commitment | Capacity)


def use(charge: Metered, usage: Mapping[str, Decimal], billed: Decimal) -> Use:
    events = usage.get(f"{charge.metric}{EVENTS}")
    return Use(
        quantity=usage.get(charge.metric, ZERO),
        events=None if events is None else int(events),
        units=usage,
        usage_amount=billed,
    )
