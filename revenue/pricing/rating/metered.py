"""A plan's metered charges over quantities by metric."""

from collections.abc import Mapping
from decimal import Decimal

from revenue.pricing.decimals import ZERO, FieldProblem, InvalidValues, rounded
from revenue.pricing.price_book.version import BookCharge, BookPlan, BookVersion
from revenue.pricing.rating.blocks import Capacity
from revenue.pricing.rating.commitment import Commitment
from revenue.pricing.rating.rate import PriceLine, rate
from revenue.pricing.rating.simple import Flat
from revenue.pricing.rating.usage import Usage

EVENTS_SUFFIX = "_events"  # the number of a metric's events, for fees on each


def rate_charges(
    book: BookVersion, plan: BookPlan, usage: Mapping[str, Decimal], fee: Decimal = ZERO
) -> tuple[list[PriceLine], list[str]]:
    """Lines of every charge whose metric is given; and the metrics that were not.

    A commitment counts the plan's `fee` and all charges before it.
    """
    lines: list[PriceLine] = []
    missing: list[str] = []
    for each in plan.charges:
        if needs_quantity(each) and each.metric not in usage:
            missing.append(f"usage_data.{each.metric}")
            continue
        try:
            billed = sum((line.amount for line in lines), fee)
            found = rate(
                each.charge, usage_of(each, usage, billed), title=each.title, digits=book.digits
            )
        except InvalidValues as error:
            path = f"usage_data.{each.metric}"
            raise InvalidValues(
                *(FieldProblem(path, p.code, f"{p.path} {p.message}") for p in error.problems)
            ) from error
        lines += found.lines
    return lines, missing


def charges_total(
    book: BookVersion, plan: BookPlan, usage: Mapping[str, Decimal], fee: Decimal
) -> Decimal:
    """The sum of `metered`'s lines without making them."""
    billed = fee
    for each in plan.charges:
        if each.metric in usage or not needs_quantity(each):
            cost = each.charge.cost(usage_of(each, usage, billed), book.digits)
            billed += rounded(cost, book.digits)
    return billed - fee


def needs_quantity(charge: BookCharge) -> bool:
    """Whether a charge depends on its metric's quantity."""
    return not isinstance(charge.charge.model, Flat | Commitment | Capacity)


def usage_of(charge: BookCharge, usage: Mapping[str, Decimal], billed: Decimal) -> Usage:
    events = usage.get(f"{charge.metric}{EVENTS_SUFFIX}")
    return Usage(
        quantity=usage.get(charge.metric, ZERO),
        events=None if events is None else int(events),
        units=usage,
        usage_amount=billed,
    )
