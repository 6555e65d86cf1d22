"""Curves read at given spends."""

import numpy as np
import pytest

from marketing.budget.model import curves
from marketing.budget.model.fit import fit_history
from tests.benchmarks.accounts import account, books


@pytest.fixture
def belief():
    return fit_history(books(account(4, 26).record)).belief


def test_nothing_spent_brings_exactly_nothing(belief):
    zero = np.zeros((6, 1))
    assert not curves.revenue(belief, zero).any()
    assert not curves.shape_gains(belief, zero).any()


def test_the_slope_is_what_a_little_more_spend_brings(belief):
    spend = belief.scale[:, None] * np.array([0.5, 1.0, 2.0])
    step = 1e-3 * spend
    rise = curves.revenue(belief, spend + step) - curves.revenue(belief, spend - step)
    assert curves.marginal_return(belief, spend) == pytest.approx(rise / (2 * step), rel=5e-3)


def test_the_slope_at_nothing_is_finite(belief):
    assert np.isfinite(curves.marginal_return(belief, np.zeros((6, 1)))).all()


def test_saturation_grows_with_spend_between_nothing_and_all(belief):
    little, much = belief.scale / 2, belief.scale * 4
    low, high = (curves.saturation_percent(belief, each) for each in (little, much))
    assert (low < high).all()
    assert (low >= 0).all()
    assert (high <= 100).all()
