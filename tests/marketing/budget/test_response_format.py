"""A stored proposal comes back as it was, and speaks the contract's words."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from marketing.budget.planner import planner
from marketing.budget.planner.request import Question, Row
from marketing.budget.response_format import contract, restored

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
    rows = (Row("a", 100.0, 300.0), Row("b", 50.0, 200.0), Row("c", 70.0, 90.0))
    return planner.plan(Question(Decimal("1000.01"), rows))


def test_a_proposal_survives_its_way_through_json(proposal):
    assert restored(json.loads(json.dumps(proposal.summary()))) == proposal


def test_parts_that_are_missing_come_back_missing(proposal):
    bare = replace(proposal, backtest=None, next_experiment=None)
    assert restored(json.loads(json.dumps(bare.summary()))) == bare
    assert contract(bare, 1)["next_experiment"] is None


def test_the_answer_has_the_contracts_names_and_adds_up(proposal):
    answer = contract(proposal, 7)
    assert set(answer) >= NAMES
    assert answer["plan_id"] == 7
    assert sum(Decimal(str(each)) for each in answer["allocations"].values()) == Decimal("1000.01")
    assert json.dumps(answer, allow_nan=False)
