"""Find opportunities for a larger plan from the price of every plan; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.calculation.plan_use import LIST_PRICE, AgreedPrice, agreed_cost
from revenue.pricing.calculation.recommend import recommend_plan
from revenue.pricing.price_book.version import BookPlan, BookVersion


class OpportunityKind(StrEnum):
    """Why a larger plan is recommended."""

    PLAN_FIT = "plan_fit"  # the present use calls for it
    GROWTH = "growth"  # the forecast use calls for it
    OVERAGE_SAVING = "overage_saving"  # the customer would pay less on it
    LIMIT_PRESSURE = "limit_pressure"  # the use is near the limits of the present plan


@dataclass(frozen=True, slots=True)
class UsageForecast:
    """The forecast use, with the ends of its interval."""

    low: PricingInputs
    estimate: PricingInputs
    high: PricingInputs

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).as_json() for name in ("low", "estimate", "high")}


@dataclass(frozen=True, slots=True)
class AmountRange:
    """An amount a month: the estimate, and the lowest and highest over the forecast."""

    low: Decimal
    estimate: Decimal
    high: Decimal

    def as_json(self) -> dict[str, str]:
        return {"low": f"{self.low:f}", "estimate": f"{self.estimate:f}", "high": f"{self.high:f}"}


@dataclass(frozen=True, slots=True)
class FoundOpportunity:
    """An opportunity; `gain` is the additional revenue a month, below 0 for a saving."""

    kind: OpportunityKind
    current: str
    recommended: str
    currency: str
    reason: str
    costs: Mapping[str, AmountRange]
    gain: AmountRange


def find_opportunities(
    book: BookVersion,
    current: str,
    now: PricingInputs,
    ahead: UsageForecast,
    *,
    agreed: AgreedPrice = LIST_PRICE,
) -> list[FoundOpportunity]:
    """The opportunities of one customer: a saving alone, else those that the rules call for.

    Every active plan is priced with the forecast use; the present one by what is `agreed` of it.
    Raises NoSuchPlan and InvalidValues.
    """
    present = book.plan(current)
    larger = [each for each in book.active if each.rank > present.rank]
    if not larger:
        return []
    amounts = _amounts(book, present.code, ahead, agreed)
    costs = {code: _span(each) for code, each in amounts.items()}
    found = [_saving(present, larger, costs), _recommended(book, present, now, ahead)]
    opportunities = []
    for kind, there, reason in (each for each in found if each is not None):
        gain = _span([t - h for t, h in zip(amounts[there], amounts[present.code], strict=True)])
        if kind is OpportunityKind.OVERAGE_SAVING or gain.estimate > 0:
            opportunities.append(
                FoundOpportunity(kind, present.code, there, book.currency, reason, costs, gain)
            )
    is_saving = opportunities and opportunities[0].kind is OpportunityKind.OVERAGE_SAVING
    return opportunities[:1] if is_saving else opportunities


def plan_costs(
    book: BookVersion,
    current: str,
    ahead: UsageForecast,
    *,
    agreed: AgreedPrice = LIST_PRICE,
) -> dict[str, AmountRange]:
    """What every active plan costs for the forecast use; the present one as `agreed`."""
    amounts = _amounts(book, book.plan(current).code, ahead, agreed)
    return {code: _span(each) for code, each in amounts.items()}


def _amounts(
    book: BookVersion, current: str, ahead: UsageForecast, agreed: AgreedPrice
) -> dict[str, list[Decimal]]:
    """The cost of each active plan at the low, estimated and high use."""
    scenarios = (ahead.low, ahead.estimate, ahead.high)
    amounts = {
        plan.code: [calculate_price(book, plan.code, each).final_price for each in scenarios]
        for plan in book.active
    }
    if not agreed.is_list_price:
        amounts[current] = [agreed_cost(book, current, agreed, each) for each in scenarios]
    return amounts


Recommended = tuple[OpportunityKind, str, str]  # kind, plan, reason


def _saving(
    present: BookPlan, larger: Sequence[BookPlan], costs: Mapping[str, AmountRange]
) -> Recommended | None:
    """The cheapest larger plan, if it costs less than the present one."""
    best = min(larger, key=lambda each: (costs[each.code].estimate, each.rank))
    mine, there = costs[present.code].estimate, costs[best.code].estimate
    if there >= mine:
        return None
    words = (
        f"{best.name} would cost {there:f} a month for the forecast use, {present.name} {mine:f}."
    )
    return OpportunityKind.OVERAGE_SAVING, best.code, words


def _recommended(
    book: BookVersion, present: BookPlan, now: PricingInputs, ahead: UsageForecast
) -> Recommended | None:
    """The plan that the rules recommend for the present use, else for the forecast use."""
    for kind, inputs, when in (
        (OpportunityKind.PLAN_FIT, now, ""),
        (OpportunityKind.GROWTH, ahead.estimate, "In the next month: "),
    ):
        found = recommend_plan(book, inputs)
        if book.plan(found.recommended_tier).rank > present.rank:
            return kind, found.recommended_tier, f"{when}{found.reason}"
    return None


def _span(amounts: Sequence[Decimal]) -> AmountRange:
    return AmountRange(min(amounts), amounts[1], max(amounts))
