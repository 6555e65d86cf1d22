"""Read plans, what they are made from, what is in force, and what plans brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isnan, nan

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from aethercrown.formatting import PERCENT, probability_text, signed
from aethercrown.history.attribution import shown_actor
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery, Reader
from marketing.budget.measurement import effect
from marketing.budget.measurement.effect import MEASURED_PERIODS, Effect, PlanExpectation
from marketing.budget.measurement.followed import PlannedSpend, compare
from marketing.budget.model import weeks
from marketing.budget.models import (
    Allocation,
    BudgetAmount,
    BudgetPlan,
    BudgetTask,
    PlanAllocation,
)
from marketing.budget.planner.proposal import Interval, Proposal
from marketing.budget.planner.request import LiftTestResult
from marketing.budget.planner.rounding import decimal_places
from marketing.budget.response_format import load_proposal
from marketing.budget.stored_request import ChannelSettings, SpendRow, StoredHistory
from marketing.channels import reports as channels
from marketing.channels.models import Performance, TotalRevenue

MAX_PLANS_LISTED = 20
TREND_PERIOD = timedelta(weeks=104)
HISTORY_PERIOD = timedelta(weeks=260)
CADENCE_PERIOD = timedelta(weeks=26)  # of rows that tell how often channels report
BUDGET_PERIODS = list(BudgetAmount.Period.choices)
SETTINGS_FIELDS = [each.name for each in fields(ChannelSettings)]


@dataclass(frozen=True, slots=True)
class DailyPerformance:
    """Spend and, where known, revenue on a date."""

    on: date
    spend: Decimal
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class BudgetOverview:
    """Everything the budget page shows; `plan` is the leading one."""

    currency: str
    plan: BudgetPlan | None
    proposal: Proposal | None
    in_force: tuple[Allocation, ...]
    trend: tuple[DailyPerformance, ...]
    history: tuple[BudgetPlan, ...]


def budget_amount() -> BudgetAmount:
    """What the nightly plan divides: as staff set it, else DEFAULT_MARKETING_BUDGET a week."""
    found = BudgetAmount.objects.filter(pk=1).first()
    return found or BudgetAmount(
        amount=settings.DEFAULT_MARKETING_BUDGET, currency=settings.DEFAULT_CURRENCY
    )


def plans() -> QuerySet[BudgetPlan]:
    """Plans with their decisions and allocations, the newest first."""
    return BudgetPlan.objects.select_related("decision").prefetch_related("allocations")


def listed_plans() -> QuerySet[BudgetPlan]:
    """Plans for a list: without the request and the proposal, which are large."""
    return BudgetPlan.objects.select_related("decision").defer("request_summary", "proposal")


def overview(currency: str, plan_id: int | None = None) -> BudgetOverview:
    """The page of the leading plan in `currency`, or of one plan (or BudgetPlan.DoesNotExist).

    Four queries, five where revenue is known in total only.
    """
    newest = tuple(listed_plans().filter(currency=currency)[:MAX_PLANS_LISTED])
    plan = leading_plans(currency).first() if newest and plan_id is None else None
    if plan_id is not None:
        plan = BudgetPlan.objects.select_related("decision").get(pk=plan_id)
    return BudgetOverview(
        currency=currency,
        plan=plan,
        proposal=load_proposal(plan.proposal) if plan else None,
        in_force=in_force(currency),
        trend=spend_trend(currency),
        history=newest,
    )


def newest_plan(currency: str) -> BudgetPlan | None:
    """The leading plan, without its proposal; one query."""
    return leading_plans(currency).defer("request_summary", "proposal").first()


def leading_plans(currency: str) -> QuerySet[BudgetPlan]:
    """Plans in `currency`, the newest first; plans from API requests last until they are applied.

    A plan from an API request is based on the rows of its body, not on the stored ones.
    """
    from_request = Q(source=BudgetPlan.Source.API, decision__applied_at=None)
    found = BudgetPlan.objects.filter(currency=currency).select_related("decision")
    return found.alias(from_request=from_request).order_by("from_request", "-created_at", "-pk")


def spend_trend(currency: str, channel: str | None = None) -> tuple[DailyPerformance, ...]:
    """Spend and revenue by date over the last 104 weeks of rows, of one channel or of all.

    Revenue with an unknown part is unknown. For all channels, total revenue is used where no
    channel's revenue is known.
    """
    rows = Performance.objects.filter(currency=currency)
    if channel is not None:
        rows = rows.filter(channel__name=channel)
    by_date = rows.values("date").annotate(
        spent=Sum("spend"),
        earned=Sum("revenue"),
        unknown=Count("pk", filter=Q(revenue=None, spend__gt=0)),
    )
    newest = by_date.order_by("-date").values_list("date", "spent", "earned", "unknown")
    days = [
        (on, spent, None if unknown else earned)
        for on, spent, earned, unknown in newest[: TREND_PERIOD.days]
    ]
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


def in_force(currency: str) -> tuple[Allocation, ...]:
    """The allocation in force, by channel; one query."""
    rows = Allocation.objects.filter(currency=currency, valid_to__isnull=True)
    return tuple(rows.select_related("channel").order_by("channel__name"))


def amounts_in_force(currency: str, days: int | None = None) -> dict[str, Decimal]:
    """The amounts in force by channel: for the window of their plan, or for one of `days`."""
    return amounts_of(in_force(currency), currency, days)


def amounts_of(
    rows: Sequence[Allocation], currency: str, days: int | None = None
) -> dict[str, Decimal]:
    """The amounts of one plan's allocations by channel, for its window or one of `days`."""
    amounts = {row.channel.name: row.amount for row in rows}
    if days is None or not rows:
        return amounts
    known = BudgetPlan.objects.filter(decision_id=rows[0].decision_id)
    length = window_days(known.only("budget_periods", "request_summary").first())
    places = decimal_places(currency)
    return {name: round(amount * days / length, places) for name, amount in amounts.items()}


