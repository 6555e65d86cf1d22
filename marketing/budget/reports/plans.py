"""Reading plans, what they were made from, and what they brought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import overload

from django.db.models import Q, QuerySet, Sum

from marketing.budget import stored_request
from marketing.budget.measurement.effect import PERIODS, Effect, Promise, effect, harms
from marketing.budget.model import weeks
from marketing.budget.models import Plan
from marketing.budget.planner.proposal import Interval, Proposal
from marketing.budget.planner.request import LiftTest
from marketing.budget.reports import allocations
from marketing.budget.reports.allocations import InForce
from marketing.budget.response_format import restored
from marketing.channels import reports as channels
from marketing.channels.models import Performance, TotalRevenue

HISTORY = 20  # plans listed on the page
TREND = timedelta(weeks=104)
LOOK_BACK = timedelta(weeks=260)


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
    budget_periods: int
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Day:
    """Spend and revenue of all channels (or of one) on a date; None where not known."""

    on: date
    spend: Decimal
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the budget page shows. `plan` is the leading one, `proposal` its whole answer."""

    currency: str
    plan: PlanLine | None
    proposal: Proposal | None
    in_force: tuple[InForce, ...]
    trend: tuple[Day, ...]
    history: tuple[PlanLine, ...]


# --- Pages --------------------------------------------------------------------------------------


def plans() -> QuerySet[Plan]:
    """Plans with what tells their state; the newest first."""
    return Plan.objects.select_related("decision").prefetch_related("shares")


def overview(currency: str, plan_id: int | None = None) -> Overview:
    """The page of the leading plan in `currency`, or of one plan; Plan.DoesNotExist for none such.

    Four queries, five where revenue is known in total only.
    """
    newest = list(
        Plan.objects.filter(currency=currency)
        .select_related("decision")
        .defer("question", "proposal")[:HISTORY]
    )
    plan = leading(currency).first() if newest and plan_id is None else None
    if plan_id is not None:
        plan = Plan.objects.select_related("decision").get(pk=plan_id)
    return Overview(
        currency=currency,
        plan=line(plan) if plan else None,
        proposal=restored(plan.proposal) if plan else None,
        in_force=allocations.in_force(currency),
        trend=trend(currency),
        history=tuple(line(each) for each in newest),
    )


def newest(currency: str) -> PlanLine | None:
    """The leading plan without its curves; one query."""
    plan = leading(currency).defer("question", "proposal").first()
    return line(plan) if plan else None


def leading(currency: str) -> QuerySet[Plan]:
    """The newest plan first, but after all others those that a caller of the API only asked about.

    Such a plan rests on the rows of its body; it stands for the company once it was applied.
    """
    asked_about = Q(source=Plan.Source.API, decision__applied_at=None)
    found = Plan.objects.filter(currency=currency).select_related("decision")
    return found.alias(asked_about=asked_about).order_by("asked_about", "-created_at", "-pk")


def trend(currency: str, channel: str | None = None) -> tuple[Day, ...]:
    """Spend and revenue by date over the last 104 weeks of rows, of one channel or of all.

    Where no channel's revenue is known, that of all is the company's total.
    """
    rows = Performance.objects.filter(currency=currency)
    if channel is not None:
        rows = rows.filter(channel__name=channel)
    by_date = rows.values("date").annotate(spent=Sum("spend"), earned=Sum("revenue"))
    newest = by_date.order_by("-date").values_list("date", "spent", "earned")[: TREND.days]
    days = list(newest)
    days = [each for each in reversed(days) if each[0] > days[0][0] - TREND]
    if channel is None and days and all(earned is None for _, _, earned in days):
        totals = TotalRevenue.objects.filter(currency=currency, date__gte=days[0][0])
        amounts = dict(totals.values_list("date", "amount"))
        days = [(on, spent, amounts.get(on)) for on, spent, _ in days]
    return tuple(Day(on, _cents(spent), _cents(earned)) for on, spent, earned in days)


