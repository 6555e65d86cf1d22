"""Attribute total revenue to channels: coordinate ascent over nodes and amplitudes.

The baseline is integrated out by projection (Frisch and Waugh, 1933), with ridge rows for its
prior. Then, channel by channel, the weights of all nodes and amplitudes are updated given the
other channels (mean-field variational Bayes; Bishop, 2006, chapter 10) until they converge.
"""

from dataclasses import dataclass

import numpy as np

from aethercrown import cancellation
from marketing.budget.model.fit import Posterior
from marketing.budget.model.response_curves import Floats, Ints, shapes
from marketing.budget.model.totals import Panel, node_prior

AMPLITUDE_LEVELS = 24  # grid points for the log amplitude
GRID_WIDTH_SD = 3.0  # standard deviations on each side
INITIAL_NOISE = 0.08  # over mean revenue
NOISE_PRIOR_ROWS = 4.0  # rows that the initial noise counts for
MAX_SWEEPS, CONVERGENCE_TOLERANCE = 60, 1e-3


@dataclass(frozen=True, slots=True)
class ProjectedPanel:
    """The panel with the baseline projected out; T' = T known periods + p prior rows."""

    y: Floats  # (T',)
    node: Floats  # (C, 180, T')
    square: Floats  # (C, 180)
    q: Floats  # (T', p)
    r: Floats  # (p, p)
    y_full: Floats  # (T',) before projection
    noise: float


@dataclass(frozen=True, slots=True)
class VariationalFit:
    """The factored posterior, and the projected panel that it was fitted to."""

    problem: ProjectedPanel
    log_amplitude: Floats  # (C, LEVELS)
    weight: Floats  # (C, 180, LEVELS)
    mu: float
    mean: Floats  # (C, T') projected contribution
    variance: float  # of the contributions, added up over T'


def fit_panel(panel: Panel) -> VariationalFit:
    """Fit twice: with an initial noise, then with the noise that the first fit left."""
    first = coordinate_ascent(panel, project_out_baseline(panel, INITIAL_NOISE))
    left = first.problem.y - first.mean.sum(axis=0)
    total = float(left @ left) + first.variance + NOISE_PRIOR_ROWS * INITIAL_NOISE**2
    noise = float(np.sqrt(total / (int(panel.known.sum()) + NOISE_PRIOR_ROWS)))
    return coordinate_ascent(panel, project_out_baseline(panel, noise))


def project_out_baseline(panel: Panel, noise: float) -> ProjectedPanel:
    """Project the baseline, with its prior as further rows, out of revenue and nodes."""
    base, known = panel.base, panel.known
    rows = np.concatenate([base.columns[known], np.diag(noise / base.sd)])
    y = np.concatenate([panel.y[known], noise * base.centre / base.sd])
    node = panel.node_gain[:, :, known]
    padded = np.concatenate([node, np.zeros((*node.shape[:2], base.sd.size))], axis=2)
    q, r = np.linalg.qr(rows)
    padded -= (padded @ q) @ q.T
    square = np.einsum("cnt,cnt->cn", padded, padded)
    return ProjectedPanel(y - q @ (q.T @ y), padded, square, q, r, y, noise)


def coordinate_ascent(
    panel: Panel, problem: ProjectedPanel, rounds: int = MAX_SWEEPS
) -> VariationalFit:
    """Update channel after channel until no mean moves by more than 0.001 of the noise."""
    prior = panel.prior
    precision = 1 / prior.own**2
    reach = GRID_WIDTH_SD * np.sqrt(prior.own**2 + prior.shared**2)
    grid = prior.centre[:, None] + reach[:, None] * np.linspace(-1, 1, AMPLITUDE_LEVELS)
    fixed = constant_log_weights(panel, problem, grid)
    start = np.exp(prior.centre)[:, None] * np.exp(node_prior())
    mean = np.matmul(start[:, None, :], problem.node)[:, 0]
    weight, mu = np.empty((*problem.square.shape, AMPLITUDE_LEVELS)), 0.0
    expected, variance = prior.centre.copy(), np.zeros(len(grid))
    for _ in range(rounds):
        moved = 0.0
        for at in range(len(grid)):
            cancellation.checkpoint()
            left = problem.y - mean.sum(axis=0) + mean[at]
            known = fixed[at] - 0.5 * ((grid[at] - prior.centre[at] - mu) / prior.own[at]) ** 2
            found = update_channel(problem, at, left, grid[at], known)
            weight[at], new, variance[at] = found
            moved = max(moved, float(np.abs(new - mean[at]).max()))
            mean[at] = new
            expected[at] = float(weight[at].sum(axis=0) @ grid[at])
        gap = expected - prior.centre  # mu is the posterior mean of the offset that all share
        mu = float((gap * precision).sum() / (precision.sum() + 1 / prior.shared**2))
        if moved < CONVERGENCE_TOLERANCE * problem.noise:
            break
    return VariationalFit(problem, grid, weight, mu, mean, float(variance.sum()))


