"""Which plan suits a use, by the book's rules; and what moving there would bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.price_book.version import COMPANY, BookPlan, BookRule, BookVersion, NoSuchPlan

PRIOR_ACCEPTANCE, PRIOR_WEIGHT = (
    0.6,
    10,
)  # what offers of a kind are taken to be worth before any was made


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """One plan of the comparison."""

    tier: str
    monthly_cost: Decimal
    fits: bool
    why: str


@dataclass(frozen=True, slots=True)
class PlanRecommendation:
    tier: str
    reason: str
    comparison: tuple[PlanComparison, ...]


@dataclass(frozen=True, slots=True)
class PlanUpgrade:
    """A move to a larger plan, and what it brings a month."""

    current: str
    recommended: str
    reason: str
    increase: Decimal
    confidence: float


def recommend_plan(book: BookVersion, situation: PricingInputs) -> PlanRecommendation:
    """The largest plan that a rule calls for, else the smallest; with all active plans priced."""
    plans = book.active
    if not plans:
        raise NoSuchPlan("there is no active plan")
    called = _called(book.rules, situation)
    chosen = next((each for each in reversed(plans) if each.code in called), plans[0])
    reason = _reason(chosen, called)
    comparison = tuple(
        PlanComparison(
            each.code,
            calculate_price(book, each.code, situation).final_price,
            each.rank >= chosen.rank,
            _why(each, chosen, reason),
        )
        for each in plans
    )
    return PlanRecommendation(chosen.code, reason, comparison)


def _called(rules: Sequence[BookRule], situation: PricingInputs) -> dict[str, list[str]]:
    """What speaks for each plan that a rule calls for."""
    called: dict[str, list[str]] = {}
    for rule in rules:
        if rule.needs_company and situation.company is None:
            continue
        given = (situation.company or {}) if rule.source == COMPANY else situation.usage
        quantity = given.get(rule.metric)
        if quantity is not None and quantity > rule.above:
            words = f"{rule.metric} of {quantity:f} is above {rule.above:f}"
            called.setdefault(rule.plan, []).append(words)
    return called


def _reason(chosen: BookPlan, called: dict[str, list[str]]) -> str:
    if found := called.get(chosen.code):
        return f"{chosen.name}: {', '.join(found)}."
    return f"{chosen.name}: nothing is above the limits of the smallest plan."


def _why(plan: BookPlan, chosen: BookPlan, reason: str) -> str:
    if plan.code == chosen.code:
        return reason
    if plan.rank < chosen.rank:
        return f"Too small. {reason}"
    return f"Larger than needed. {reason}"


def find_upgrade(
    book: BookVersion,
    current: str,
    situation: PricingInputs,
    *,
    accepted: int = 0,
    declined: int = 0,
) -> PlanUpgrade | None:
    """A move up that earns more; None where there is none. Raises NoSuchPlan."""
    here = book.plan(current)
    found = recommend_plan(book, situation)
    there = book.plan(found.tier)
    costs = {each.tier: each.monthly_cost for each in found.comparison}
    increase = costs[there.code] - costs[here.code]
    if there.rank <= here.rank or increase <= 0:
        return None
    chance = confidence(accepted, declined)
    return PlanUpgrade(here.code, there.code, found.reason, increase, chance)


def confidence(accepted: int, declined: int) -> float:
    """The mean of the Beta distribution after so many offers were accepted and declined."""
    return (PRIOR_ACCEPTANCE * PRIOR_WEIGHT + accepted) / (PRIOR_WEIGHT + accepted + declined)
