"""The invoice of a period. Previews use the same function, so they cannot differ.

The plan's own price is for the whole period; a part of it is billed for the active days, charge
and credit alike. Metered charges are for what was used and are never prorated; a quantity of a
metric that is charged and was not used counts as 0. Charges for days are prorated by the days on
any plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from aethercrown.formatting import counted
from revenue.pricing import decimals
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.decimals import ONE, ZERO, FieldProblem, InvalidValues, rounded
from revenue.pricing.price_book.version import BookVersion
from revenue.pricing.rating.metered import needs_quantity, rate_charges
from revenue.pricing.rating.rate import PriceLine
from revenue.pricing.rating.simple import prorated
from revenue.pricing.rating.usage import ActiveDays


@dataclass(frozen=True, slots=True)
class PlanPeriod:
    """A plan that was active from one day up to, and not including, another."""

    plan: str
    active_from: date
    active_to: date


@dataclass(frozen=True, slots=True)
class CalculatedInvoice:
    """Lines in one currency that add up to the total."""

    lines: tuple[PriceLine, ...]
    not_given: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        with decimals.exact_arithmetic():
            return sum((each.amount for each in self.lines), ZERO)


def calculate_invoice(
    book: BookVersion,
    plan_periods: Sequence[PlanPeriod],
    inputs: PricingInputs,
    period_start: date,
    period_end: date,
) -> CalculatedInvoice:
    """Bill a period; charges are those of the last plan. Raises InvalidValues and NoSuchPlan."""
    _check(plan_periods, period_start, period_end)
    plan = book.plan(plan_periods[-1].plan)
    zeros = {each.metric: ZERO for each in plan.charges if needs_quantity(each)}
    given = replace(inputs, usage={**zeros, **inputs.usage})
    active = sum((each.active_to - each.active_from for each in plan_periods), timedelta())
    days = ActiveDays(period_start, period_end, period_start, period_start + active)
    with decimals.exact_arithmetic():
        lines, not_given = _plan_lines(book, plan_periods, given, period_start, period_end)
        fee = sum((each.amount for each in lines), ZERO)
        charges, _ = rate_charges(book, plan, given.usage, fee, days)
    return CalculatedInvoice((*lines, *charges), not_given)


def additional_plan_fees(
    book: BookVersion,
    plan_periods: Sequence[PlanPeriod],
    inputs: PricingInputs,
    period_start: date,
    period_end: date,
) -> tuple[PriceLine, ...]:
    """The plan prices of a further subscription; its use is billed with the first one."""
    _check(plan_periods, period_start, period_end)
    with decimals.exact_arithmetic():
        given = replace(inputs, usage={})
        lines, _ = _plan_lines(book, plan_periods, given, period_start, period_end)
    return tuple(replace(each, description=f"Beside it: {each.description}") for each in lines)


def _plan_lines(
    book: BookVersion,
    plan_periods: Sequence[PlanPeriod],
    inputs: PricingInputs,
    start: date,
    end: date,
) -> tuple[list[PriceLine], tuple[str, ...]]:
    """The plans' own lines, less the days on which each was not active; and metrics not given."""
    lines: list[PriceLine] = []
    not_given: dict[str, None] = {}
    for each in plan_periods:
        days = ActiveDays(start, end, each.active_from, each.active_to)
        price = calculate_price(book, each.plan, inputs)
        lines += price.plan_lines
        if days.active != days.whole:
            off = rounded(prorated(price.recurring, days), book.digits) - price.recurring
            words = f"{days.active} of {counted(days.whole, 'day')} of {price.plan}"
            lines.append(PriceLine("proration", words, ONE, off, off))
        not_given |= dict.fromkeys(price.not_given)
    return lines, tuple(not_given)


def _check(plan_periods: Sequence[PlanPeriod], start: date, end: date) -> None:
    problems = []
    if end <= start:
        message = f"must be after period_start: {start} to {end}"
        problems.append(FieldProblem("period_end", "crossed", message))
    if not plan_periods:
        problems.append(FieldProblem("plan_periods", "empty", "an invoice needs a plan"))
    before = start
    for place, each in enumerate(plan_periods):
        if each.active_to < each.active_from:
            message = f"ends before it starts: {each.active_from} to {each.active_to}"
            problems.append(FieldProblem(f"plan_periods[{place}]", "crossed", message))
        elif each.active_from < before or each.active_to > end:
            message = f"must lie in {before} to {end}: {each.active_from} to {each.active_to}"
            problems.append(FieldProblem(f"plan_periods[{place}]", "out_of_range", message))
        before = max(before, each.active_to)
    if problems:
        raise InvalidValues(*problems)
