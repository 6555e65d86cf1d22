"""A request stored for a job is the request that was made, and says how long it will take."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from marketing.budget.planner import request_json, work
from marketing.budget.planner.digest import request_digest
from marketing.budget.planner.request import (
    BudgetRequest,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
)

DAY = date(2026, 1, 5)
PLAIN = BudgetRequest(Decimal("100.10"), (PerformanceRow("ads", 1.5, 2.25, DAY),))
WHOLE = BudgetRequest(
    total=Decimal("1000.30"),
    rows=(PerformanceRow("ads", 10.1, None, DAY), PerformanceRow("mail", 0.0, 3.0)),
    currency="EUR",
    constraints={"ads": SpendLimit(Decimal("1.10"), None)},
    new_channels=("radio",),
    min_allocation_percent=Decimal("2.5"),
    max_change_percent=Decimal(20),
    present={"ads": Decimal("7.70")},
    budget_periods=4,
    starts_on=DAY,
    incrementality={"ads": 0.5},
    lift_tests=(LiftTestResult("ads", 10.0, 20.0, 3.0),),
    total_revenue=((DAY, 100.0),),
    platform_roi={"ads": 2.0},
    controls={"promo": {DAY: 1.0}},
)


def test_a_request_comes_back_as_it_was():
    for each in (PLAIN, WHOLE):
        stored = json.loads(json.dumps(request_json.to_json(each)))
        assert request_json.from_json(stored) == each
        assert request_digest(request_json.from_json(stored)) == request_digest(each)


def test_a_hundred_channels_over_a_hundred_weeks_of_totals_are_heavy():
    rows = tuple(
        PerformanceRow(f"c{channel}", 1.0, 1.0, DAY + timedelta(7 * week))
        for channel in range(100)
        for week in range(100)
    )
    by_channel = BudgetRequest(Decimal(100), rows)
    by_total = replace(by_channel, total_revenue=((DAY, 1.0),))
    assert work.estimate_seconds(by_total) > 8 * work.estimate_seconds(by_channel)
    assert work.is_heavy(by_total)
    assert not work.is_heavy(PLAIN)
