"""Store marketing's part of the demo company."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from django.conf import settings

from aethercrown.demo import NotEmpty, Seeding
from marketing.budget import services as budget
from marketing.budget.model.weeks import WEEK, week_of
from marketing.budget.models import Allocation, AllocationLock, BudgetPlan, BudgetTask
from marketing.channels.models import Channel, LiftTest, Performance
from marketing.demo.company import CHANNELS, WEEKS, ChannelWeek, SimulatedCompany
from operations.decisions import services as decisions

WEEKS_UNDER_PLAN = 8  # weeks for which the first plan is in force
DEMAND_RESPONSE = 0.5  # before the first plan, spend follows demand half-way
UNPLANNED_LOG_SD, PLANNED_LOG_SD = 0.3, 0.08  # of spend around its plan
MANAGER = "demo: marketing manager"


def seed(seeding: Seeding) -> None:
    """Two years of six channels; a plan applied eight weeks ago and measured; one proposed plan."""
    if Channel.objects.exists():
        raise NotEmpty(
            "This installation has channels of its own, so the demo company was not loaded."
        )
    company = SimulatedCompany(seeding.random, float(settings.DEFAULT_MARKETING_BUDGET))
    channels = {each.name: Channel(name=each.name, notes="Demo company.") for each in CHANNELS}
    Channel.objects.bulk_create(channels.values())
    channels = Channel.objects.in_bulk(list(channels), field_name="name")
    seeding.keep(channels.values())

    this_week = week_of(seeding.today)
    decided_on = this_week - WEEKS_UNDER_PLAN * WEEK
    before = [this_week - count * WEEK for count in range(WEEKS, WEEKS_UNDER_PLAN, -1)]
    after = [this_week - count * WEEK for count in range(WEEKS_UNDER_PLAN, 0, -1)]
    _store_weeks(
        seeding,
        channels,
        (company.week(on, company.usual, UNPLANNED_LOG_SD, DEMAND_RESPONSE) for on in before),
    )
    _store_lift_test(seeding, channels["Video"], company)
    then = seeding.now - (seeding.today - decided_on)
    waiting = budget.replan(now=then, mode="propose")
    plan = budget.approve(waiting.pk, actor=MANAGER, note="Demo company.", now=then)
    spends = {each.channel_name: float(each.amount) for each in plan.allocations.all()}
    _store_weeks(seeding, channels, (company.week(on, spends, PLANNED_LOG_SD) for on in after))
    decisions.measure_due(seeding.now)
    seeding.keep(AllocationLock.objects.all())
    _track_plan(seeding, plan)
    _track_plan(seeding, budget.replan(now=seeding.now, mode="propose"))


def _store_weeks(
    seeding: Seeding, channels: Mapping[str, Channel], weeks: Iterable[list[ChannelWeek]]
) -> None:
    rows = [
        Performance(
            channel=channels[each.channel],
            date=each.starts_on,
            spend=each.spend,
            revenue=each.revenue,
        )
        for week in weeks
        for each in week
    ]
    seeding.keep(Performance.objects.bulk_create(rows))


def _store_lift_test(seeding: Seeding, channel: Channel, company: SimulatedCompany) -> None:
    """A lift test half a year ago that confirmed one channel's ROI."""
    truth = next(each for each in CHANNELS if each.name == channel.name)
    ends_on = week_of(seeding.today) - timedelta(weeks=26, days=1)
    spend = Decimal(repr(company.usual[truth.name])).quantize(Decimal("0.01"))
    revenue = spend * Decimal(repr(truth.roi))
    test = LiftTest.objects.create(
        channel=channel,
        starts_on=ends_on - timedelta(days=27),
        ends_on=ends_on,
        spend=spend,
        revenue=revenue.quantize(Decimal("0.01")),
        standard_error=(revenue * Decimal("0.15")).quantize(Decimal("0.01")),
        notes="Demo company: four weeks in half of the regions.",
    )
    seeding.keep([test])


def _track_plan(seeding: Seeding, plan: BudgetPlan) -> None:
    """Record a plan, its decision and its allocations as demo rows."""
    seeding.keep([plan.decision])
    seeding.keep([plan])
    seeding.keep(plan.allocations.all())
    seeding.keep(Allocation.objects.filter(decision=plan.decision))
    tasks = BudgetTask.objects.filter(decision=plan.decision, done_at=None)
    tasks.update(done_at=seeding.now, done_by=MANAGER)
    seeding.keep(BudgetTask.objects.filter(decision=plan.decision))
