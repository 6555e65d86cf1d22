"""A stored proposal comes back as it was, and speaks the contract's words."""

import json
from dataclasses import asdict, replace
from decimal import Decimal

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from marketing.budget.planner import planning
from marketing.budget.planner.request import BudgetRequest, PerformanceRow
from marketing.budget.response_format import load_proposal, optimize_response

NAMES = {
    "allocations",
    "channel_roi",
    "total_budget",
    "currency",
    "recommendations",
    "expected_revenue",
    "expected_lift_percent",
    "channels",
    "probability_of_lift",
    "auto_applicable",
    "method",
    "plan_id",
}


@pytest.fixture(scope="module")
def proposal():
    rows = (
        PerformanceRow("a", 100.0, 300.0),
        PerformanceRow("b", 50.0, 200.0),
        PerformanceRow("c", 70.0, 90.0),
    )
    return planning.plan(BudgetRequest(Decimal("1000.01"), rows))


def stored(proposal):
    """The proposal as the database returns it."""
    return json.loads(json.dumps(asdict(proposal), cls=DjangoJSONEncoder))


def test_a_proposal_is_loaded_as_it_was_stored(proposal):
    assert load_proposal(stored(proposal)) == proposal


def test_parts_that_are_missing_come_back_missing(proposal):
    bare = replace(proposal, backtest=None, next_experiment=None)
    assert load_proposal(stored(bare)) == bare
    assert optimize_response(bare, 1)["next_experiment"] is None


def test_the_answer_has_the_contracts_names_and_adds_up(proposal):
    answer = optimize_response(proposal, 7)
    assert set(answer) >= NAMES
    assert answer["plan_id"] == 7
    assert sum(Decimal(str(each)) for each in answer["allocations"].values()) == Decimal("1000.01")
    assert json.dumps(answer, allow_nan=False)
