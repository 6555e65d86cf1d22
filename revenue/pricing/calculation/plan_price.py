"""A plan's price by the book's factors: base x usage x company, less the discounts.

The running price stays exact; each line is the difference of two neighbouring running prices after
rounding, so breakdown and lines both add up to the final price.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import prod
from typing import Any, NamedTuple

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.decimals import CONTEXT, HUNDRED, ONE, ZERO, exact_arithmetic, rounded
from revenue.pricing.price_book import version as books
from revenue.pricing.price_book.validation import cliff_warnings
from revenue.pricing.price_book.version import COMPANY, ENGAGEMENT, USAGE, BookPlan, BookVersion
from revenue.pricing.rating.metered import RatedUse, charges_total, metrics_of, rate_charges
from revenue.pricing.rating.rate import PriceLine


@dataclass(frozen=True, slots=True)
class CalculatedPrice:
    """A calculated price. `recurring` is the plan's own part, without charges on metrics."""

    plan: str
    currency: str
    base_price: Decimal
    adjusted_price: Decimal
    discount_amount: Decimal
    recurring: Decimal
    final_price: Decimal
    breakdown: Mapping[str, Decimal]
    plan_lines: tuple[PriceLine, ...]
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
        return (*self.plan_lines, *self.charges)


def calculate_price(
    book: BookVersion,
    code: str,
    inputs: PricingInputs,
    *,
    previous: Decimal | None = None,
) -> CalculatedPrice:
    """Price a plan for one month; `previous` is the price before a renewal.

    Raises NoSuchPlan, and InvalidValues where a charge cannot be rated.
    """
    plan = book.plan(code)
    with exact_arithmetic():
        factors = _factors(book, plan, inputs)
        earned = sum((value for _, _, value in factors[ENGAGEMENT]), ZERO)
        percent = min(earned, book.largest_discount)
        running = _running(plan, factors, percent, inputs)
        reached = rounded(running[-1][2], book.digits)
        limits, hits = apply_guardrails(book, plan, reached, previous)
        fee = reached + sum((each.amount for each in limits), ZERO)
        charges, missing = rate_charges(book, plan, RatedUse(inputs.usage), fee)
        figures = _figures(book, plan, running, limits, charges)
        warnings = cliff_warnings(plan, inputs.usage)
    return CalculatedPrice(
        **figures,
        usage_multiplier=prod((value for _, _, value in factors[USAGE]), start=ONE),
        enterprise_multiplier=prod((value for _, _, value in factors[COMPANY]), start=ONE),
        engagement_discount_percent=percent,
        not_given=(*_not_given(book, plan, inputs), *missing),
        ignored=_ignored(book, plan, inputs),
        warnings=warnings,
        hits=(*(["largest_discount"] if earned > percent else []), *hits),
    )


def plan_steps(book: BookVersion, code: str, inputs: PricingInputs) -> "PlanSteps":
    """The plan's own price step by step, exact, without charges. Raises NoSuchPlan.

    The caller opens `decimals.exact_arithmetic`.
    """
    plan = book.plan(code)
    factors = _factors(book, plan, inputs)
    earned = sum((value for _, _, value in factors[ENGAGEMENT]), ZERO)
    running = _running(plan, factors, min(earned, book.largest_discount), inputs)
    steps = [(part, words, value) for part, words, value, _ in running]
    limits, _ = apply_guardrails(book, plan, rounded(steps[-1][2], book.digits), None)
    for each in limits:
        steps.append(("guardrails", each.description, steps[-1][2] + each.amount))
    return PlanSteps(tuple(steps), tuple(_not_given(book, plan, inputs)))


class PlanSteps(NamedTuple):
    """After each step: its part of the price, its words and the exact running price."""

    steps: tuple[tuple[str, str, Decimal], ...]
    not_given: tuple[str, ...]


def _figures(
    book: BookVersion,
    plan: BookPlan,
    running: "RunningValues",
    limits: Sequence[PriceLine],
    charges: Sequence[PriceLine],
) -> dict[str, Any]:
    """Breakdown and sums of the lines; the lines of charges come last."""
    lines = list(_lines(running, book.digits))
    rows = dict.fromkeys(BREAKDOWN, ZERO)
    for part, each in lines:
        rows[part] += each.amount
    rows["guardrails"] = sum((each.amount for each in limits), ZERO)
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
        "plan_lines": (*(each for _, each in lines), *limits),
        "charges": tuple(charges),
    }


Bound = tuple[str, str, Decimal | None, Decimal | None]  # name, words, least, most
BREAKDOWN = ("base", "usage_adjustment", "enterprise_adjustment", "engagement_discount")
AppliedFactor = tuple[str, Decimal, Decimal]  # metric, quantity, value
RunningValues = list[tuple[str, str, Decimal, Decimal | None]]  # part, words, running value, factor