@overload
def _cents(amount: Decimal) -> Decimal: ...
@overload
def _cents(amount: Decimal | None) -> Decimal | None: ...
def _cents(amount: Decimal | None) -> Decimal | None:
    """SQLite adds money up as floats."""
    return None if amount is None else round(amount, 2)


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
        budget_periods=plan.budget_periods,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
    )


def realised(row: Mapping[str, float] | None) -> Interval | None:
    """The measured effect as the ledger holds it."""
    return Interval(row["value"], row["low"], row["high"]) if row else None


# --- What a plan is made from -------------------------------------------------------------------


def known(currency: str, until: date) -> stored_request.Known:
    """Everything stored about active channels in the five years up to the newest row.

    `until` is the last day that is over.
    """
    last = channels.last_date(currency, until)
    since = (last or until) - LOOK_BACK
    return stored_request.Known(
        channels=[
            stored_request.Bounds(
                each.name,
                each.is_held,
                each.floor,
                each.ceiling,
                each.incrementality,
                each.platform_roi,
            )
            for each in channels.active(currency).order_by("name")
        ],
        spent=[stored_request.Spent(*row) for row in channels.spent(currency, since, until)],
        totals=channels.totals(currency, since, until),
        flags=channels.flags(since, until),
        tests=[
            LiftTest(
                test.channel.name,
                float(test.spend),
                float(test.revenue),
                float(test.standard_error),
            )
            for test in channels.lift_tests(currency, until)
        ],
        until=until,
    )


# --- What a plan brought ------------------------------------------------------------------------


def brought(plan: Plan, applied_at: datetime, until: date) -> Effect | None:
    """The realised lift over the first periods in force; None while their rows are missing.

    A plan replaced earlier is measured over the periods that it had.
    """
    weekly = revenue(plan, until)
    ended_at = allocations.ended_at(plan.decision_id)
    window = _window(weekly, applied_at, ended_at)[:PERIODS]
    if not window or (ended_at is None and len(window) < PERIODS):
        return None
    return effect(weekly, window, _promise(plan, window[0]))


def does_harm(plan: Plan, applied_at: datetime, until: date) -> bool:
    """Whether an applied plan earned less than its 5 % bound two periods running."""
    weekly = revenue(plan, until)
    window = _window(weekly, applied_at, None)
    return bool(window) and harms(weekly, window, _promise(plan, window[0]))


def revenue(plan: Plan, until: date) -> dict[date, float]:
    """Revenue by period up to `until`, of the plan's channels or, for totals, of the company."""
    stored = known(plan.currency, until)
    if not stored.spent:
        return {}
    spent_on = [each.date for each in stored.spent]
    if plan.mode == Plan.Mode.AGGREGATE:
        by = weeks.calendar(spent_on, [on for on, _ in stored.totals], until)
        return weeks.summed(((on, float(amount)) for on, amount in stored.totals), by)
    names = set(plan.shares.values_list("channel_name", flat=True))
    factors = {each.name: each.incrementality for each in stored.channels if each.name in names}
    own = (
        (each.date, float(each.revenue) * factors[each.channel])
        for each in stored.spent
        if each.revenue is not None and each.channel in factors
    )
    return weeks.summed(own, weeks.calendar(spent_on, until=until))


def _window(
    weekly: Mapping[date, float], applied_at: datetime, ended_at: datetime | None
) -> list[date]:
    """The whole periods that begin with the amounts in force and end before they are not."""
    held = [on for on in sorted(weekly) if on >= applied_at.date()]
    return [on for on in held if ended_at is None or on + weeks.WEEK <= ended_at.date()]


def _promise(plan: Plan, first: date) -> Promise:
    each = (plan.revenue_estimate, plan.revenue_low, plan.revenue_high)
    return Promise(
        plan.starts_on or first,
        Interval(*(value / plan.budget_periods for value in each)),
        Interval(plan.lift_estimate, plan.lift_low, plan.lift_high),
    )
