"""A plan's price by the book's factors: base x usage x company, less the discounts.

The running value stays exact and is rounded after each step; breakdown and lines are the
differences of neighbours, so both add up to the final price.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.price_guardrails import apply_guardrails, within_floor_and_ceiling
from revenue.pricing.decimals import HUNDRED, ONE, ZERO, exact_arithmetic, rounded
from revenue.pricing.price_book import version as books
from revenue.pricing.price_book.validation import cliff_warnings
from revenue.pricing.price_book.version import (
    COMPANY,
    ENGAGEMENT,
    USAGE,
    BookPlan,
    BookVersion,
    FactorTable,
)
from revenue.pricing.rating.metered import charges_total, rate_charges
from revenue.pricing.rating.rate import PriceLine


@dataclass(frozen=True, slots=True)
class CalculatedPrice:
    """A quote's figures. `recurring` is the plan's own part, without metered charges."""

    plan: str
    currency: str
    base_price: Decimal
    adjusted_price: Decimal
    discount_amount: Decimal
    recurring: Decimal
    final_price: Decimal
    breakdown: Mapping[str, Decimal]
    own: tuple[PriceLine, ...]
    charges: tuple[PriceLine, ...]
    usage_multiplier: Decimal = ONE
    enterprise_multiplier: Decimal = ONE
    engagement_discount_percent: Decimal = ZERO
    not_given: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[PriceLine, ...]:
        return (*self.own, *self.charges)


def calculate_price(
    book: BookVersion,
    code: str,
    situation: PricingInputs,
    *,
    previous: Decimal | None = None,
    discount: Decimal | None = None,
) -> CalculatedPrice:
    """Price a plan; `previous` is the price before a renewal, `discount` replaces the earned one.

    Raises book.NoSuchPlan, and exact.Wrong where a metered charge cannot be worked out.
    """
    plan = book.plan(code)
    with exact_arithmetic():
        factors = _factors(book, plan, situation)
        earned = sum((value for _, _, value in factors[ENGAGEMENT]), ZERO)
        asked = earned if discount is None else discount
        percent = min(asked, book.largest_discount)
        running = _running(plan, factors, percent, situation)
        reached = rounded(running[-1][2], book.digits)
        kept, hits = apply_guardrails(book, plan, reached, previous)
        fee = reached + sum((each.amount for each in kept), ZERO)
        charges, missing = rate_charges(book, plan, situation.usage, fee)
        figures = _figures(book, plan, running, kept, charges)
        warnings = cliff_warnings(plan, situation.usage)
    return CalculatedPrice(
        **figures,
        usage_multiplier=books.product(value for _, _, value in factors[USAGE]),
        enterprise_multiplier=books.product(value for _, _, value in factors[COMPANY]),
        engagement_discount_percent=percent,
        not_given=(*_not_given(book, plan, situation), *missing),
        ignored=_ignored(book, plan, situation),
        warnings=warnings,
        hits=(*(["largest_discount"] if asked > percent else []), *hits),
    )


def _figures(
    book: BookVersion,
    plan: BookPlan,
    running: "RunningValues",
    kept: Sequence[PriceLine],
    charges: Sequence[PriceLine],
) -> dict[str, Any]:
    """The sums that lines and breakdown make; the lines of charges come last."""
    lines = list(_lines(running, book.digits))
    rows = dict.fromkeys(BREAKDOWN, ZERO)
    for part, each in lines:
        rows[part] += each.amount
    rows["guardrails"] = sum((each.amount for each in kept), ZERO)
    recurring = sum(rows.values(), ZERO)
    rows["charges"] = sum((each.amount for each in charges), ZERO)
    return {
        "plan": plan.code,
        "currency": book.currency,
        "base_price": rows["base"],
        "adjusted_price": rows["base"] + rows["usage_adjustment"] + rows["enterprise_adjustment"],
        "discount_amount": -rows["engagement_discount"] + ZERO,
        "recurring": recurring,
        "final_price": recurring + rows["charges"],
        "breakdown": rows,
        "own": (*(each for _, each in lines), *kept),
        "charges": tuple(charges),
    }


BREAKDOWN = ("base", "usage_adjustment", "enterprise_adjustment", "engagement_discount")
AppliedFactor = tuple[str, Decimal, Decimal]  # metric, quantity, value
RunningValues = list[tuple[str, str, Decimal, Decimal | None]]  # part, words, running value, factor


def _factors(
    book: BookVersion, plan: BookPlan, situation: PricingInputs
) -> dict[str, list[AppliedFactor]]:
    """What each metric that is given brings, in the order of their names."""
    return {
        USAGE: _found(book.ladders(USAGE), situation.usage, ONE),
        COMPANY: _found(book.ladders(COMPANY, plan.code), situation.company or {}, ONE),
        ENGAGEMENT: _found(book.ladders(ENGAGEMENT), situation.engagement, ZERO),
    }


def _found(
    ladders: Mapping[str, FactorTable], given: Mapping[str, Decimal], none: Decimal
) -> list[AppliedFactor]:
    values = (
        (metric, given[metric], ladders[metric].value(given[metric], none))
        for metric in sorted(ladders)
        if metric in given
    )
    return [each for each in values if each[2] != none]


def _running(
    plan: BookPlan,
    factors: Mapping[str, list[AppliedFactor]],
    percent: Decimal,
    situation: PricingInputs,
) -> RunningValues:
    value = plan.base
    found: RunningValues = [("base", f"{plan.name}, a month", value, None)]
    for kind, part in ((USAGE, "usage_adjustment"), (COMPANY, "enterprise_adjustment")):
        for metric, quantity, factor in factors[kind]:
            value *= factor
            words = f"{metric} of {quantity:f}: x {factor:f}"
            found.append((part, words, value, factor))
    if situation.company is not None and not factors[COMPANY]:
        words = f"The company's size does not change the price of {plan.name}"
        found.append(("enterprise_adjustment", words, value, ONE))
    if percent:
        value *= ONE - percent / HUNDRED
        parts = ", ".join(f"{metric} {each:f} %" for metric, _, each in factors[ENGAGEMENT])
        words = f"Discount {percent:f} %" + (f" ({parts})" if parts else "")
        found.append(("engagement_discount", words, value, None))
    return found


def _lines(running: RunningValues, digits: int) -> Iterator[tuple[str, PriceLine]]:
    """A line a step: the difference of two rounded running values."""
    before = ZERO
    for part, words, value, _ in running:
        now = rounded(value, digits)
        yield part, PriceLine(part, words, ONE, now - before, now - before)
        before = now


def _not_given(book: BookVersion, plan: BookPlan, situation: PricingInputs) -> Iterator[str]:
    known = [
        ("usage_data", book.ladders(USAGE), situation.usage),
        ("engagement_data", book.ladders(ENGAGEMENT), situation.engagement),
        ("company_data", book.ladders(COMPANY, plan.code), situation.company or {}),
    ]
    for part, ladders, given in known:
        yield from (f"{part}.{metric}" for metric in sorted(ladders) if metric not in given)


def _ignored(book: BookVersion, plan: BookPlan, situation: PricingInputs) -> tuple[str, ...]:
    """What was given and changes nothing, because no row knows it."""
    charged = {each.metric for each in plan.charges}
    parts = [
        ("usage_data", situation.usage, {*book.ladders(USAGE), *charged}),
        ("engagement_data", situation.engagement, set(book.ladders(ENGAGEMENT))),
        ("company_data", situation.company or {}, set(book.ladders(COMPANY, plan.code))),
    ]
    return tuple(
        f"{part}.{metric}"
        for part, given, known in parts
        for metric in sorted(given)
        if metric not in known
    )


def final_price(book: BookVersion, code: str, situation: PricingInputs) -> Decimal:
    """The final price alone, as `priced` gives it, without its lines: for many at once.

    Runs under exact.CONTEXT, which the caller opens.
    """
    plan = book.plan(code)
    value = plan.base
    for _, _, factor in _found(book.ladders(USAGE), situation.usage, ONE):
        value *= factor
    if situation.company:
        for _, _, factor in _found(book.ladders(COMPANY, code), situation.company, ONE):
            value *= factor
    if situation.engagement:
        earned = _found(book.ladders(ENGAGEMENT), situation.engagement, ZERO)
        percent = min(sum((each for _, _, each in earned), ZERO), book.largest_discount)
        value *= ONE - percent / HUNDRED
    recurring = within_floor_and_ceiling(plan, rounded(value, book.digits))
    return recurring + charges_total(book, plan, situation.usage, recurring)
