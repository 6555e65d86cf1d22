"""A period's invoice, and its preview: one function, so that they cannot differ.

The plan's own price is for the whole period; a part of it is billed for the active days, charge
and credit alike. Metered charges are for what was used and are never prorated; a quantity of a
metric that is charged and was not used is 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import CalculatedPrice, calculate_price
from revenue.pricing.decimals import (
    ONE,
    ZERO,
    FieldProblem,
    InvalidValues,
    exact_arithmetic,
    rounded,
)
from revenue.pricing.price_book.version import BookVersion
from revenue.pricing.rating.commitment import prorated
from revenue.pricing.rating.metered import needs_quantity, rate_charges
from revenue.pricing.rating.rate import PriceLine
from revenue.pricing.rating.usage import ActiveDays


@dataclass(frozen=True, slots=True)
class PlanPeriod:
    """One plan for some days of the period; the last day is not counted."""

    plan: str
    active_from: date
    active_to: date


@dataclass(frozen=True, slots=True)
class CalculatedInvoice:
    """Lines in one currency that add up to the total."""

    currency: str
    period_start: date
    period_end: date
    lines: tuple[PriceLine, ...]
    not_given: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        with exact_arithmetic():
            return sum((each.amount for each in self.lines), ZERO)


def calculate_invoice(
    book: BookVersion,
    stays: Sequence[PlanPeriod],
    situation: PricingInputs,
    period_start: date,
    period_end: date,
) -> CalculatedInvoice:
    """Bill a period; metered charges are those of the last plan. Raises Wrong and NoSuchPlan."""
    _check(stays, period_start, period_end)
    usage = _whole(book, stays[-1].plan, situation.usage)
    told = replace(situation, usage=usage)
    lines: list[PriceLine] = []
    not_given: dict[str, None] = {}
    with exact_arithmetic():
        for each in stays:
            days = ActiveDays(period_start, period_end, each.active_from, each.active_to)
            price = calculate_price(book, each.plan, told)
            lines += _recurring(price, days, book.digits)
            not_given |= dict.fromkeys(price.not_given)
        fee = sum((each.amount for each in lines), ZERO)
        charges, _ = rate_charges(book, book.plan(stays[-1].plan), usage, fee)
    return CalculatedInvoice(
        book.currency, period_start, period_end, (*lines, *charges), tuple(not_given)
    )


def additional_plan_fees(
    book: BookVersion,
    stays: Sequence[PlanPeriod],
    situation: PricingInputs,
    period_start: date,
    period_end: date,
) -> tuple[PriceLine, ...]:
    """The plans' own prices of a further subscription, without use: another one carries that."""
    _check(stays, period_start, period_end)
    told = replace(situation, usage={})
    lines: list[PriceLine] = []
    with exact_arithmetic():
        for each in stays:
            days = ActiveDays(period_start, period_end, each.active_from, each.active_to)
            lines += _recurring(calculate_price(book, each.plan, told), days, book.digits)
    return tuple(replace(each, description=f"Beside it: {each.description}") for each in lines)


def _recurring(price: CalculatedPrice, days: ActiveDays, digits: int) -> list[PriceLine]:
    """The plan's own lines, and what a part of the period takes off them."""
    if days.active == days.whole:
        return list(price.own)
    due = rounded(prorated(price.recurring, days), digits)
    off = due - price.recurring
    words = f"{days.active} of {days.whole} days of {price.plan}"
    return [*price.own, PriceLine("proration", words, ONE, off, off)]


def _whole(book: BookVersion, code: str, usage: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The use, with 0 for every metric that is charged and was not used."""
    zeros = {each.metric: ZERO for each in book.plan(code).charges if needs_quantity(each)}
    return {**zeros, **usage}


def _check(stays: Sequence[PlanPeriod], start: date, end: date) -> None:
    problems = []
    if end <= start:
        message = f"must be after period_start: {start} to {end}"
        problems.append(FieldProblem("period_end", "crossed", message))
    if not stays:
        problems.append(FieldProblem("stays", "empty", "an invoice needs a plan"))
    before = start
    for place, each in enumerate(stays):
        if each.active_to < each.active_from:
            message = f"ends before it starts: {each.active_from} to {each.active_to}"
            problems.append(FieldProblem(f"stays[{place}]", "crossed", message))
        elif each.active_from < before or each.active_to > end:
            message = f"must lie in {before} to {end}: {each.active_from} to {each.active_to}"
            problems.append(FieldProblem(f"stays[{place}]", "out_of_range", message))
        before = max(before, each.active_to)
    if problems:
        raise InvalidValues(*problems)
