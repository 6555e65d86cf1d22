"""Read what an applied plan brought."""

from collections.abc import Mapping
from datetime import date, datetime

from marketing.budget.measurement import effect
from marketing.budget.measurement.effect import MEASURED_PERIODS, Effect, PlanExpectation
from marketing.budget.model import weeks
from marketing.budget.models import BudgetPlan
from marketing.budget.planner.proposal import Interval
from marketing.budget.reports import allocations
from marketing.budget.reports.stored_history import stored_history


def measured_effect(plan: BudgetPlan, applied_at: datetime, until: date) -> Effect | None:
    """The realised lift over the first periods in force; None until their rows are stored.

    A plan that was replaced earlier is measured over its own periods.
    """
    weekly = revenue_by_period(plan, until)
    ended_at = allocations.ended_at(plan.decision_id)
    window = _periods_in_force(weekly, applied_at, ended_at)[:MEASURED_PERIODS]
    if not window or (ended_at is None and len(window) < MEASURED_PERIODS):
        return None
    return effect.measure_effect(weekly, window, _expected_effect(plan, window[0]))


def underperforms(plan: BudgetPlan, applied_at: datetime, until: date) -> bool:
    """Whether an applied plan earned less than its 5 % bound two periods running."""
    weekly = revenue_by_period(plan, until)
    window = _periods_in_force(weekly, applied_at, None)
    return bool(window) and effect.stays_below_bound(
        weekly, window, _expected_effect(plan, window[0])
    )


def revenue_by_period(plan: BudgetPlan, until: date) -> dict[date, float]:
    """Revenue by period up to `until`, of the plan's channels or, for totals, of the company."""
    stored = stored_history(plan.currency, until)
    if not stored.spend:
        return {}
    spent_on = [each.date for each in stored.spend]
    if plan.mode == BudgetPlan.Mode.AGGREGATE:
        by = weeks.calendar(spent_on, [on for on, _ in stored.totals], until)
        return weeks.by_period(((on, float(amount)) for on, amount in stored.totals), by)
    names = set(plan.allocations.values_list("channel_name", flat=True))
    factors = {each.name: each.incrementality for each in stored.channels if each.name in names}
    own = (
        (each.date, float(each.revenue) * factors[each.channel])
        for each in stored.spend
        if each.revenue is not None and each.channel in factors
    )
    return weeks.by_period(own, weeks.calendar(spent_on, until=until))


def _periods_in_force(
    weekly: Mapping[date, float], applied_at: datetime, ended_at: datetime | None
) -> list[date]:
    """The complete periods in which the amounts were in force."""
    since = [on for on in sorted(weekly) if on >= applied_at.date()]
    return [on for on in since if ended_at is None or on + weeks.WEEK <= ended_at.date()]


def _expected_effect(plan: BudgetPlan, first: date) -> PlanExpectation:
    revenue, periods = plan.expected_revenue, plan.budget_periods
    per_period = (value / periods for value in (revenue.estimate, revenue.low, revenue.high))
    return PlanExpectation(plan.starts_on or first, Interval(*per_period), plan.expected_lift)
