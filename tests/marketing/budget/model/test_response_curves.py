"""The table of shapes against the shapes' own formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.budget.model import response_curves


@given(st.floats(1e-4, 1e4))
def test_the_table_holds_every_shape_between_its_ends(x):
    exact = response_curves.log_shapes(np.log([x]))
    assert response_curves.log_gain(np.array([x])) == pytest.approx(exact, abs=2e-5)


def test_far_below_the_table_a_shape_goes_on_as_a_power():
    low = response_curves.log_gain(np.array([1e-6]))[0]
    assert low[:9] == pytest.approx(response_curves.POWERS * np.log(1e-6), abs=1e-4)
    assert low[9:] == pytest.approx(response_curves.log_shapes(np.log([1e-6]))[0][9:], abs=0.01)


def test_every_shape_is_one_at_the_usual_spend():
    assert response_curves.log_gain(np.array([1.0]))[0] == pytest.approx(np.zeros(36), abs=1e-9)


def test_the_elasticity_of_the_table_is_that_of_the_formulas():
    assert response_curves.elasticity_at(np.array([1.0]))[0] == pytest.approx(
        response_curves.elasticities(), abs=5e-3
    )


def test_the_prior_gives_each_family_a_quarter():
    prior = response_curves.shape_prior()
    parts = np.split(prior, np.cumsum([9, 10, 7]))
    assert [part.sum() for part in parts] == pytest.approx([0.25] * 4)


def test_carry_over_follows_its_recursion_and_rests_at_a_steady_spend():
    spend = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    adstock = response_curves.carry_over_matrices(5) @ spend
    for decay, line in zip(response_curves.DECAYS, adstock, strict=True):
        z = spend[0]
        for at in range(1, 5):
            z = (1 - decay) * spend[at] + decay * z
            assert line[at] == pytest.approx(z)
    assert response_curves.carry_over_matrices(6) @ np.ones(6) == pytest.approx(np.ones((5, 6)))