def _factors(
    book: BookVersion, plan: BookPlan, inputs: PricingInputs
) -> dict[str, list[AppliedFactor]]:
    """The factors of the metrics that are given, ordered by metric."""
    return {
        USAGE: _applied(book.factor_tables(USAGE), inputs.usage, ONE),
        COMPANY: _applied(book.factor_tables(COMPANY, plan.code), inputs.company or {}, ONE),
        ENGAGEMENT: _applied(book.factor_tables(ENGAGEMENT), inputs.engagement, ZERO),
    }


def _applied(
    tables: Mapping[str, books.FactorTable], given: Mapping[str, Decimal], default: Decimal
) -> list[AppliedFactor]:
    values = (
        (metric, given[metric], tables[metric].value(given[metric], default))
        for metric in sorted(tables)
        if metric in given
    )
    return [each for each in values if each[2] != default]


def _running(
    plan: BookPlan,
    factors: Mapping[str, list[AppliedFactor]],
    percent: Decimal,
    inputs: PricingInputs,
) -> RunningValues:
    value = plan.base
    found: RunningValues = [("base", f"{plan.name}, a month", value, None)]
    for kind, part in ((USAGE, "usage_adjustment"), (COMPANY, "enterprise_adjustment")):
        for metric, quantity, factor in factors[kind]:
            value *= factor
            words = f"{metric} of {quantity:f}: x {factor:f}"
            found.append((part, words, value, factor))
    if inputs.company is not None and not factors[COMPANY]:
        words = f"The company's size does not change the price of {plan.name}"
        found.append(("enterprise_adjustment", words, value, ONE))
    if percent:
        value *= ONE - percent / HUNDRED
        parts = ", ".join(f"{metric} {each:f} %" for metric, _, each in factors[ENGAGEMENT])
        found.append(("engagement_discount", f"Discount {percent:f} % ({parts})", value, None))
    return found


def _lines(running: RunningValues, digits: int) -> Iterator[tuple[str, PriceLine]]:
    """One line for each running price: its difference from the one before, both rounded."""
    before = ZERO
    for part, words, value, _ in running:
        now = rounded(value, digits)
        yield part, PriceLine(part, words, ONE, now - before, now - before)
        before = now


def _parts(
    book: BookVersion, plan: BookPlan, inputs: PricingInputs
) -> list[tuple[str, Mapping[str, Decimal], Collection[str]]]:
    """Each part of a request with its metrics, and those that the book's factors use."""
    return [
        ("usage_data", inputs.usage, book.factor_tables(USAGE)),
        ("engagement_data", inputs.engagement, book.factor_tables(ENGAGEMENT)),
        ("company_data", inputs.company or {}, book.factor_tables(COMPANY, plan.code)),
    ]


def _not_given(book: BookVersion, plan: BookPlan, inputs: PricingInputs) -> Iterator[str]:
    for part, given, known in _parts(book, plan, inputs):
        yield from (f"{part}.{metric}" for metric in sorted(known) if metric not in given)


def _ignored(book: BookVersion, plan: BookPlan, inputs: PricingInputs) -> tuple[str, ...]:
    """Metrics that were given and that no factor and no charge of the book uses."""
    charged = {f"usage_data.{name}" for each in plan.charges for name in metrics_of(each)}
    return tuple(
        f"{part}.{metric}"
        for part, given, known in _parts(book, plan, inputs)
        for metric in sorted(given)
        if metric not in known and f"{part}.{metric}" not in charged
    )


def final_price(book: BookVersion, code: str, inputs: PricingInputs) -> Decimal:
    """The `final_price` of `calculate_price` without its lines, for many customers at once.

    The caller opens `decimals.exact_arithmetic`.
    """
    plan = book.plan(code)
    value = plan.base
    for _, _, factor in _applied(book.factor_tables(USAGE), inputs.usage, ONE):
        value *= factor
    if inputs.company:
        for _, _, factor in _applied(book.factor_tables(COMPANY, code), inputs.company, ONE):
            value *= factor
    if inputs.engagement:
        earned = _applied(book.factor_tables(ENGAGEMENT), inputs.engagement, ZERO)
        percent = min(sum((each for _, _, each in earned), ZERO), book.largest_discount)
        value *= ONE - percent / HUNDRED
    reached = rounded(value, book.digits)
    limits, _ = apply_guardrails(book, plan, reached, None)
    recurring = reached + sum((each.amount for each in limits), ZERO)
    return recurring + charges_total(book, plan, inputs.usage, recurring)


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