def names_now(decision_id: int) -> dict[str, str]:
    """The channels of a decision's plan, by the names that it has of them; some were renamed."""
    rows = PlanAllocation.objects.filter(plan__decision=decision_id)
    present = Coalesce("channel__name", "channel_name")
    return dict(rows.values_list("channel_name").annotate(present=present))


def window_days(plan: BudgetPlan | None) -> int:
    """Days that a plan's amounts are for; plans made before that was kept were for weeks."""
    weeks_long = weeks.WEEK.days * (plan.budget_periods if plan else 1)
    return int(plan.request_summary.get("window_days") or weeks_long) if plan else weeks_long


def followed(
    rows: Sequence[Allocation], currency: str, until: date
) -> tuple[tuple[PlannedSpend, ...], int]:
    """What is in force, `rows`, beside what was spent since, and over how many whole weeks.

    0 weeks: not known yet. Two queries.
    """
    if not rows:
        return (), 0
    since = rows[0].valid_from.date()
    entries = channels.spend_rows(currency, since - CADENCE_PERIOD, until)
    rows_of = [SpendRow(*each) for each in entries]
    stored = StoredHistory((), rows_of, until=until).in_weeks(aggregate=False)
    if not stored.spend:
        return (), 0
    by = stored.calendar(aggregate=False)
    spent: dict[str, dict[date, Decimal]] = {}
    for each in stored.spend:
        week = by.period(each.date)
        if week is not None and week >= since:
            weeks_of = spent.setdefault(each.channel, {})
            weeks_of[week] = weeks_of.get(week, Decimal(0)) + each.spend
    seen = {week for weeks_of in spent.values() for week in weeks_of}
    if not seen:
        return (), 0
    planned = amounts_of(rows, currency, by.length.days)
    by_channel = {name: list(each.values()) for name, each in spent.items()}
    return compare(planned, by_channel, len(seen)), len(seen)


def allocation_ended_at(decision_id: int) -> datetime | None:
    """When a decision's amounts were replaced; None while they are in force."""
    rows = Allocation.objects.filter(decision_id=decision_id, valid_to__isnull=False)
    return rows.order_by("-valid_to").values_list("valid_to", flat=True).first()


def stored_history(currency: str, until: date) -> StoredHistory:
    """What is stored of active channels up to `until`, the last complete day: five years."""
    last = channels.last_spend_date(currency, until)
    since = (last or until) - HISTORY_PERIOD
    active = channels.active_channels(currency).order_by("name")
    tests = channels.finished_lift_tests(currency, until)
    columns = ("channel__name", "spend", "revenue", "standard_error")
    return StoredHistory(
        channels=[ChannelSettings(*each) for each in active.values_list(*SETTINGS_FIELDS)],
        spend=[SpendRow(*each) for each in channels.spend_rows(currency, since, until)],
        totals=channels.total_revenue(currency, since, until),
        flags=channels.calendar_flags(since, until),
        lift_tests=[
            LiftTestResult(name, *map(float, figures))
            for name, *figures in tests.values_list(*columns)
        ],
        until=until,
    )


