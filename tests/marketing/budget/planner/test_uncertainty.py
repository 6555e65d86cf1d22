"""Draws and what they say."""

import numpy as np
import pytest

from marketing.budget.model.fit import fit_history
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.planner import uncertainty
from marketing.budget.planner.proposal import Interval
from tests.benchmarks.budget_accounts import draw_account, spend_history


@pytest.fixture
def held():
    return draw_account(5, 52)


@pytest.fixture
def posterior(held):
    return fit_history(spend_history(held.record)).posterior


def test_draws_are_the_same_for_one_seed_and_others_for_another(posterior):
    first, again, other = (uncertainty.draw_posterior(posterior, seed) for seed in (1, 1, 2))
    assert (first.amplitude == again.amplitude).all()
    assert (first.amplitude != other.amplitude).any()


def test_draws_scatter_around_the_mean_curve(posterior):
    sample = uncertainty.draw_posterior(posterior, 3)
    spend = posterior.scale[:, None]
    mean = sample.revenue(posterior, spend).mean(axis=0)
    assert mean == pytest.approx(revenue(posterior, spend), rel=0.02)


def test_the_lift_of_the_present_mix_is_nothing_and_a_toss_up(held, posterior):
    sample = uncertainty.draw_posterior(posterior, 3)
    lift, money = uncertainty.lift_draws(sample, posterior, held.current, held.current)
    assert not lift.any()
    assert uncertainty.lift_probability(lift, money) == 0.5


def test_the_interval_is_the_middle_ninety_percent():
    assert uncertainty.interval(np.arange(101.0)) == Interval(50.0, 5.0, 95.0)


def test_a_widened_interval_keeps_its_estimate():
    assert uncertainty.widen(Interval(10.0, 8.0, 13.0), 2.0) == Interval(10.0, 6.0, 16.0)


def test_every_draws_own_plan_spends_the_budget_inside_the_bounds(held, posterior):
    low, high = held.current / 2, held.current * 2
    plans = uncertainty.plans_by_draw(
        uncertainty.draw_posterior(posterior, 3), posterior, low, high, 10_000
    )
    assert plans.shape == (uncertainty.PLAN_DRAWS, 6)
    assert plans.sum(axis=1) == pytest.approx(np.full(uncertainty.PLAN_DRAWS, 10_000))
    assert (plans >= low - 1e-6).all()
    assert (plans <= high + 1e-6).all()


@pytest.mark.parametrize(
    ("rows", "variation", "grade"),
    [(7, 0.5, "low"), (50, 0.01, "low"), (8, 0.5, "medium"), (26, 0.1, "medium"),
     (26, 0.2, "high")],
)  # fmt: skip
def test_the_grade_asks_for_rows_and_for_variation(rows, variation, grade):
    assert uncertainty.evidence_grade(rows, variation) == grade


def test_draws_filled_in_parts_give_the_same_plans(held, posterior, monkeypatch):
    sample = uncertainty.draw_posterior(posterior, 3)
    at_once = uncertainty.plans_by_draw(
        sample, posterior, held.current / 2, held.current * 2, 10_000
    )
    monkeypatch.setattr(uncertainty, "MAX_SEGMENTS_AT_ONCE", 1)
    few = uncertainty.plans_by_draw(sample, posterior, held.current / 2, held.current * 2, 10_000)
    assert np.array_equal(at_once, few)
