"""Read plans, for the API, the pages and the admin."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet, Sum

from marketing.budget.models import BudgetPlan
from marketing.budget.planner.proposal import Proposal
from marketing.budget.reports import allocations
from marketing.budget.response_format import load_proposal
from marketing.budget.summaries import AllocationInForce, DailyPerformance, PlanSummary
from marketing.channels.models import Performance, TotalRevenue

MAX_PLANS_LISTED = 20
TREND_PERIOD = timedelta(weeks=104)


@dataclass(frozen=True, slots=True)
class BudgetOverview:
    """Everything the budget page shows; `plan` is the leading one."""

    currency: str
    plan: PlanSummary | None
    proposal: Proposal | None
    in_force: tuple[AllocationInForce, ...]
    trend: tuple[DailyPerformance, ...]
    history: tuple[PlanSummary, ...]


def plans() -> QuerySet[BudgetPlan]:
    """Plans with their decisions and allocations, the newest first."""
    return BudgetPlan.objects.select_related("decision").prefetch_related("allocations")


def listed_plans(*, with_allocations: bool) -> QuerySet[BudgetPlan]:
    """Plans for a list: without the request and the proposal, which are large."""
    found = BudgetPlan.objects.select_related("decision").defer("request_summary", "proposal")
    return found.prefetch_related("allocations") if with_allocations else found


def overview(currency: str, plan_id: int | None = None) -> BudgetOverview:
    """The page of the leading plan in `currency`, or of one plan (or BudgetPlan.DoesNotExist).

    Four queries, five where revenue is known in total only.
    """
    newest = list(
        BudgetPlan.objects.filter(currency=currency)
        .select_related("decision")
        .defer("request_summary", "proposal")[:MAX_PLANS_LISTED]
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
    """Summary of the leading plan; one query."""
    plan = leading_plans(currency).defer("request_summary", "proposal").first()
    return plan_summary(plan) if plan else None


def leading_plans(currency: str) -> QuerySet[BudgetPlan]:
    """Plans in `currency`, the newest first; plans from API requests last until they are applied.

    A plan from an API request is based on the rows of its body, not on the stored ones.
    """
    from_request = Q(source=BudgetPlan.Source.API, decision__applied_at=None)
    found = BudgetPlan.objects.filter(currency=currency).select_related("decision")
    return found.alias(from_request=from_request).order_by("from_request", "-created_at", "-pk")


def spend_trend(currency: str, channel: str | None = None) -> tuple[DailyPerformance, ...]:
    """Spend and revenue by date over the last 104 weeks of rows, of one channel or of all.

    For all channels, total revenue is used where no channel's revenue is known.
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
    # Rounded, because SQLite adds money up as floats.
    return tuple(
        DailyPerformance(on, round(spent, 2), None if earned is None else round(earned, 2))
        for on, spent, earned in days
    )


def plan_summary(plan: BudgetPlan) -> PlanSummary:
    """Summary of a plan whose decision is loaded."""
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
        expected=plan.expected_lift,
        realised=plan.realised_lift,
        probability_of_lift=plan.probability_of_lift,
        applied_at=decision.applied_at,
        budget_periods=plan.budget_periods,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
    )
