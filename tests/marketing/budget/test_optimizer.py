"""The documented class, without a database."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from marketing.budget.optimizer import MarketingBudgetOptimizer
from marketing.budget.planner.request import Infeasible

ROWS = [
    {"channel": "search", "spend": 5000, "revenue": 20000},
    {"channel": "social", "spend": 3000.0, "revenue": Decimal(9000)},
    {"channel": "post", "spend": 2000, "revenue": 3000},
]


def test_a_budget_is_divided_to_the_cent():
    found = MarketingBudgetOptimizer().optimize_allocation(12_000.55, ROWS)
    assert set(found) == {"search", "social", "post"}
    assert sum(Decimal(str(each)) for each in found.values()) == Decimal("12000.55")


def test_limits_are_kept():
    optimizer = MarketingBudgetOptimizer(
        constraints={"post": {"min": 100, "max": 150}, "search": {}},
        min_allocation_percent=1, max_change_percent=90,
    )  # fmt: skip
    assert 100 <= optimizer.optimize_allocation(10_000, ROWS)["post"] <= 200


def test_performance_says_what_each_channel_brings_now():
    found = MarketingBudgetOptimizer().analyze_channel_performance(ROWS)
    assert found["search"]["roi_percent"] == 300
    assert found["search"]["current_allocation"] == 5000
    assert found["search"]["marginal_roi"] > found["post"]["marginal_roi"]
    assert found["post"]["evidence"] == "low"


def test_recommendations_are_for_the_present_total_unless_told():
    dated = [
        {**row, "date": day}
        for row in ROWS
        for day in (date(2026, 1, 5), "2026-01-12", datetime(2026, 1, 19, 9))  # noqa: DTZ001 - naive as callers send it
    ]
    found = MarketingBudgetOptimizer().get_recommendations(dated)
    assert sum(each["suggested_allocation"] for each in found) == pytest.approx(10_000)
    more = MarketingBudgetOptimizer().get_recommendations(dated, 20_000)
    assert sum(each["suggested_allocation"] for each in more) == pytest.approx(20_000)
    assert {"channel", "action", "reason", "current_allocation", "suggested_allocation"} == set(
        more[0]
    )


def test_every_wrong_row_is_named():
    rows: list[dict[str, object]] = [{"channel": "a"}, {"channel": "a", "spend": "1", "revenue": 2},
            {"channel": "a", "spend": True, "revenue": 2},
            {"channel": "a", "spend": 1, "revenue": 2, "date": "yesterday"}]  # fmt: skip
    with pytest.raises(Infeasible) as refused:
        MarketingBudgetOptimizer().optimize_allocation(100, rows)
    assert [each.field for each in refused.value.problems] == [
        f"historical_data[{at}]" for at in range(4)
    ]
    assert "'spend' is missing" in str(refused.value)
    assert "a number is needed, not '1'" in str(refused.value)


@pytest.mark.parametrize("total", [0, -1, float("nan"), float("inf")])
def test_a_total_that_is_no_budget_is_refused(total):
    with pytest.raises(ValueError, match="total_budget"):
        MarketingBudgetOptimizer().optimize_allocation(total, ROWS)


def test_spend_that_is_no_number_is_refused_by_every_call():
    rows = [{"channel": "a", "spend": float("nan"), "revenue": 1}]
    for call in ("analyze_channel_performance", "get_recommendations"):
        with pytest.raises(Infeasible, match="finite"):
            getattr(MarketingBudgetOptimizer(), call)(rows)
