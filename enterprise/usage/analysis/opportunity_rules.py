"""When a client's use calls for a larger plan; pure.

Revenue's rules find plan_fit, growth and overage_saving from the price of every plan; these add
limit_pressure, and growth where the trend itself reaches a limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from revenue.upsell.opportunities import AmountRange, FoundOpportunity, OpportunityKind

PRESSED_PERCENT, PRESSED_PERIODS, PERIODS = Decimal(80), 2, 3
PRESSED_DAYS, GROWTH_DAYS = 30, 90  # to the limit
ACTIONS = {
    OpportunityKind.OVERAGE_SAVING: "Tell the client what the larger plan would save.",
    OpportunityKind.LIMIT_PRESSURE: "Offer the larger plan before the limit is reached.",
    OpportunityKind.GROWTH: "Talk about the next plan; its growth calls for it.",
    OpportunityKind.PLAN_FIT: "Offer the plan that fits the present use.",
}
PRIORITIES = {
    OpportunityKind.OVERAGE_SAVING: "high",
    OpportunityKind.LIMIT_PRESSURE: "high",
    OpportunityKind.GROWTH: "medium",
    OpportunityKind.PLAN_FIT: "medium",
}


@dataclass(frozen=True, slots=True)
class LimitHistory:
    """A metric's use in percent of its limit, by period with the latest last; and its outlook."""

    metric: str
    percents: Sequence[Decimal | None]
    days_to_limit: int | None = None
    is_growing: bool = False


@dataclass(frozen=True, slots=True)
class PlanCosts:
    """What plans cost a month for the forecast use; `larger` are those above, the next first."""

    current: str
    currency: str
    costs: Mapping[str, AmountRange]
    larger: Sequence[str]


def pressed(history: LimitHistory) -> str:
    """Why a metric presses on its limit; empty where it does not."""
    high = [
        each for each in history.percents[-PERIODS:] if each is not None and each >= PRESSED_PERCENT
    ]
    if len(high) >= PRESSED_PERIODS:
        return (
            f"{history.metric} was at {PRESSED_PERCENT}% of its limit or more in {len(high)} of "
            f"the last {PERIODS} periods."
        )
    days = history.days_to_limit
    if days is not None and days <= PRESSED_DAYS:
        return f"{history.metric} reaches its limit in {days} days."
    return ""


def outgrowing(history: LimitHistory) -> str:
    """Why a growing metric will reach its limit; empty where it does not."""
    days = history.days_to_limit
    if history.is_growing and days is not None and days <= GROWTH_DAYS:
        return f"{history.metric} grows and reaches its limit in {days} days."
    return ""


def limit_opportunities(
    histories: Sequence[LimitHistory], costs: PlanCosts
) -> list[FoundOpportunity]:
    """Opportunities by limits, of the next larger plan; one that brings nothing is dropped."""
    if not costs.larger:
        return []
    there = costs.larger[0]
    gain = _gain(costs, there)
    if gain.estimate <= 0:
        return []
    found = []
    for kind, rule in (
        (OpportunityKind.LIMIT_PRESSURE, pressed),
        (OpportunityKind.GROWTH, outgrowing),
    ):
        if words := " ".join(filter(None, map(rule, histories))):
            found.append(
                FoundOpportunity(
                    kind, costs.current, there, costs.currency, words, costs.costs, gain
                )
            )
    return found


def _gain(costs: PlanCosts, there: str) -> AmountRange:
    here, target = costs.costs[costs.current], costs.costs[there]
    amounts = sorted(
        (target.low - here.low, target.estimate - here.estimate, target.high - here.high)
    )
    return AmountRange(amounts[0], target.estimate - here.estimate, amounts[2])


def merged(*groups: Sequence[FoundOpportunity]) -> list[FoundOpportunity]:
    """One opportunity of each kind, of the first group that has it; savings come first.

    A saving stands alone: where the larger plan costs the client less, nothing else is offered.
    """
    found: dict[OpportunityKind, FoundOpportunity] = {}
    for group in groups:
        for each in group:
            found.setdefault(each.kind, each)
    if saving := found.get(OpportunityKind.OVERAGE_SAVING):
        return [saving]
    return [found[kind] for kind in PRIORITIES if kind in found]
