"""What the days of a month on one plan cost beside the agreed fee.

For a list price: what the month's use, the size of the company and discounts change of it. For
every plan: its charges on metrics. Both are rated as if the use of these days had gone on for the
whole month, and billed for the days.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from aethercrown.formatting import counted
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import PlanSteps, plan_steps
from revenue.pricing.decimals import ONE, ZERO, exact_arithmetic, rounded, snapped
from revenue.pricing.price_book.version import BookVersion
from revenue.pricing.rating.metered import RatedUse, needs_quantity, rate_charges
from revenue.pricing.rating.rate import PriceLine
from revenue.pricing.rating.usage import ActiveDays

ONE_MONTH = ActiveDays.of_count(date(2000, 1, 1), date(2000, 2, 1), 31)  # a whole one


@dataclass(frozen=True, slots=True)
class PlanPeriod:
    """A plan that was in force from one day up to, and not including, another."""

    plan: str
    active_from: date
    active_to: date


@dataclass(frozen=True, slots=True)
class ListPriced:
    """Days of a month at the list price; `share` is what quantity and percentage make of it."""

    days: int
    share: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class PlanUse:
    """The days of a month on one plan, what was used on them, and their fee.

    `flows` are metrics that add up over days. `listed` are the days at the list price.
    """

    plan: str
    days: ActiveDays
    inputs: PricingInputs
    flows: frozenset[str] = frozenset()
    listed: Sequence[ListPriced] = ()
    fee: Decimal = ZERO
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class RatedPlanUse:
    lines: tuple[PriceLine, ...]
    not_given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreedPrice:
    """What is agreed of a plan's price a month: a `fee`, else the list price, which follows use.

    `share` is what quantity and percentage make of the list price, `off` what a coupon of an amount
    takes of its fee.
    """

    fee: Decimal | None = None
    share: Fraction = Fraction(1)
    off: Decimal = ZERO

    @property
    def is_list_price(self) -> bool:
        return self.fee is None and self.share == 1 and not self.off


LIST_PRICE = AgreedPrice()


def agreed_cost(
    book: BookVersion, plan: str, agreed: AgreedPrice, inputs: PricingInputs
) -> Decimal:
    """A whole month at an agreed price, with the plan's charges, as invoices have it."""
    listed: tuple[ListPriced, ...] = ()
    with exact_arithmetic():
        if agreed.fee is None:
            share = agreed.share
            base = book.plan(plan).base * share.numerator / share.denominator
            fee, listed = max(base - agreed.off, ZERO), (ListPriced(ONE_MONTH.whole, share),)
        else:
            fee = agreed.fee
        fee = rounded(fee, book.digits)
        use = PlanUse(plan, ONE_MONTH, inputs, listed=listed, fee=fee)
        return fee + sum((each.amount for each in rate_plan_use(book, use).lines), ZERO)


def rate_plan_use(book: BookVersion, use: PlanUse) -> RatedPlanUse:
    """Lines of the list price's adjustments, then of the charges.

    A charged metric that was not used counts as 0. Raises InvalidValues and NoSuchPlan.
    """
    plan = book.plan(use.plan)
    zeros = {each.metric: ZERO for each in plan.charges if needs_quantity(each)}
    rated = RatedUse({**zeros, **use.inputs.usage}, use.days, use.flows)
    lines: list[PriceLine] = []
    not_given: tuple[str, ...] = ()
    with exact_arithmetic():
        if use.listed:
            whole = replace(use.inputs, usage=rated.of_whole_period())
            priced = plan_steps(book, use.plan, whole)
            not_given = priced.not_given
            lines += _adjustments(priced, use.listed, use.days, book.digits)
        fee = sum((each.amount for each in lines), use.fee)
        charges, _ = rate_charges(book, plan, rated, fee, in_trial=use.is_trial)
    return RatedPlanUse((*lines, *charges), not_given)


def _adjustments(
    priced: PlanSteps, listed: Iterable[ListPriced], days: ActiveDays, digits: int
) -> Iterator[PriceLine]:
    """The steps of the price after its base, each the difference of two rounded values."""
    for each in listed:
        part = Fraction(each.days, days.whole) * each.share
        words = "" if each.days == days.whole else f", {each.days} of {counted(days.whole, 'day')}"
        before = None
        for kind, step, value in priced.steps:
            now = rounded(snapped(value * part.numerator / part.denominator), digits)
            if before is not None:
                yield PriceLine(kind, f"{step}{words}", ONE, now - before, now - before)
            before = now
