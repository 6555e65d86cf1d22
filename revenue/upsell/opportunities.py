"""What a move to a larger plan would bring, from every plan's rated cost; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.calculation.recommend import recommend_plan
from revenue.pricing.price_book.version import BookPlan, BookVersion, NoSuchPlan


class OpportunityKind(StrEnum):
    """Why a larger plan would suit."""

    PLAN_FIT = "plan_fit"  # what is used already calls for it
    GROWTH = "growth"  # what will be used calls for it
    OVERAGE_SAVING = "overage_saving"  # the customer would pay less there
    LIMIT_PRESSURE = "limit_pressure"  # stands near the limits of the present plan


@dataclass(frozen=True, slots=True)
class UsageForecast:
    """The use ahead: as expected, and the two ends of its interval."""

    low: PricingInputs
    estimate: PricingInputs
    high: PricingInputs

    @property
    def scenarios(self) -> tuple[PricingInputs, PricingInputs, PricingInputs]:
        return (self.low, self.estimate, self.high)

    def as_json(self) -> dict[str, Any]:
        names = ("low", "estimate", "high")
        return {name: each.as_json() for name, each in zip(names, self.scenarios, strict=True)}


@dataclass(frozen=True, slots=True)
class AmountRange:
    """An amount a month: the estimate, and the least and the most over the outlook."""

    low: Decimal
    estimate: Decimal
    high: Decimal

    def as_json(self) -> dict[str, str]:
        return {"low": f"{self.low:f}", "estimate": f"{self.estimate:f}", "high": f"{self.high:f}"}


@dataclass(frozen=True, slots=True)
class FoundOpportunity:
    """One opportunity; `gain` is what the customer would pay more a month, below 0 for a saving."""

    kind: OpportunityKind
    current: str
    recommended: str
    currency: str
    reason: str
    costs: Mapping[str, AmountRange]
    gain: AmountRange

    def as_json(self) -> dict[str, Any]:
        return {code: each.as_json() for code, each in self.costs.items()}


def find_opportunities(
    book: BookVersion, current: str, now: PricingInputs, ahead: UsageForecast
) -> list[FoundOpportunity]:
    """The opportunities of one customer, a saving first; none for the largest plan.

    Every active plan is rated with the use ahead. Raises NoSuchPlan and Wrong.
    """
    here = book.plan(current)
    larger = [each for each in book.active if each.rank > here.rank]
    if not larger:
        return []
    amounts = {plan.code: _amounts(book, plan, ahead) for plan in book.active}
    costs = {code: _span(each) for code, each in amounts.items()}
    found = [_saving(here, larger, costs), _called(book, here, now, ahead)]
    made = []
    for kind, there, reason in (each for each in found if each is not None):
        gain = _span([t - h for t, h in zip(amounts[there], amounts[here.code], strict=True)])
        if kind is OpportunityKind.OVERAGE_SAVING or gain.estimate > 0:
            made.append(
                FoundOpportunity(kind, here.code, there, book.currency, reason, costs, gain)
            )
    return made[:1] if made and made[0].kind is OpportunityKind.OVERAGE_SAVING else made


Found = tuple[OpportunityKind, str, str]  # kind, plan, reason


def _saving(
    here: BookPlan, larger: Sequence[BookPlan], costs: Mapping[str, AmountRange]
) -> Found | None:
    """The cheapest larger plan, where it costs the customer less than the present one."""
    best = min(larger, key=lambda each: (costs[each.code].estimate, each.rank))
    mine, there = costs[here.code].estimate, costs[best.code].estimate
    if there >= mine:
        return None
    words = f"{best.name} would cost {there:f} a month for the use ahead, {here.name} {mine:f}."
    return OpportunityKind.OVERAGE_SAVING, best.code, words


def _called(
    book: BookVersion, here: BookPlan, now: PricingInputs, ahead: UsageForecast
) -> Found | None:
    """The plan that the book's rules name for the use of today, else for the use ahead."""
    for kind, known, when in (
        (OpportunityKind.PLAN_FIT, now, ""),
        (OpportunityKind.GROWTH, ahead.estimate, "In the month ahead: "),
    ):
        found = recommend_plan(book, known)
        if book.plan(found.tier).rank > here.rank:
            return kind, found.tier, f"{when}{found.reason}"
    return None


def _amounts(book: BookVersion, plan: BookPlan, ahead: UsageForecast) -> list[Decimal]:
    return [calculate_price(book, plan.code, each).final_price for each in ahead.scenarios]


def _span(amounts: Sequence[Decimal]) -> AmountRange:
    return AmountRange(min(amounts), amounts[1], max(amounts))


def is_on_sale(book: BookVersion, current: str) -> bool:
    """Whether the book knows the plan at all, and sells it."""
    try:
        book.plan(current)
    except NoSuchPlan:
        return False
    return True
