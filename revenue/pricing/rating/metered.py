"""A plan's charges over the quantities of its metrics."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from revenue.pricing.decimals import ZERO, FieldProblem, InvalidValues, rounded
from revenue.pricing.price_book.version import BookCharge, BookPlan, BookVersion
from revenue.pricing.rating.blocks import Capacity
from revenue.pricing.rating.rate import PriceLine, rate
from revenue.pricing.rating.simple import Commitment, Flat, Proration
from revenue.pricing.rating.usage import ActiveDays, Usage

_MONTH = date(2000, 1, 1), date(2000, 2, 1)
WHOLE_PERIOD = ActiveDays(*_MONTH, *_MONTH)
# Companion quantities of a metric: `api_calls_events` beside `api_calls`.
EVENTS_SUFFIX = "_events"
PRORATED_SUFFIX = "_prorated"
PREVIOUS_SUFFIX = "_previous"
PREVIOUS_BILLED_SUFFIX = "_previous_billed"
SUFFIXES = ("", EVENTS_SUFFIX, PRORATED_SUFFIX, PREVIOUS_SUFFIX, PREVIOUS_BILLED_SUFFIX)


def rate_charges(
    book: BookVersion,
    plan: BookPlan,
    usage: Mapping[str, Decimal],
    fee: Decimal = ZERO,
    days: ActiveDays = WHOLE_PERIOD,
) -> tuple[list[PriceLine], list[str]]:
    """Lines of every charge whose metric is given, and the paths of the metrics that are not.

    A commitment counts the plan's `fee` and all charges before it.
    """
    lines: list[PriceLine] = []
    missing: list[str] = []
    for each in plan.charges:
        if needs_quantity(each) and each.metric not in usage:
            missing.append(f"usage_data.{each.metric}")
            continue
        billed = sum((line.amount for line in lines), fee)
        used = usage_of(each, usage, billed, days)
        try:
            lines += rate(each.charge, used, title=each.title, digits=book.digits).lines
        except InvalidValues as error:
            path = f"usage_data.{each.metric}"
            raise InvalidValues(
                *(FieldProblem(path, p.code, f"{p.path} {p.message}") for p in error.problems)
            ) from error
    return lines, missing


def charges_total(
    book: BookVersion, plan: BookPlan, usage: Mapping[str, Decimal], fee: Decimal
) -> Decimal:
    """The sum of the lines of `rate_charges` for a whole period, without making them."""
    billed = fee
    for each in plan.charges:
        if each.metric in usage or not needs_quantity(each):
            cost = each.charge.cost(usage_of(each, usage, billed), book.digits)
            billed += rounded(cost, book.digits)
    return billed - fee


def needs_quantity(charge: BookCharge) -> bool:
    """Whether a charge depends on its metric's quantity."""
    return not isinstance(charge.charge.model, Flat | Commitment | Capacity | Proration)


def usage_of(
    charge: BookCharge,
    usage: Mapping[str, Decimal],
    billed: Decimal,
    days: ActiveDays = WHOLE_PERIOD,
) -> Usage:
    """What a charge is rated with: its metric and the metric's companion quantities."""
    metric = charge.metric
    events = usage.get(f"{metric}{EVENTS_SUFFIX}")
    return Usage(
        quantity=usage.get(metric, ZERO),
        prorated_quantity=usage.get(f"{metric}{PRORATED_SUFFIX}"),
        events=None if events is None else int(events),
        units=usage,
        previous_quantity=usage.get(f"{metric}{PREVIOUS_SUFFIX}"),
        previous_billed=usage.get(f"{metric}{PREVIOUS_BILLED_SUFFIX}", ZERO),
        usage_amount=billed,
        days=days,
    )


def metrics_of(charge: BookCharge) -> set[str]:
    """Every name in `usage_data` that a charge can read."""
    names = {f"{charge.metric}{suffix}" for suffix in SUFFIXES}
    model = charge.charge.model
    if isinstance(model, Capacity):
        names.update(metric for limits, _ in model.tiers for metric in limits)
    return names
