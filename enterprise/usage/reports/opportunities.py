"""Which larger plans a client's use calls for, by stored use or by a history that is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from enterprise.usage.analysis import opportunity_rules as rules
from enterprise.usage.analysis.crossing import HUNDRED
from enterprise.usage.analysis.opportunity_rules import LimitHistory, PlanCosts
from enterprise.usage.analysis.trend import TrendVerdict
from enterprise.usage.metering.months import month_of, months_after
from enterprise.usage.reports import clients, costs, levels
from enterprise.usage.reports.clients import ClientUse, MetricUse
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.recommend import confidence
from revenue.pricing.price_book.version import BookVersion
from revenue.upsell import opportunities as upsell
from revenue.upsell.opportunities import FoundOpportunity, OpportunityKind, UsageForecast
from revenue.upsell.reports import AnswerCounts, answer_counts

NO_LARGER_PLAN = "The client is on the largest plan, and the price book has no add-on."


@dataclass(frozen=True, slots=True)
class Analysis:
    """The opportunities of a client, and why there are none where that is not by its use."""

    found: Sequence[FoundOpportunity]
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        answers = answer_counts()
        listed = [opportunity_fields(each, answers) for each in self.found]
        return {"opportunities": listed, "count": len(listed), "reason": self.reason}


def opportunity_fields(
    found: FoundOpportunity, answers: Mapping[str, AnswerCounts]
) -> dict[str, Any]:
    """The API's fields; the value of a saving is what the client saves a month."""
    is_saving = found.kind is OpportunityKind.OVERAGE_SAVING
    return {
        "type": found.kind.value,
        "confidence": confidence(**answers.get(found.kind, AnswerCounts())._asdict()),
        "reason": found.reason,
        "suggested_action": rules.ACTIONS[found.kind],
        "estimated_value": -found.gain.estimate if is_saving else found.gain.estimate,
        "currency": found.currency,
        "priority": rules.PRIORITIES[found.kind],
        "current_tier": found.current,
        "recommended_tier": found.recommended,
    }


def stored_analysis(customer: int, now: datetime, current: str = "") -> Analysis:
    """By the stored use; `current` is the plan where the client has no active subscription.

    Raises NoSuchPlan, NothingPublished, Tampered and InvalidValues.
    """
    use = clients.client_use(customer, clients.MIN_TREND_DAYS, now)
    histories = [limit_history(each, use) for each in use.metrics]
    ahead = costs.costs_ahead(customer, now)
    if ahead is None:
        usage = {each.level.metric.code: each.level.used for each in use.metrics}
        return analysis_of(current, usage, histories, now)
    plan = ahead.candidate.plan
    plans = plan_costs(ahead.book, plan, ahead.costs)
    found = rules.merged(ahead.found, rules.limit_opportunities(histories, plans))
    return Analysis(found, "" if plans.larger else NO_LARGER_PLAN)


def analysis_of(
    current: str,
    usage: Mapping[str, Decimal],
    histories: Sequence[LimitHistory],
    now: datetime,
) -> Analysis:
    """By the use of one month, which is also the forecast."""
    version = pricing.version_in_force(now.date())
    book = pricing.book(version)
    book.plan(current)
    inputs = PricingInputs({name: max(value, Decimal(0)) for name, value in usage.items()})
    ahead = UsageForecast(inputs, inputs, inputs)
    own = upsell.find_opportunities(book, current, inputs, ahead)
    plans = plan_costs(book, current, upsell.plan_costs(book, current, ahead))
    found = rules.merged(own, rules.limit_opportunities(histories, plans))
    return Analysis(found, "" if plans.larger else NO_LARGER_PLAN)


def plan_costs(
    book: BookVersion, current: str, amounts: Mapping[str, upsell.AmountRange]
) -> PlanCosts:
    rank = book.plan(current).rank
    larger = [each.code for each in book.active if each.rank > rank]
    return PlanCosts(current, book.currency, amounts, larger)


def limit_history(each: MetricUse, use: ClientUse) -> LimitHistory:
    """The percents of the last periods, by the limit in force now."""
    version = each.level.version
    percents: list[Decimal | None] = []
    if version is not None and version.quantity:
        limit = Decimal(version.quantity)
        percents = [
            None if value is None else HUNDRED * value / limit for value in _past_periods(each, use)
        ]
        percents.append(each.level.percent)
    return LimitHistory(
        each.level.metric.code,
        percents,
        each.outlook.days,
        each.trend.verdict is TrendVerdict.GROWING,
    )


def _past_periods(each: MetricUse, use: ClientUse) -> list[Decimal | None]:
    """What the metric used in the two months before this one; of a gauge, its last reading."""
    this = month_of(use.today)
    found: list[Decimal | None] = []
    for start in (months_after(this, -2), months_after(this, -1)):
        end = months_after(start, 1)
        found.append(levels.used_between(use.customer, each.level.metric, start, end))
    return found


def given_histories(
    entries: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Decimal], list[LimitHistory]]:
    """The latest use, and the percents of each metric, of a history that a caller gives."""
    latest: dict[str, Decimal] = {}
    percents: dict[str, list[Decimal | None]] = {}
    for entry in entries:
        latest |= entry["current"]
        for metric, limit in entry.get("limits", {}).items():
            value = entry["current"].get(metric)
            known = value is not None and limit
            percents.setdefault(metric, []).append(HUNDRED * value / limit if known else None)
    return latest, [LimitHistory(metric, found) for metric, found in percents.items()]
