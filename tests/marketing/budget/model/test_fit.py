"""The posterior against numerical integration, and what it makes of odd rows."""

from datetime import date, timedelta

import numpy as np
import pytest

from marketing.budget.model import posterior_curves
from marketing.budget.model.fit import (
    NOISE_POOL_ROWS,
    NOISE_SCALE,
    NOISE_SHAPE,
    adstocked,
    fit_history,
    node_sums,
    node_weights,
    residuals,
)
from marketing.budget.model.history import SpendHistory, build_history
from marketing.budget.model.response_curves import DECAY_PRIOR, log_gain, shapes
from marketing.budget.planner.request import LiftTestResult, PerformanceRow
from tests.benchmarks.budget_accounts import draw_account, spend_history

MONDAY = date(2026, 1, 5)


def undated(spend, revenue):
    rows = [PerformanceRow("a", s, r) for s, r in zip(spend, revenue, strict=True)]
    return build_history(rows, [], {})[0]


def test_node_weights_are_those_of_integrating_amplitude_and_variance_by_hand():
    x, y = np.array([[0.6, 1.0, 1.5]]), np.array([[-0.4, 0.1, 0.2]])
    _, squares = node_sums(x[:, None, :], y, np.ones_like(y))
    weight, _ = node_weights(squares, np.array([3]))

    d = y[0][:, None] - log_gain(x[0])  # (T, 36)
    level = np.linspace(-3, 3, 601)
    log_var = np.linspace(np.log(1e-3), np.log(10), 501)
    common = _pooled_scale(d)
    shape = NOISE_SHAPE + NOISE_POOL_ROWS
    v = np.exp(log_var)
    budget_ratio = ((d[:, :, None] - level) ** 2).sum(axis=0)  # (36, levels)
    log_like = -budget_ratio[..., None] / (2 * v) - 1.5 * log_var  # noise of three rows
    log_prior = -shape * log_var - common / v  # inverse gamma, on the log variance
    mass = np.exp(log_like + log_prior).sum(axis=(1, 2)) * shapes().prior
    assert weight[0, 0] == pytest.approx(mass / mass.sum(), rel=1e-3)


def _pooled_scale(d):
    """The rate of the noise prior after one channel's first look at its own noise."""
    q = ((d - d.mean(axis=0)) ** 2).sum(axis=0)
    freedom = NOISE_SHAPE + 1
    first = shapes().prior * (NOISE_SCALE + q / 2) ** -freedom
    noise = (NOISE_SCALE + q / 2) / (freedom - 1)
    common = (first / first.sum() * noise).sum()
    return common * (NOISE_SHAPE + NOISE_POOL_ROWS - 1)


def test_one_row_leaves_the_prior_pinned_through_its_point():
    found = fit_history(undated([200.0], [600.0]))
    assert found.posterior.weight[0] == pytest.approx(shapes().prior)
    assert posterior_curves.revenue(found.posterior, np.array([[200.0]]))[0, 0] == pytest.approx(
        600
    )


def test_many_clean_rows_find_the_curve_and_its_carry_over():
    rng = np.random.default_rng(0)
    spend = 100 * rng.lognormal(0, 0.5, (4, 104))
    adstock = adstocked(spend, np.ones_like(spend, dtype=bool), dated=True)[:, 3]  # decay .6
    revenue = 50 * adstock**0.45 * rng.lognormal(0, 0.02, spend.shape)
    days = tuple(MONDAY + timedelta(weeks=week) for week in range(104))
    history = SpendHistory(tuple("abcd"), days, spend, revenue, np.ones_like(spend, dtype=bool))
    found = fit_history(history)
    steady = posterior_curves.revenue(found.posterior, np.full((4, 1), 150.0))[:, 0]
    assert steady == pytest.approx(50 * 150**0.45, rel=0.05)
    assert (found.joint[:, 2:4].sum(axis=(1, 2)) > 0.9).all()
    assert np.abs(residuals(found, history, 12)).max() < 0.2


def test_carry_over_closes_gaps_in_a_channels_rows():
    x = np.array([[1.0, 0.0, 2.0, 4.0]])
    seen = np.array([[True, False, True, True]])
    whole = adstocked(np.array([[1.0, 2.0, 4.0]]), np.ones((1, 3), dtype=bool), dated=True)
    assert adstocked(x, seen, dated=True)[0, :, [0, 2, 3]] == pytest.approx(whole[0].T)


def test_a_row_without_spend_is_not_learned_from_but_carries_over():
    days = [MONDAY + timedelta(weeks=week) for week in range(4)]
    rows = [
        PerformanceRow("a", s, 100.0, d) for s, d in zip([10.0, 0.0, 10.0, 20.0], days, strict=True)
    ]
    found = fit_history(build_history(rows, [], {})[0])
    assert found.usable.tolist() == [[True, False, True, True]]


def test_a_lift_test_pulls_the_curve_to_what_it_showed():
    history = undated([100.0] * 6, [300.0] * 6)
    test = LiftTestResult("a", 200.0, 310.0, 3.0)
    before, after = fit_history(history).posterior, fit_history(history, [test]).posterior
    spend = np.array([[200.0]])
    assert posterior_curves.revenue(before, spend)[0, 0] > 390
    assert posterior_curves.revenue(after, spend)[0, 0] < 340


def test_a_channel_that_never_spent_brings_nothing():
    rows = [PerformanceRow("a", 0.0, 0.0), PerformanceRow("b", 10.0, 30.0)]
    found = fit_history(build_history(rows, [], {})[0])
    assert posterior_curves.revenue(found.posterior, np.full((2, 1), 10.0))[0, 0] == pytest.approx(
        0, abs=1e-200
    )


def test_a_hundred_channels_are_fitted_as_they_are_alone():
    held = spend_history(draw_account(1, 12, 40).record)
    together = fit_history(held, season=np.zeros(12))
    alone, noise = node_weights(node_sums(*_inputs(held, slice(20, 21)))[1], np.array([12]))
    assert together.joint.shape == (40, 5, 36)
    assert alone.shape == (1, 5, 36)
    assert DECAY_PRIOR.sum() == pytest.approx(1)
    assert (noise > 0).all()


def _inputs(held, part):
    x = held.spend[part] / held.spend[part].mean(axis=1, keepdims=True)
    y = np.log(held.revenue[part] / held.revenue[part].mean(axis=1, keepdims=True))
    return adstocked(x, held.seen[part], dated=True), y, np.ones_like(y)


def test_scaling_all_money_changes_no_weight():
    held = spend_history(draw_account(2, 12).record)
    more = SpendHistory(held.channels, held.dates, held.spend * 1e6, held.revenue * 1e6, held.seen)
    assert fit_history(more).posterior.weight == pytest.approx(
        fit_history(held).posterior.weight, rel=1e-9, abs=1e-15
    )
