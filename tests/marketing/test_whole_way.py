"""Both runs of the product, the whole way, with generated rows.

A company that knows only its total revenue: one command imports its wide file, the automation
runs, and the plan waits with a verdict that says what the data can and cannot. A company with
revenue by channel: its plan is approved, applied, measured and taken back.
"""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

from marketing.budget import reports, services
from marketing.budget.models import BudgetPlan
from marketing.channels.models import CalendarFlag, Channel, Performance, TotalRevenue
from operations.automations import seeding
from operations.decisions import services as decisions
from tests.marketing.conftest import load_demo, overview

pytestmark = pytest.mark.django_db
WEEK = timedelta(weeks=1)
FIRST = date(2024, 1, 7)
SPEND = {"mail": 9000, "press": 5000, "web": 7000}


@pytest.fixture(autouse=True)
def _schedule():
    """Another test may have flushed what the migration made."""
    seeding.seed(apps, name=services.BUDGET_AUTOMATION.name, title="Budget", at="03:00")


@pytest.fixture
def wide_file(tmp_path):
    """Sixty weeks: three spend columns, total sales, a holiday flag, and columns of no interest."""
    draw, weeks = np.random.default_rng(4), 60
    spend = {
        name: usual * np.exp(0.4 * draw.standard_normal(weeks)) for name, usual in SPEND.items()
    }
    season = 1 + 0.2 * np.sin(2 * np.pi * np.arange(weeks) / 52)
    sales = 100_000 * season + 60_000 * sum((spend[n] / SPEND[n]) ** 0.5 for n in SPEND) / 3
    sales += 5_000 * draw.standard_normal(weeks)
    path = tmp_path / "retailer.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["wk", *(f"sp_{name}" for name in SPEND), "sales", "hl_Easter", "gas"])
        for week in range(weeks):
            writer.writerow(
                [
                    FIRST + week * WEEK,
                    *(f"{spend[name][week]:.2f}" for name in SPEND),
                    f"{sales[week]:.2f}",
                    int(week in {12, 64}),
                    3.5,
                ]
            )
    return path


def test_a_company_that_knows_only_totals_gets_a_plan_that_waits_with_its_verdict(
    wide_file, capsys, settings
):
    settings.DEFAULT_MARKETING_BUDGET = Decimal(21000)
    maps = ["date=wk", "revenue=sales", "spend=sp_*", "control=hl_*"]
    call_command(
        "import_data", "budget-weekly", str(wide_file), *(f"--map={each}" for each in maps)
    )
    assert "60 rows read: 240 records stored" in capsys.readouterr().out
    assert (Performance.objects.count(), TotalRevenue.objects.count()) == (180, 60)
    assert CalendarFlag.objects.count() == 1

    call_command("run_automation", "--only", "marketing.optimize_budget")
    assert "(proposed): $21,000.00" in capsys.readouterr().out

    page = overview()
    assert (page.plan.decision.status, page.proposal.mode) == ("proposed", "aggregate")
    assert sum(page.proposal.allocations.values()) == 21_000
    assert not page.proposal.auto_applicable
    assert any("Only total revenue is known" in each for each in page.proposal.reasons_against)
    assert page.proposal.next_experiment is not None
    assert "Over " in page.proposal.backtest_note
    assert {curve.channel for curve in page.proposal.curves} == set(SPEND)
    assert all(p.low <= p.high for curve in page.proposal.curves for p in curve.points)
    assert page.in_force == ()

    call_command("run_automation", "--only", "marketing.optimize_budget")
    assert BudgetPlan.objects.count() == 1


def test_a_company_with_revenue_by_channel_goes_on_to_measuring_and_roll_back(capsys):
    load_demo(date(2026, 1, 16))
    before = reports.amounts_in_force("USD")
    plan = BudgetPlan.objects.select_related("decision").latest("pk")
    assert plan.decision.status == "proposed"

    now = datetime(2026, 1, 19, 9, tzinfo=UTC)
    services.approve(plan.pk, actor="ada", note="Agreed.", now=now)
    shares = {share.channel_name: share.amount for share in plan.allocations.all()}
    assert reports.amounts_in_force("USD") == shares != before

    usual = dict(
        Performance.objects.filter(date=date(2026, 1, 5)).values_list("channel", "revenue")
    )
    for week in range(4):
        Performance.objects.bulk_create(
            Performance(
                channel=channel,
                date=date(2026, 1, 19) + week * WEEK,
                spend=shares[channel.name],
                revenue=usual[channel.pk],
            )
            for channel in Channel.objects.all()
        )
    assert decisions.measure_due(now + 5 * WEEK) == 1
    measured = overview(plan.pk).plan
    assert measured.decision.status == "measured"
    assert (
        measured.realised_lift.low < measured.realised_lift.estimate < measured.realised_lift.high
    )

    services.roll_back(plan.pk, actor="ada", note="As it was.", now=timezone.now())
    assert reports.amounts_in_force("USD") == before
    assert overview(plan.pk).plan.decision.status == "rolled_back"
