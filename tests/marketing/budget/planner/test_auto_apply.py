"""When a plan may be applied without a person."""

from typing import Any

import numpy as np

from marketing.budget.planner.auto_apply import largest_move, reasons_against
from marketing.budget.planner.proposal import Backtest, Interval

HEALTHY = Backtest(10.0, 20.0, 90.0, 24, drifting=False, healthy=True)
UNHEALTHY = Backtest(30.0, 20.0, 70.0, 24, drifting=True, healthy=False)
GOOD: dict[str, Any] = {
    "plan": np.array([110.0, 90.0]),
    "in_force": np.array([100.0, 100.0]),
    "probability": 0.95,
    "lift": Interval(10.0, 1.0, 20.0),
    "backtest": HEALTHY,
    "outside_data": False,
    "budget_ratio": 1.0,
    "other_reasons": (),
}


def test_a_probable_small_step_with_a_healthy_backtest_has_no_reason_against_it():
    assert list(reasons_against(**GOOD)) == []


def test_each_reason_is_a_sentence_with_its_figures():
    doubtful = {
        **GOOD,
        "plan": np.array([150.0, 50.0]),
        "probability": 0.8,
        "lift": Interval(-1.0, -2.0, 1.0),
        "backtest": UNHEALTHY,
        "outside_data": True,
        "budget_ratio": 3.0,
        "other_reasons": ("Explores.",),
    }
    backtest = (
        "The backtest is not healthy: error 30.0% against 20.0% of the naive forecast, "
        "coverage 70%, drifting."
    )
    assert list(reasons_against(**doubtful)) == [
        "The chance of a lift is 80.0%, below 90.0%.",
        "The median lift of \N{MINUS SIGN}1.00 a period is not above 0.",
        "A channel would move by 50%, above the step limit of 20%.",
        backtest,
        "The limits force the plan out of the region that the data cover.",
        "The budget is 3.0 times the largest ever spent in a period.",
        "Explores.",
    ]


def test_the_step_is_from_what_is_in_force_and_the_total_is_a_step_too():
    """Twice the money in the same mix moves no share, and every channel by 100 %."""
    doubled = {**GOOD, "plan": np.array([200.0, 200.0])}
    assert list(reasons_against(**doubled)) == [
        "A channel would move by 100%, above the step limit of 20%.",
        "The total would change by 100%, above the step limit of 20%.",
    ]


def test_a_first_budget_begins_from_nothing():
    first = {**GOOD, "in_force": np.zeros(2)}
    assert list(reasons_against(**first)) == [
        "A channel would begin from nothing, above the step limit of 20%."
    ]


def test_a_budget_beyond_one_and_a_half_times_the_data_waits():
    assert list(reasons_against(**{**GOOD, "budget_ratio": 1.5})) == []
    assert list(reasons_against(**{**GOOD, "budget_ratio": 1.6})) == [
        "The budget is 1.6 times the largest ever spent in a period."
    ]


def test_no_backtest_is_a_reason():
    assert list(reasons_against(**{**GOOD, "backtest": None})) == ["There is no backtest yet."]


def test_a_first_spend_is_an_infinite_move_and_no_move_is_none():
    assert largest_move(np.array([1.0, 9.0]), np.array([0.0, 10.0])) == float("inf")
    assert largest_move(np.array([5.0, 0.0]), np.array([5.0, 0.0])) == 0