def measured_effect(plan: BudgetPlan, applied_at: datetime, until: date) -> Effect | None:
    """The realised lift over the first periods in force; None until their rows are stored.

    A plan that was replaced earlier is measured over its own periods.
    """
    weekly = revenue_by_period(plan, until)
    ended_at = allocation_ended_at(plan.decision_id)
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
    """Revenue by period up to `until`, of the plan's channels or, for totals, of the company.

    A period in which a channel's revenue is unknown is left out.
    """
    aggregate = plan.mode == BudgetPlan.Mode.AGGREGATE
    stored = stored_history(plan.currency, until).in_weeks(aggregate=aggregate)
    if not stored.spend:
        return {}
    if aggregate:
        by = stored.calendar(aggregate=True)
        return weeks.by_period(((on, float(amount)) for on, amount in stored.totals), by)
    names = set(names_now(plan.decision_id).values())
    factors = {each.name: each.incrementality for each in stored.channels if each.name in names}
    own = (
        (each.date, nan if each.revenue is None else float(each.revenue) * factors[each.channel])
        for each in stored.spend
        if each.channel in factors and (each.spend or each.revenue is not None)
    )
    found = weeks.by_period(own, stored.calendar(aggregate=False))
    return {on: revenue for on, revenue in found.items() if not isnan(revenue)}


def _periods_in_force(
    weekly: Mapping[date, float], applied_at: datetime, ended_at: datetime | None
) -> list[date]:
    """The complete periods in which the amounts were in force."""
    since = [on for on in sorted(weekly) if on >= applied_at.date()]
    return [on for on in since if ended_at is None or on + weeks.WEEK <= ended_at.date()]


def _expected_effect(plan: BudgetPlan, first: date) -> PlanExpectation:
    """What the plan expects of a week: revenue is compared by week, whatever its periods are."""
    revenue, share = plan.expected_revenue, weeks.WEEK.days / window_days(plan)
    a_week = (value * share for value in (revenue.estimate, revenue.low, revenue.high))
    return PlanExpectation(plan.starts_on or first, Interval(*a_week), plan.expected_lift)


def read_planned(query: MetricQuery) -> dict[str, Reading]:
    """The budget of the leading plan."""
    plan = newest_plan(query.currency)
    if plan is None:
        return {"budget.planned": unknown(f"No plan in {query.currency} yet")}
    lift = signed(plan.expected_lift.estimate, PERCENT)
    chance = probability_text(plan.probability_of_lift)
    status = plan.decision.get_status_display().lower()
    note = f"{status}; expected lift {lift}, probability {chance}"
    return {"budget.planned": Reading(plan.total, note=note)}


def read_spend(query: MetricQuery) -> dict[str, Reading]:
    rows = Performance.objects.filter(
        currency=query.currency, date__gte=query.period.first, date__lte=query.period.last
    )
    spent = rows.aggregate(spent=Sum("spend"))["spent"]
    reason = f"No spend in {query.currency} is stored for the period"
    return {"budget.spend": Reading(spent, reason)}


def _metric(
    name: str, title: str, definition: str, reader: Reader, *, has_history: bool = True
) -> Metric:
    return Metric(
        f"budget.{name}",
        title,
        definition,
        MetricUnit.MONEY,
        Good.NEITHER,
        "/dashboards/budget",
        reader,
        has_history,
    )


METRICS = (
    _metric(
        "planned",
        "Marketing budget",
        "The total of the leading plan, with its status.",
        read_planned,
        has_history=False,
    ),
    _metric(
        "spend", "Marketing spend", "What was spent in the period, over all channels.", read_spend
    ),
)


def open_tasks(currency: str) -> list[tuple[str, str, str]]:
    """Budgets that a named person has to set: what, who, and the path of the task."""
    rows = BudgetTask.objects.filter(done_at=None, currency=currency)
    return [
        (
            each.title,
            shown_actor(each.person),
            reverse("admin:marketing_budgettask_change", args=[each.pk]),
        )
        for each in rows
    ]
