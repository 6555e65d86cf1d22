"""Reading plans, what they were made from, and what they brought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import overload

from django.db.models import Q, QuerySet, Sum

from marketing.budget import stored_request
from marketing.budget.measurement.effect import (
    MEASURED_PERIODS,
    Effect,
    ExpectedEffect,
    measure_effect,
    stays_below_bound,
)
from marketing.budget.model import weeks
from marketing.budget.models import BudgetPlan
from marketing.budget.planner.proposal import Interval, Proposal
from marketing.budget.planner.request import LiftTestResult
from marketing.budget.reports import allocations
from marketing.budget.reports.allocations import AllocationInForce
from marketing.budget.response_format import load_proposal
from marketing.channels import reports as channels
from marketing.channels.models import Performance, TotalRevenue

MAX_PLANS_LISTED = 20  # plans listed on the page
TREND_PERIOD = timedelta(weeks=104)
HISTORY_PERIOD = timedelta(weeks=260)


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """One plan of the history: what it promised (percent of lift) and what it brought."""

    plan_id: int
    decision_id: int
    created_at: datetime
    source: str
    total: Decimal
    currency: str
    status: str
    verdict: str
    expected: Interval
    realised: Interval | None  # None while there is no data
    probability_of_lift: float
    applied_at: datetime | None
    budget_periods: int
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class DailyPerformance:
    """Spend and revenue of all channels (or of one) on a date; None where not known."""

    on: date
    spend: Decimal
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class BudgetOverview:
    """Everything the budget page shows. `plan` is the leading one, `proposal` its whole answer."""

    currency: str
    plan: PlanSummary | None
    proposal: Proposal | None
    in_force: tuple[AllocationInForce, ...]
    trend: tuple[DailyPerformance, ...]
    history: tuple[PlanSummary, ...]


# --- Pages --------------------------------------------------------------------------------------


def plans() -> QuerySet[BudgetPlan]:
    """Plans with what tells their state; the newest first."""
    return BudgetPlan.objects.select_related("decision").prefetch_related("shares")


def overview(currency: str, plan_id: int | None = None) -> BudgetOverview:
    """The page of the leading plan in `currency`, or of one plan; Plan.DoesNotExist for none such.

    Four queries, five where revenue is known in total only.
    """
    newest = list(
        BudgetPlan.objects.filter(currency=currency)
        .select_related("decision")
        .defer("question", "proposal")[:MAX_PLANS_LISTED]
    )
    plan = leading_plans(currency).first() if newest and plan_id is None else None
    if plan_id is not None:
        plan = BudgetPlan.objects.select_related("decision").get(pk=plan_id)
    return BudgetOverview(
        currency=currency,
        plan=plan_summary(plan) if plan else None,
        proposal=load_proposal(plan.proposal) if plan else None,
        in_force=allocations.in_force(currency),
        trend=spend_trend(currency),
        history=tuple(plan_summary(each) for each in newest),
    )


def newest_plan(currency: str) -> PlanSummary | None:
    """The leading plan without its curves; one query."""
    plan = leading_plans(currency).defer("question", "proposal").first()
    return plan_summary(plan) if plan else None


def leading_plans(currency: str) -> QuerySet[BudgetPlan]:
    """The newest plan first, but after all others those that a caller of the API only asked about.

    Such a plan rests on the rows of its body; it stands for the company once it was applied.
    """
    asked_about = Q(source=BudgetPlan.Source.API, decision__applied_at=None)
    found = BudgetPlan.objects.filter(currency=currency).select_related("decision")
    return found.alias(asked_about=asked_about).order_by("asked_about", "-created_at", "-pk")


def spend_trend(currency: str, channel: str | None = None) -> tuple[DailyPerformance, ...]:
    """Spend and revenue by date over the last 104 weeks of rows, of one channel or of all.

    Where no channel's revenue is known, that of all is the company's total.
    """
    rows = Performance.objects.filter(currency=currency)
    if channel is not None:
        rows = rows.filter(channel__name=channel)
    by_date = rows.values("date").annotate(spent=Sum("spend"), earned=Sum("revenue"))
    newest = by_date.order_by("-date").values_list("date", "spent", "earned")[: TREND_PERIOD.days]
    days = list(newest)
    days = [each for each in reversed(days) if each[0] > days[0][0] - TREND_PERIOD]
    if channel is None and days and all(earned is None for _, _, earned in days):
        totals = TotalRevenue.objects.filter(currency=currency, date__gte=days[0][0])
        amounts = dict(totals.values_list("date", "amount"))
        days = [(on, spent, amounts.get(on)) for on, spent, _ in days]
    return tuple(DailyPerformance(on, _cents(spent), _cents(earned)) for on, spent, earned in days)


@overload
def _cents(amount: Decimal) -> Decimal: ...
@overload
def _cents(amount: Decimal | None) -> Decimal | None: ...
def _cents(amount: Decimal | None) -> Decimal | None:
    """SQLite adds money up as floats."""
    return None if amount is None else round(amount, 2)


def plan_summary(plan: BudgetPlan) -> PlanSummary:
    """A plan beside its decision, which must be at hand."""
    decision = plan.decision
    return PlanSummary(
        plan_id=plan.pk,
        decision_id=decision.pk,
        created_at=plan.created_at,
        source=plan.source,
        total=plan.total,
        currency=plan.currency,
        status=decision.status,
        verdict=decision.verdict,
        expected=Interval(plan.lift_estimate, plan.lift_low, plan.lift_high),
        realised=realised_lift(decision.realised),
        probability_of_lift=plan.probability_of_lift,
        applied_at=decision.applied_at,
        budget_periods=plan.budget_periods,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
    )


def realised_lift(row: Mapping[str, float] | None) -> Interval | None:
    """The measured effect as the ledger holds it."""
    return Interval(row["value"], row["low"], row["high"]) if row else None


# --- What a plan is made from -------------------------------------------------------------------


def stored_history(currency: str, until: date) -> stored_request.StoredHistory:
    """Everything stored about active channels in the five years up to the newest row.

    `until` is the last day that is over.
    """
    last = channels.last_spend_date(currency, until)
    since = (last or until) - HISTORY_PERIOD
    return stored_request.StoredHistory(
        channels=[
            stored_request.ChannelSettings(
                each.name,
                each.is_held,
                each.floor,
                each.ceiling,
                each.incrementality,
                each.platform_roi,
            )
            for each in channels.active_channels(currency).order_by("name")
        ],
        spent=[
            stored_request.SpendRow(*row) for row in channels.spend_rows(currency, since, until)
        ],
        totals=channels.total_revenue(currency, since, until),
        flags=channels.calendar_flags(since, until),
        tests=[
            LiftTestResult(
                test.channel.name,
                float(test.spend),
                float(test.revenue),
                float(test.standard_error),
            )
            for test in channels.finished_lift_tests(currency, until)
        ],
        until=until,
    )


# --- What a plan brought ------------------------------------------------------------------------


def measured_effect(plan: BudgetPlan, applied_at: datetime, until: date) -> Effect | None:
    """The realised lift over the first periods in force; None while their rows are missing.

    A plan replaced earlier is measured over the periods that it had.
    """
    weekly = revenue_by_period(plan, until)
    ended_at = allocations.ended_at(plan.decision_id)
    window = _periods_in_force(weekly, applied_at, ended_at)[:MEASURED_PERIODS]
    if not window or (ended_at is None and len(window) < MEASURED_PERIODS):
        return None
    return measure_effect(weekly, window, _expected_effect(plan, window[0]))


def underperforms(plan: BudgetPlan, applied_at: datetime, until: date) -> bool:
    """Whether an applied plan earned less than its 5 % bound two periods running."""
    weekly = revenue_by_period(plan, until)
    window = _periods_in_force(weekly, applied_at, None)
    return bool(window) and stays_below_bound(weekly, window, _expected_effect(plan, window[0]))


def revenue_by_period(plan: BudgetPlan, until: date) -> dict[date, float]:
    """Revenue by period up to `until`, of the plan's channels or, for totals, of the company."""
    stored = stored_history(plan.currency, until)
    if not stored.spent:
        return {}
    spent_on = [each.date for each in stored.spent]
    if plan.mode == BudgetPlan.Mode.AGGREGATE:
        by = weeks.calendar(spent_on, [on for on, _ in stored.totals], until)
        return weeks.sum_by_period(((on, float(amount)) for on, amount in stored.totals), by)
    names = set(plan.shares.values_list("channel_name", flat=True))
    factors = {each.name: each.incrementality for each in stored.channels if each.name in names}
    own = (
        (each.date, float(each.revenue) * factors[each.channel])
        for each in stored.spent
        if each.revenue is not None and each.channel in factors
    )
    return weeks.sum_by_period(own, weeks.calendar(spent_on, until=until))


def _periods_in_force(
    weekly: Mapping[date, float], applied_at: datetime, ended_at: datetime | None
) -> list[date]:
    """The whole periods that begin with the amounts in force and end before they are not."""
    held = [on for on in sorted(weekly) if on >= applied_at.date()]
    return [on for on in held if ended_at is None or on + weeks.WEEK <= ended_at.date()]


def _expected_effect(plan: BudgetPlan, first: date) -> ExpectedEffect:
    each = (plan.revenue_estimate, plan.revenue_low, plan.revenue_high)
    return ExpectedEffect(
        plan.starts_on or first,
        Interval(*(value / plan.budget_periods for value in each)),
        Interval(plan.lift_estimate, plan.lift_low, plan.lift_high),
    )