def constant_log_weights(panel: Panel, problem: ProjectedPanel, grid: Floats) -> Floats:
    """The part of the log weights that stays the same in all sweeps: (C, 180, levels)."""
    prior = panel.prior
    size = -0.5 * problem.square[:, :, None] * np.exp(2 * grid)[:, None, :] / problem.noise**2
    size += node_prior()[:, None]
    decays = problem.square.shape[1] // shapes().prior.size
    target = np.tile(prior.target, (1, decays))[:, :, None]
    size -= 0.5 * prior.precision[:, None, None] * (grid[:, None, :] - target) ** 2
    return np.asarray(size)


def update_channel(
    problem: ProjectedPanel, at: int, left: Floats, grid: Floats, known: Floats
) -> tuple[Floats, Floats, float]:
    """Weights of one channel given the others; its mean contribution and its variance."""
    node, amplitude = problem.node[at], np.exp(grid)
    log_w = np.multiply.outer(node @ left / problem.noise**2, amplitude)
    log_w += known
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    mean = (w @ amplitude) @ node
    variance = float((w @ amplitude**2) @ problem.square[at]) - float(mean @ mean)
    return w, mean, max(variance, 0.0)


def posterior(panel: Panel, found: VariationalFit) -> Posterior:
    """The posterior of the steady response: decays and amplitudes summed out."""
    kinds = shapes().prior.size
    amplitude = np.exp(found.log_amplitude)[:, None, :]
    by_node = np.stack(
        [
            found.weight.sum(axis=2),
            (found.weight * amplitude).sum(axis=2),
            (found.weight * found.log_amplitude[:, None, :]).sum(axis=2),
            (found.weight * found.log_amplitude[:, None, :] ** 2).sum(axis=2),
        ]
    )
    size = by_node.shape[1]
    weight, total, log_sum, square = by_node.reshape(4, size, -1, kinds).sum(axis=2)
    safe = np.maximum(weight, 1e-300)
    spread = np.maximum(square / safe - (log_sum / safe) ** 2, 0.0)
    return Posterior(panel.scale, weight, total / safe * panel.mean, spread)


def baseline_coefficients(panel: Panel, found: VariationalFit) -> Floats:
    """Posterior mean of the baseline's coefficients (p,)."""
    whole = (found.weight * np.exp(found.log_amplitude)[:, None, :]).sum(axis=2)
    node = panel.node_gain[:, :, panel.known]
    share = np.einsum("cn,cnt->t", whole, node)
    left = found.problem.y_full.copy()
    left[: share.size] -= share
    return np.asarray(np.linalg.solve(found.problem.r, found.problem.q.T @ left))


def predict(panel: Panel, found: VariationalFit, ahead: Ints) -> tuple[Floats, Floats]:
    """Mean and standard deviation of revenue, in money, in the periods `ahead`."""
    weight, amplitude = found.weight, np.exp(found.log_amplitude)
    node = panel.node_gain[:, :, ahead]
    first = np.einsum("cn,cnt->ct", np.einsum("cnj,cj->cn", weight, amplitude), node)
    second = np.einsum("cn,cnt->ct", np.einsum("cnj,cj->cn", weight, amplitude**2), node**2)
    columns = panel.base.columns[ahead]
    mean = columns @ baseline_coefficients(panel, found) + first.sum(axis=0)
    spread = np.linalg.solve(found.problem.r.T, columns.T)
    own = found.problem.noise**2 * (1 + (spread * spread).sum(axis=0))
    variance = own + np.maximum(second - first**2, 0.0).sum(axis=0)
    return mean * panel.mean, np.sqrt(variance) * panel.mean
