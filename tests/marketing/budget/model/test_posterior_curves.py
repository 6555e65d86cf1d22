"""Curves read at given spends."""

import numpy as np
import pytest

from marketing.budget.model import posterior_curves
from marketing.budget.model.fit import fit_history
from tests.benchmarks.budget_accounts import draw_account, spend_history


@pytest.fixture
def posterior():
    return fit_history(spend_history(draw_account(4, 26).record)).posterior


def test_nothing_spent_brings_exactly_nothing(posterior):
    zero = np.zeros((6, 1))
    assert not posterior_curves.revenue(posterior, zero).any()
    assert not posterior_curves.shape_gains(posterior, zero).any()


def test_the_slope_is_what_a_little_more_spend_brings(posterior):
    spend = posterior.scale[:, None] * np.array([0.5, 1.0, 2.0])
    step = 1e-3 * spend
    rise = posterior_curves.revenue(posterior, spend + step) - posterior_curves.revenue(
        posterior, spend - step
    )
    assert posterior_curves.marginal_return(posterior, spend) == pytest.approx(
        rise / (2 * step), rel=5e-3
    )


def test_the_slope_at_nothing_is_finite(posterior):
    assert np.isfinite(posterior_curves.marginal_return(posterior, np.zeros((6, 1)))).all()


def test_saturation_grows_with_spend_between_nothing_and_all(posterior):
    little, much = posterior.scale / 2, posterior.scale * 4
    low, high = (posterior_curves.saturation_percent(posterior, each) for each in (little, much))
    assert (low < high).all()
    assert (low >= 0).all()
    assert (high <= 100).all()
