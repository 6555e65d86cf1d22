"""A plan's charges over the quantities of its metrics."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from revenue.pricing.decimals import (
    ZERO,
    FieldProblem,
    InvalidValues,
    exact_arithmetic,
    rounded,
    snapped,
)
from revenue.pricing.price_book.version import BookCharge, BookPlan, BookVersion
from revenue.pricing.rating.blocks import Capacity
from revenue.pricing.rating.rate import PartOfPeriod, PriceLine, rate
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


@dataclass(frozen=True, slots=True)
class RatedUse:
    """The use of the days on one plan; `flows` are metrics that add up over days.

    A part of a period is rated as if its use had gone on for the whole period: what adds up is
    scaled by the days, a reading such as seats is not. The cost is billed for the days. So tiers,
    included units, fixed amounts, minima and maxima count by the days of the part.
    """

    usage: Mapping[str, Decimal]
    days: ActiveDays = WHOLE_PERIOD
    flows: Collection[str] = ()

    @property
    def is_whole(self) -> bool:
        return self.days.active == self.days.whole

    def of_whole_period(self) -> Mapping[str, Decimal]:
        """The quantities if the use had gone on for the whole period."""
        if self.is_whole:
            return self.usage
        return {
            name: snapped(each * self.days.whole / self.days.active) if name in self.flows else each
            for name, each in self.usage.items()
        }


def rate_charges(
    book: BookVersion,
    plan: BookPlan,
    use: RatedUse,
    fee: Decimal = ZERO,
    *,
    in_trial: bool = False,
) -> tuple[list[PriceLine], list[str]]:
    """Lines of every charge whose metric is given, and the paths of the metrics that are not.

    A commitment counts the plan's `fee` and all charges before it. With `in_trial` only charges
    that a trial pays are rated.
    """
    lines: list[PriceLine] = []
    missing: list[str] = []
    with exact_arithmetic():
        whole = use.of_whole_period()
    for each in plan.charges:
        if in_trial and not each.charge.in_trial:
            continue
        if needs_quantity(each) and each.metric not in use.usage:
            missing.append(f"usage_data.{each.metric}")
            continue
        billed = sum((line.amount for line in lines), fee)
        try:
            lines += _rated(each, use, whole, billed, book.digits)
        except InvalidValues as error:
            path = f"usage_data.{each.metric}"
            raise InvalidValues(
                *(FieldProblem(path, p.code, f"{p.path} {p.message}") for p in error.problems)
            ) from error
    return lines, missing


def _rated(
    each: BookCharge, use: RatedUse, whole: Mapping[str, Decimal], billed: Decimal, digits: int
) -> Iterable[PriceLine]:
    charge, given, part = each.charge, whole, None
    if use.is_whole or charge.is_whole:
        given = use.usage
    elif isinstance(charge.model, Commitment):
        charge = replace(charge, model=replace(charge.model, is_prorated=True))
    elif not isinstance(charge.model, Proration):
        part = PartOfPeriod(use.days, use.usage.get(each.metric, ZERO))
    used = usage_of(each, given, billed, use.days)
    return rate(charge, used, title=each.title, digits=digits, part=part).lines


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
        events=int(events) if events is not None and events == int(events) else events,
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
