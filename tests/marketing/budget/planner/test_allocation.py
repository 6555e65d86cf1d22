"""Filling against SLSQP, brute force and by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, minimize

from marketing.budget.planner.allocation import (
    divide_tie,
    rank_segments,
    spend_grid,
    water_fill,
)

sizes = st.floats(1, 1e4)
curves = st.lists(st.tuples(sizes, st.floats(0.2, 0.9)), min_size=1, max_size=6)


def roots(strength, power, low, high, points=2000):
    """A ladder of power curves."""
    grid = spend_grid(low, high, np.full(len(strength), max(high.max() / 4, 1e-9)), points)
    value = strength[:, None] * grid ** power[:, None]
    return rank_segments(grid, value, np.ones(len(strength)))


def test_two_square_roots_whose_returns_are_one_and_two_split_one_to_four():
    low, high = np.zeros(2), np.full(2, 1000.0)
    amounts, _ = water_fill(roots(np.array([1.0, 2.0]), np.full(2, 0.5), low, high), 1000)
    assert amounts == pytest.approx([200, 800], abs=1.5)


@given(curves, st.floats(0.05, 0.95))
def test_the_whole_budget_is_spent_inside_the_bounds(found, part):
    strength, power = (np.array(each) for each in zip(*found, strict=True))
    low, high = np.full(len(found), 1.0), np.full(len(found), 100.0)
    total = low.sum() + part * (high.sum() - low.sum())
    amounts, marginal_return = water_fill(roots(strength, power, low, high, 100), total)
    assert amounts.sum() == pytest.approx(total, rel=1e-12)
    assert (amounts >= low - 1e-9).all()
    assert (amounts <= high + 1e-9).all()
    assert marginal_return >= 0


@given(curves, st.floats(0.05, 0.5), st.floats(0.5, 0.95))
def test_a_larger_budget_never_lowers_a_channel(found, less, more):
    strength, power = (np.array(each) for each in zip(*found, strict=True))
    low, high = np.zeros(len(found)), np.full(len(found), 100.0)
    steps = roots(strength, power, low, high, 100)
    first, marginal_return = water_fill(steps, less * high.sum())
    second, lower = water_fill(steps, more * high.sum())
    assert (second >= first - 1e-7).all()
    assert lower <= marginal_return


@given(curves)
def test_the_stronger_of_two_alike_never_gets_less(found):
    strength, power = np.array([found[0][0], 2 * found[0][0]]), np.full(2, found[0][1])
    amounts, _ = water_fill(roots(strength, power, np.zeros(2), np.full(2, 50.0), 100), 60)
    assert amounts[1] >= amounts[0]


@settings(max_examples=25)
@given(curves, st.floats(0.1, 0.9))
def test_filling_is_as_good_as_sequential_quadratic_programming(found, part):
    strength, power = (np.array(each) for each in zip(*found, strict=True))
    low, high = np.full(len(found), 1.0), np.full(len(found), 10.0)
    total = low.sum() + part * (high.sum() - low.sum())
    amounts, _ = water_fill(roots(strength, power, low, high), total)

    def worth(plan):
        return float((strength * plan**power).sum())

    best = max(
        worth(np.clip(each.x, low, high))
        for start in (low + part * (high - low), amounts)
        for each in [
            minimize(
                lambda plan: -worth(np.clip(plan, low, high)) / worth(high),
                start,
                method="SLSQP",
                bounds=Bounds(low, high),
                constraints=LinearConstraint(np.ones((1, len(found))), total, total),
            )
        ]
        if abs(each.x.sum() - total) < 1e-6
    )
    assert worth(amounts) >= best * (1 - 5e-5)


def test_three_channels_in_cents_are_divided_as_by_trying_everything():
    strength, power = np.array([3.0, 5.0, 4.0]), np.array([0.5, 0.4, 0.6])
    amounts, _ = water_fill(roots(strength, power, np.zeros(3), np.full(3, 60.0)), 60)
    plans = np.array([(a, b, 60 - a - b) for a, b in itertools.product(range(61), repeat=2)
                      if a + b <= 60])  # fmt: skip
    best = plans[(strength * plans**power).sum(axis=1).argmax()]
    assert amounts == pytest.approx(best, abs=1)


def test_equal_channels_keep_the_present_mix():
    current = np.array([30.0, 10.0])
    grid = spend_grid(current / 2, current * 2, current)
    amounts, _ = water_fill(
        rank_segments(grid, current[:, None] * (grid / current[:, None]) ** 0.5, current), 40
    )
    assert amounts == pytest.approx(current, rel=1e-9)


def test_channels_that_earn_nothing_share_by_the_present_mix():
    current = np.array([30.0, 10.0])
    grid = spend_grid(np.zeros(2), np.full(2, 40.0), current)
    amounts, marginal_return = water_fill(rank_segments(grid, np.zeros_like(grid), current), 20)
    assert amounts == pytest.approx([15, 5])
    assert marginal_return == 0


def test_a_budget_of_the_floors_leaves_everything_there():
    steps = roots(np.ones(2), np.full(2, 0.5), np.ones(2), np.full(2, 3.0))
    amounts, marginal_return = water_fill(steps, 2)
    assert amounts.tolist() == [1, 1]
    assert marginal_return > 0


def test_channels_held_fixed_have_no_steps():
    fixed = np.array([2.0, 3.0])
    amounts, marginal_return = water_fill(roots(np.ones(2), np.full(2, 0.5), fixed, fixed), 5)
    assert amounts.tolist() == [2, 3]
    assert marginal_return == 0


@pytest.mark.parametrize(
    ("left", "most", "weight", "shares"),
    [
        (6, [10, 10], [1, 2], [2, 4]),
        (6, [1, 10], [1, 1], [1, 5]),
        (6, [10, 0], [0, 0], [6, 0]),
        (6, [10, 10], [0, 0], [3, 3]),
        (6, [10, 10], [0, 1], [0, 6]),
        (9, [3, 3, 10], [5, 1, 1], [3, 3, 3]),
        (30, [10, 10], [1, 1], [10, 10]),
    ],
)
def test_a_tie_is_shared_by_weight_up_to_each_ones_room(left, most, weight, shares):
    found = divide_tie(left, np.array(most, dtype=float), np.array(weight, dtype=float))
    assert found == pytest.approx(shares, abs=1e-9)
