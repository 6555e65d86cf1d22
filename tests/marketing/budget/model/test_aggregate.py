"""Sweeps and joint draws."""

import numpy as np
import pytest

from marketing.budget.model import aggregate, posterior_sampling
from marketing.budget.model.by_total import build_totals_history
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.model.totals import build_panel
from tests.marketing.budget.model.test_by_total import asked


@pytest.fixture(scope="module")
def given():
    request = asked(104)
    history, total, _ = build_totals_history(request)
    return build_panel(request, history, total)


@pytest.fixture(scope="module")
def found(given):
    return aggregate.fit_panel(given)


def test_weights_are_probabilities_and_the_noise_is_near_the_true_one(given, found):
    assert found.weight.sum(axis=(1, 2)) == pytest.approx(np.ones(3))
    assert 0.05 < found.problem.noise < 0.1


def test_the_baseline_is_out_of_every_column(given, found):
    assert np.abs(found.problem.q.T @ found.problem.y).max() < 1e-9
    assert np.abs(found.problem.node @ found.problem.q).max() < 1e-9


def test_sweeps_that_are_cut_short_are_still_a_distribution(given):
    short = aggregate.coordinate_ascent(
        given, aggregate.project_out_baseline(given, aggregate.INITIAL_NOISE), rounds=1
    )
    assert short.weight.sum(axis=(1, 2)) == pytest.approx(np.ones(3))


def test_a_base_effect_is_that_of_ridge_regression(given, found):
    whole = (found.weight * np.exp(found.log_amplitude)[:, None, :]).sum(axis=2)
    left = given.y - np.einsum("cn,cnt->t", whole, given.node_gain)
    z, sd, s = given.base.columns, given.base.sd, found.problem.noise
    ridge = np.linalg.solve(
        z.T @ z / s**2 + np.diag(sd**-2.0), z.T @ left / s**2 + given.base.centre / sd**2
    )
    assert aggregate.baseline_coefficients(given, found) == pytest.approx(ridge, rel=1e-6, abs=1e-9)


def test_draws_hold_the_mean_curve_and_are_reproducible(given, found):
    posterior = aggregate.posterior(given, found)
    sample, ess = posterior_sampling.joint_draws(given, found, 7)
    again, _ = posterior_sampling.joint_draws(given, found, 7)
    spend = posterior.scale[:, None]
    low, high = np.quantile(sample.revenue(posterior, spend)[..., 0], [0.01, 0.99], axis=0)
    middle = revenue(posterior, spend)[:, 0]
    assert ((low < middle) & (middle < high)).all()
    assert (sample.amplitude == again.amplitude).all()
    assert ess > 100


def test_few_heavy_draws_are_evened_out_and_their_number_told():
    weight, ess = posterior_sampling.temper_weights(np.array([0.0, *[-30.0] * 999]))
    assert ess == pytest.approx(1, abs=1e-6)
    assert 1 / (weight**2).sum() >= posterior_sampling.MIN_EFFECTIVE_SAMPLES
    assert weight.sum() == pytest.approx(1)


def test_the_slope_and_height_of_the_target_belong_together(given, found):
    nodes, _ = posterior_sampling.node_vectors(found, np.random.default_rng(0))
    target = posterior_sampling.log_posterior(given, found, nodes)
    at = np.repeat(given.prior.centre[None], len(nodes), axis=0)
    step = np.zeros_like(at)
    step[:, 1] = 1e-5
    rise = (target.log_density(at + step) - target.log_density(at - step)) / 2e-5
    assert rise == pytest.approx(target.gradient(at)[:, 1], rel=1e-3, abs=1e-3)


def test_the_prior_of_amplitudes_is_one_shared_doubt_and_their_own(given):
    cover = np.diag(given.prior.own**2) + given.prior.shared**2
    assert posterior_sampling.prior_precision(given.prior) @ cover == pytest.approx(
        np.eye(3), abs=1e-9
    )
