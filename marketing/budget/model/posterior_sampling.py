"""Joint posterior draws for aggregate mode, as the variational fit is overconfident.

Node vectors are drawn from the variational weights. Each gets its own Gaussian around the joint
mode of all log amplitudes (Laplace), slightly widened. Draws are weighed by the posterior over
that proposal and resampled (importance sampling; Rubin, 1988).
"""

from dataclasses import dataclass

import numpy as np

from aethercrown import cancellation
from marketing.budget.model.aggregate import VariationalFit
from marketing.budget.model.response_curves import Floats, Ints, shapes
from marketing.budget.model.totals import Panel, Prior, node_prior
from marketing.budget.planner.uncertainty import DRAW_COUNT, Draws

PROPOSALS, NEWTON_STEPS, PROPOSAL_WIDENING = 1200, 6, 1.25
MIN_EFFECTIVE_SAMPLES = 100.0


@dataclass(frozen=True, slots=True)
class LogPosterior:
    """The log posterior of the log amplitudes, for each of N node vectors."""

    gram: Floats  # (N, C, C) of the nodes' columns over noise^2
    pull: Floats  # (N, C) columns times revenue over noise^2
    precision: Floats  # (C, C) of the prior
    centre: Floats  # (C,)
    test_precision: Floats  # (C,) precision of lift tests
    test_log_amplitude: Floats  # (N, C) log amplitude of the lift tests

    def log_density(self, log_a: Floats) -> Floats:
        """Log posterior density (N,) up to a constant."""
        a, gap = np.exp(log_a), log_a - self.centre
        fit = (a * self.pull).sum(axis=1) - 0.5 * np.einsum("nc,ncd,nd->n", a, self.gram, a)
        prior = np.einsum("nc,cd,nd->n", gap, self.precision, gap)
        return np.asarray(
            fit
            - 0.5 * prior
            - 0.5 * ((log_a - self.test_log_amplitude) ** 2 * self.test_precision).sum(1)
        )

    def gradient(self, log_a: Floats) -> Floats:
        """Its gradient (N, C)."""
        a = np.exp(log_a)
        fit = a * (self.pull - np.matmul(self.gram, a[..., None])[..., 0])
        return np.asarray(
            fit
            - (log_a - self.centre) @ self.precision
            - (log_a - self.test_log_amplitude) * self.test_precision
        )

    def precision_matrix(self, log_a: Floats) -> Floats:
        """Its expected curvature (N, C, C), positive definite."""
        a = np.exp(log_a)
        likelihood = a[:, :, None] * a[:, None, :] * self.gram
        return np.asarray(likelihood + self.precision + np.diag(self.test_precision))


def joint_draws(panel: Panel, found: VariationalFit, seed: int) -> tuple[Draws, float]:
    """DRAW_COUNT draws of shapes and amplitudes (money), and the effective sample size."""
    rng = np.random.default_rng(seed)
    nodes, chosen = node_vectors(found, rng)
    target = log_posterior(panel, found, nodes)
    start = found.log_amplitude.mean(axis=1) + found.mu
    log_a = np.repeat(start[None], PROPOSALS, axis=0)
    for _ in range(NEWTON_STEPS):
        cancellation.checkpoint()
        step = np.linalg.solve(target.precision_matrix(log_a), target.gradient(log_a)[..., None])
        log_a = log_a + np.clip(step[..., 0], -1.0, 1.0)
    root = np.linalg.cholesky(target.precision_matrix(log_a))
    noise = rng.standard_normal(log_a.shape)
    turned = np.linalg.solve(root.transpose(0, 2, 1), noise[..., None])[..., 0]
    drawn = log_a + np.sqrt(PROPOSAL_WIDENING) * turned
    log_proposal = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1) - 0.5 * (noise**2).sum(1)
    log_w = target.log_density(drawn) + node_prior()[nodes].sum(axis=1) - chosen - log_proposal
    w, effective = temper_weights(log_w)
    chosen_draws = resample(w, rng)
    shape = nodes[chosen_draws] % shapes().prior.size
    return Draws(shape, np.exp(drawn[chosen_draws]) * panel.mean), effective


def temper_weights(log_w: Floats) -> tuple[Floats, float]:
    """Importance weights and their effective number.

    Weights that few draws hold are flattened to MIN_EFFECTIVE_SAMPLES: otherwise the interval would
    be too narrow.
    """
    effective, power = 0.0, 1.0
    while True:
        w = np.exp(power * (log_w - log_w.max()))
        w /= w.sum()
        effective_now = float(1 / (w * w).sum())
        effective = effective or effective_now
        if effective_now >= MIN_EFFECTIVE_SAMPLES:
            return w, effective
        power *= 0.8


def node_vectors(found: VariationalFit, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """PROPOSALS node vectors (N, C) from the variational weights; their log probability (N,)."""
    probability = found.weight.sum(axis=2)
    bounds = np.cumsum(probability, axis=1)
    point = rng.random((PROPOSALS, len(probability))) * bounds[:, -1]
    nodes = np.stack(
        [np.searchsorted(bounds[at], point[:, at]) for at in range(len(probability))], axis=1
    )
    nodes = np.minimum(nodes, probability.shape[1] - 1)
    picked = np.log(np.maximum(probability[np.arange(len(probability)), nodes], 1e-300))
    return nodes, np.asarray(picked.sum(axis=1))


def log_posterior(panel: Panel, found: VariationalFit, nodes: Ints) -> LogPosterior:
    """The log posterior for these node vectors."""
    problem, lines = found.problem, np.arange(nodes.shape[1])
    columns = problem.node[lines, nodes]
    gram = np.matmul(columns, columns.transpose(0, 2, 1)) / problem.noise**2
    pull = (problem.node @ problem.y)[lines, nodes] / problem.noise**2
    prior = panel.prior
    test_log_amplitude = prior.target[lines, nodes % shapes().prior.size]
    return LogPosterior(
        gram, pull, prior_precision(prior), prior.centre, prior.precision, test_log_amplitude
    )


def prior_precision(prior: Prior) -> Floats:
    """Inverse of diag(own^2) + shared^2 (Sherman and Morrison, 1950)."""
    own = 1 / prior.own**2
    shared = np.outer(own, own) / (own.sum() + 1 / prior.shared**2)
    return np.asarray(np.diag(own) - shared)


def resample(weight: Floats, rng: np.random.Generator) -> Ints:
    """DRAW_COUNT indices by weight (systematic resampling)."""
    points = (np.arange(DRAW_COUNT) + rng.random()) / DRAW_COUNT
    return np.minimum(np.searchsorted(np.cumsum(weight), points), weight.size - 1)
