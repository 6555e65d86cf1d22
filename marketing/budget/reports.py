"""Reading plans and the allocation in force, for pages and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum

from marketing.budget.answer import restored
from marketing.budget.models import Allocation, Plan
from marketing.budget.proposal import Interval, Proposal
from marketing.channels.models import Performance, TotalRevenue

HISTORY = 20  # plans listed on the page
TREND = timedelta(weeks=104)


@dataclass(frozen=True, slots=True)
class InForce:
    """What a channel gets now, by which plan, since when."""

    channel: str
    amount: Decimal
    currency: str
    plan_id: int
    since: datetime


@dataclass(frozen=True, slots=True)
class PlanLine:
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


@dataclass(frozen=True, slots=True)
class Day:
    """Spend and revenue of all channels (or of one) on a date; None where not known."""

    on: date
    spend: Decimal
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the budget page shows. `plan` is the newest one, `proposal` its whole answer."""

    currency: str
    plan: PlanLine | None
    proposal: Proposal | None
    in_force: tuple[InForce, ...]
    trend: tuple[Day, ...]
    history: tuple[PlanLine, ...]


def plans() -> QuerySet[Plan]:
    """Plans with what tells their state; the newest first."""
    return Plan.objects.select_related("decision").prefetch_related("shares")


def overview(currency: str, plan_id: int | None = None) -> Overview:
    """The page of the newest plan in `currency`, or of one plan; Plan.DoesNotExist for none such.

    Four queries, five where revenue is known in total only.
    """
    newest = list(
        Plan.objects.filter(currency=currency)
        .select_related("decision")
        .defer("question", "proposal")[:HISTORY]
    )
    shown = plan_id if plan_id is not None else (newest[0].pk if newest else None)
    plan = Plan.objects.select_related("decision").get(pk=shown) if shown is not None else None
    return Overview(
        currency=currency,
        plan=line(plan) if plan else None,
        proposal=restored(plan.proposal) if plan else None,
        in_force=in_force(currency),
        trend=trend(currency),
        history=tuple(line(each) for each in newest),
    )


def in_force(currency: str) -> tuple[InForce, ...]:
    """The applied allocation, by channel."""
    rows = Allocation.objects.filter(currency=currency, valid_to__isnull=True)
    named = rows.select_related("channel").order_by("channel__name")
    return tuple(
        InForce(row.channel.name, row.amount, row.currency, row.plan_id, row.valid_from)
        for row in named
    )


def trend(currency: str, channel: str | None = None) -> tuple[Day, ...]:
    """Spend and revenue by date over the last 104 weeks of rows, of one channel or of all.

    Where no channel's revenue is known, that of all is the company's total.
    """
    rows = Performance.objects.filter(currency=currency)
    if channel is not None:
        rows = rows.filter(channel__name=channel)
    by_date = rows.values("date").annotate(spent=Sum("spend"), earned=Sum("revenue"))
    days = list(by_date.order_by("-date").values_list("date", "spent", "earned")[: TREND.days])
    days = [each for each in reversed(days) if each[0] > days[0][0] - TREND]
    if channel is None and days and all(earned is None for _, _, earned in days):
        totals = TotalRevenue.objects.filter(currency=currency, date__gte=days[0][0])
        amounts = dict(totals.values_list("date", "amount"))
        days = [(on, spent, amounts.get(on)) for on, spent, _ in days]
    return tuple(Day(*each) for each in days)


def line(plan: Plan) -> PlanLine:
    """A plan beside its decision, which must be at hand."""
    decision = plan.decision
    return PlanLine(
        plan_id=plan.pk,
        decision_id=decision.pk,
        created_at=plan.created_at,
        source=plan.source,
        total=plan.total,
        currency=plan.currency,
        status=decision.status,
        verdict=decision.verdict,
        expected=Interval(plan.lift_estimate, plan.lift_low, plan.lift_high),
        realised=realised(decision.realised),
        probability_of_lift=plan.probability_of_lift,
        applied_at=decision.applied_at,
    )


def realised(row: dict[str, float] | None) -> Interval | None:
    """The measured effect as the ledger holds it."""
    return Interval(row["value"], row["low"], row["high"]) if row else None


def amounts(rows: Sequence[InForce]) -> dict[str, Decimal]:
    return {row.channel: row.amount for row in rows}
