"""What a person is told."""

from decimal import Decimal

import numpy as np
import pytest

from marketing.budget.planner import advice


@pytest.mark.parametrize(
    ("current", "suggested", "action"),
    [("100", "101", "maintain"), ("100", "101.01", "increase"), ("100", "98", "decrease"),
     ("0", "0", "maintain"), ("0", "0.01", "increase")],
)  # fmt: skip
def test_a_change_within_one_percent_is_none(current, suggested, action):
    assert advice.action(Decimal(current), Decimal(suggested)) == action


def test_trends_need_a_slope_that_stands_out_of_the_scatter():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.05, 12)
    rise = np.linspace(0, 1, 12)
    left = np.array([rise + noise, noise - rise, noise, np.zeros(12), rise])
    seen = np.ones(left.shape, dtype=bool)
    seen[4, 3:] = False
    assert advice.trends(left, seen) == ("up", "down", "flat", "flat", "flat")


def test_the_bound_that_holds_an_amount_is_named():
    low, high = np.array([1.0, 0.0, 0.0]), np.array([9.0, 5.0, 9.0])
    why = (["floor"] * 3, ["ceiling"] * 3)
    assert advice.binding_bounds(np.array([1.0, 5.0, 4.0]), low, high, why) == (
        "floor",
        "ceiling",
        "",
    )


def test_the_next_experiment_is_where_the_draws_disagree_most():
    plans = np.array([[10.0, 50.0, 40.0], [12.0, 20.0, 68.0]])
    found = advice.next_experiment(["a", "b", "c"], plans, np.array([10.0, 30.0, 60.0]), "USD")
    assert found is not None
    assert found.channel == "b"
    assert "Vary b around $30 a period" in found.sentence


def test_draws_that_agree_ask_for_no_experiment_and_one_channel_has_none():
    plans = np.array([[10.0, 50.0], [10.0, 50.0]])
    assert advice.next_experiment(["a", "b"], plans, np.ones(2), "USD") is None
    assert advice.next_experiment(["a"], plans[:, :1], np.ones(1), "USD") is None
