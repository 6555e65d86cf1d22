"""Recommend a plan by the book's rules, and find upgrades that bring more revenue."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.price_book.version import COMPANY, BookPlan, BookRule, BookVersion, NoSuchPlan

PRIOR_ACCEPTANCE, PRIOR_WEIGHT = 0.6, 10  # of a Beta prior, whose weight is in offers


@dataclass(frozen=True, slots=True)
class PlanComparison:
    tier: str
    monthly_cost: Decimal
    fits: bool
    why: str
    currency: str


@dataclass(frozen=True, slots=True)
class PlanRecommendation:
    recommended_tier: str
    reason: str
    comparison: tuple[PlanComparison, ...]


@dataclass(frozen=True, slots=True)
class PlanUpgrade:
    """A move to a larger plan, and the additional revenue a month."""

    current_tier: str
    recommended_tier: str
    reason: str
    potential_revenue_increase: Decimal
    confidence: float
    currency: str


def recommend_plan(book: BookVersion, inputs: PricingInputs) -> PlanRecommendation:
    """The largest plan that a rule recommends, else the smallest; every active plan is priced."""
    plans = book.active
    if not plans:
        raise NoSuchPlan("there is no active plan")
    reasons = _reasons_by_plan(book.rules, inputs)
    chosen = next((each for each in reversed(plans) if each.code in reasons), plans[0])
    words = ", ".join(reasons.get(chosen.code, ()))
    reason = f"{chosen.name}: {words or 'nothing is above the limits of the smallest plan'}."
    comparison = tuple(
        PlanComparison(
            each.code,
            calculate_price(book, each.code, inputs).final_price,
            each.rank >= chosen.rank,
            _why(each, chosen, reason),
            book.currency,
        )
        for each in plans
    )
    return PlanRecommendation(chosen.code, reason, comparison)


def _reasons_by_plan(rules: Sequence[BookRule], inputs: PricingInputs) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for rule in rules:
        if rule.needs_company and inputs.company is None:
            continue
        given = (inputs.company or {}) if rule.source == COMPANY else inputs.usage
        quantity = given.get(rule.metric)
        if quantity is not None and quantity > rule.above:
            words = f"{rule.metric} of {quantity:f} is above {rule.above:f}"
            reasons.setdefault(rule.plan, []).append(words)
    return reasons


def _why(plan: BookPlan, chosen: BookPlan, reason: str) -> str:
    if plan.code == chosen.code:
        return reason
    if plan.rank < chosen.rank:
        return f"Too small. {reason}"
    return f"Larger than needed. {reason}"


def find_upgrade(
    book: BookVersion, current: str, inputs: PricingInputs, *, accepted: int = 0, declined: int = 0
) -> PlanUpgrade | None:
    """A move to a larger plan that brings more revenue, or None. Raises NoSuchPlan."""
    here = book.plan(current)
    found = recommend_plan(book, inputs)
    there = book.plan(found.recommended_tier)
    costs = {each.tier: each.monthly_cost for each in found.comparison}
    increase = costs[there.code] - costs[here.code]
    if there.rank <= here.rank or increase <= 0:
        return None
    chance = confidence(accepted, declined)
    return PlanUpgrade(here.code, there.code, found.reason, increase, chance, book.currency)


def confidence(accepted: int, declined: int) -> float:
    """The probability of acceptance: the mean of a Beta distribution after these answers."""
    return (PRIOR_ACCEPTANCE * PRIOR_WEIGHT + accepted) / (PRIOR_WEIGHT + accepted + declined)
