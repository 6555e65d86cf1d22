"""A proposal as a decision: what it changes, promises, and is guarded by."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from marketing.budget.measurement import decision
from marketing.budget.planner import planning
from marketing.budget.planner.proposal import Interval
from marketing.budget.planner.request import BudgetRequest, PerformanceRow

MONDAY = date(2026, 1, 5)
NO_STEP = decision.StepFromPresent(0.0, 0.0)


def rows(*channels, weeks=3):
    return tuple(
        PerformanceRow(name, 100.0, 300.0, MONDAY + timedelta(weeks=n))
        for name in channels
        for n in range(weeks)
    )


@pytest.fixture(scope="module")
def budget_request():
    return BudgetRequest(
        Decimal(200), rows("a", "b"), starts_on=date(2026, 1, 26), budget_periods=2
    )


@pytest.fixture(scope="module")
def proposal(budget_request):
    return planning.plan(budget_request)


def test_the_draft_replaces_what_is_in_force(budget_request, proposal):
    draft = decision.decision_draft(budget_request, proposal, {"a": Decimal(5)}, run_id=3)
    assert draft.subject == "budget USD"
    assert draft.title == "Divide $200.00 over 2 channels"
    assert draft.before == {"a": Decimal(5)}
    assert draft.after == proposal.allocations
    assert draft.run_id == 3
    assert draft.expected.horizon == timedelta(weeks=5)
    assert draft.data_as_of == datetime(2026, 1, 26, tzinfo=UTC)
    assert draft.data_every == timedelta(weeks=1)


def test_one_channel_is_spoken_of_as_one():
    one = planning.plan(BudgetRequest(Decimal(100), rows("a")))
    assert decision.title(one) == "Divide $100.00 over 1 channel"


def test_a_sure_healthy_plan_passes_its_guards(proposal):
    kept = replace(proposal, probability_of_lift=0.95, auto_applicable=True, reasons_against=())
    by_name = {each.name: each.passed for each in decision.guardrails(kept, NO_STEP)}
    assert by_name == {
        "probability_of_lift": True,
        "backtest": False,
        "total_change_percent": True,
        "nothing_against": True,
    }


def test_reasons_against_are_joined_as_sentences(proposal):
    doubtful = replace(proposal, reasons_against=("No lift.", "No backtest."))
    assert decision.guardrails(doubtful, NO_STEP)[-1].value == "No lift. No backtest."


def test_a_median_outside_its_own_interval_is_taken_into_it(budget_request, proposal):
    odd = replace(proposal, expected_lift_percent=Interval(1.0, 1.5, 2.0))
    assert decision.decision_draft(budget_request, odd, {}, None).expected.low == 1.0


@pytest.mark.parametrize(
    ("in_force", "after", "largest", "total"),
    [
        ({"a": 50, "b": 50}, {"a": 60, "b": 40}, 20.0, 0.0),
        ({"a": 25, "b": 25}, {"a": 50, "b": 50}, 100.0, 100.0),  # the same mix, twice the money
        ({"a": 740, "b": 760}, {"a": 1509, "b": 1491}, 103.92, 100.0),
        ({"a": 100}, {"a": 50, "b": 50}, None, 0.0),  # from nothing
        ({"a": 100, "b": 0}, {"a": 100, "b": 0}, 0.0, 0.0),
        ({"a": 50, "c": 50}, {"a": 50}, 100.0, 50.0),  # a channel that ends
        ({"a": 0, "b": 0}, {"a": 50, "b": 50}, None, None),
    ],
)
def test_the_step_is_measured_against_what_is_in_force_and_not_scaled(
    proposal, in_force, after, largest, total
):
    planned = {name: Decimal(amount) for name, amount in after.items()}
    before = {name: Decimal(amount) for name, amount in in_force.items()}
    step = decision.StepFromPresent.of(replace(proposal, allocations=planned), before)
    assert (step.largest_percent, step.total_percent) == (largest, total)
    passed = {each.name: each.passed for each in decision.guardrails(proposal, step)}
    assert passed["total_change_percent"] is (total is not None and total <= 20)


def test_the_draft_is_guarded_by_what_is_in_force_for_a_window_of_its_length(
    budget_request, proposal
):
    four_weeks = {name: 2 * amount for name, amount in proposal.allocations.items()}
    draft = decision.decision_draft(
        budget_request, proposal, four_weeks, None, proposal.allocations
    )
    assert (draft.before, draft.change_percent) == (four_weeks, 0.0)
    present = decision.decision_draft(budget_request, proposal, {}, None)
    assert present.change_percent == 50.0  # 200 a window beside 400 spent


def test_the_window_ends_with_its_last_day(budget_request):
    assert decision.window_end(budget_request) == date(2026, 2, 8)
    assert decision.window_end(replace(budget_request, starts_on=None)) is None


def test_rows_without_dates_are_of_no_known_age():
    undated = BudgetRequest(Decimal(100), (PerformanceRow("a", 1.0, 2.0),))
    assert decision.data_until(undated) is None
    assert decision.period_length(undated) == timedelta(weeks=1)
