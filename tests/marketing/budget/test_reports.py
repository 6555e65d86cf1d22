"""What pages read about plans, in few queries."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine

from marketing.budget import reports, services
from marketing.budget.models import BudgetPlan
from marketing.budget.planner.request import BudgetRequest, PerformanceRow
from marketing.channels.models import Channel, TotalRevenue
from operations.decisions import services as decisions
from tests.marketing.conftest import LAST_WEEK, NOW, USUAL, brought, overview

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(live):
    """A plan in force, measured, and a newer one that waits."""
    live(30)
    plan = services.replan(now=NOW, mode="propose")
    services.approve(plan.pk, actor="ada", now=NOW)
    amounts = {share.channel_name: share.amount for share in plan.allocations.all()}
    live(5, plan=amounts, after=True)
    later = NOW + timedelta(weeks=5)
    decisions.measure_due(later)
    services.replan(now=later, mode="propose")
    return plan


def test_an_empty_installation_has_an_empty_page():
    page = reports.overview("USD")
    assert (page.plan, page.proposal, page.in_force, page.trend, page.history) == (
        None,
        None,
        (),
        (),
        (),
    )
    assert reports.newest_plan("USD") is None


def test_the_page_shows_the_newest_plan_and_what_the_former_brought(
    measured, django_assert_num_queries
):
    with django_assert_num_queries(4):
        page = overview()
    assert page.plan.decision.status == "proposed"
    assert page.proposal.allocations.keys() == USUAL.keys()
    assert [line.decision.status for line in page.history] == ["proposed", "measured"]
    assert page.history[1].realised_lift.low < page.history[1].realised_lift.high
    assert page.history[0].realised_lift is None
    assert {row.decision_id for row in page.in_force} == {measured.decision_id}
    assert page.trend[-1].on == LAST_WEEK + timedelta(weeks=5)
    assert reports.newest_plan("USD") == page.plan


def test_one_plan_can_be_asked_for(measured):
    assert overview(measured.pk).plan.pk == measured.pk
    with pytest.raises(BudgetPlan.DoesNotExist):
        overview(0)


def test_the_trend_of_one_channel_is_its_own(live):
    live(3)
    assert len(reports.spend_trend("USD", "Search")) == 3
    whole, own = reports.spend_trend("USD")[0], reports.spend_trend("USD", "Search")[0]
    assert own.spend < whole.spend
    assert reports.spend_trend("USD", "nobody") == ()


def test_the_trend_reaches_104_weeks_back(live):
    live(120)
    assert len(reports.spend_trend("USD")) == 104


def test_where_only_totals_are_known_they_are_the_trend(live, django_assert_num_queries):
    live(3, revenue=False)
    TotalRevenue.objects.create(date=LAST_WEEK, amount=Decimal(9), currency="USD")
    with django_assert_num_queries(2):
        days = reports.spend_trend("USD")
    assert [day.revenue for day in days] == [None, None, Decimal(9)]


def test_a_channels_incrementality_counts_in_what_a_plan_brought(live):
    live(30)
    plan = services.replan(now=NOW, mode="propose")
    before = reports.revenue_by_period(plan, LAST_WEEK + timedelta(days=6))
    Channel.objects.update(incrementality=0.5)
    after = reports.revenue_by_period(plan, LAST_WEEK + timedelta(days=6))
    assert after == pytest.approx({on: 0.5 * amount for on, amount in before.items()})


def test_a_plan_replaced_early_is_measured_over_the_weeks_it_had(live):
    live(30)
    first = services.replan(now=NOW, mode="propose")
    services.approve(first.pk, actor="ada", now=NOW)
    live(4, after=True)
    rows = (PerformanceRow("Search", 100.0, 300.0), PerformanceRow("Video", 50.0, 200.0))
    later = NOW + timedelta(weeks=2)
    second = services.optimize(
        BudgetRequest(Decimal(100), rows), source="api", mode="propose", now=later
    )
    services.approve(second.pk, actor="ada", now=later)
    found = brought(first, date(2026, 2, 28))
    assert len(found.periods) == 2


def test_a_plan_replaced_at_once_is_never_measured(live):
    live(30)
    first = services.replan(now=NOW, mode="propose")
    services.approve(first.pk, actor="ada", now=NOW)
    with time_machine.travel(NOW, tick=False):
        services.roll_back(first.pk, actor="ada", now=NOW)
    live(4, after=True)
    assert brought(first, date(2026, 2, 28)) is None


def test_what_a_caller_of_the_api_only_asked_about_does_not_take_the_companys_place(measured):
    own = reports.newest_plan("USD")
    rows = (PerformanceRow("a", 10.0, 20.0), PerformanceRow("b", 10.0, 30.0))
    asked = services.optimize(
        BudgetRequest(Decimal(10), rows), source="api", mode="propose", now=NOW + timedelta(weeks=6)
    )
    assert reports.newest_plan("USD") == own
    page = overview()
    assert page.plan == own
    assert page.history[0].pk == asked.pk


def test_a_plan_of_the_api_leads_where_there_is_no_other_or_once_it_was_applied(measured):
    rows = (PerformanceRow("a", 10.0, 20.0), PerformanceRow("b", 10.0, 30.0))
    now = NOW + timedelta(weeks=6)
    yen, dollars = (
        services.optimize(
            BudgetRequest(Decimal(10), rows, currency=code), source="api", mode="propose", now=now
        )
        for code in ("JPY", "USD")
    )
    newest = reports.newest_plan("JPY")
    assert newest
    assert newest.pk == yen.pk
    services.approve(dollars.pk, actor="ada", now=now)
    newest = reports.newest_plan("USD")
    assert newest
    assert newest.pk == dollars.pk
