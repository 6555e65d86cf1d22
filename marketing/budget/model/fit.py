"""The posterior of each channel's response curve, in closed form.

Per channel and node (shape and decay) the log amplitude has a flat prior and the noise an
inverse-gamma prior, so both integrate out exactly (Zellner, An Introduction to Bayesian Inference
in Econometrics, 1971), and the weights of the 180 nodes follow from sums of squares. The noise
prior is centred on the noise of all channels together. There is no sampling: equal input gives
equal output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aethercrown import cancellation
from marketing.budget.model.history import SpendHistory, log_revenue
from marketing.budget.model.response_curves import (
    DECAY_PRIOR,
    Bools,
    Floats,
    Ints,
    carry_over_matrices,
    features,
    shapes,
)
from marketing.budget.model.season import calendar_effect, week_effect
from marketing.budget.planner.request import LiftTestResult

NOISE_SHAPE, NOISE_SCALE = 2.0, 2 * 0.15**2  # of the first noise prior
NOISE_POOL_ROWS = 10.0  # rows that the common noise counts for in each channel
CHANNELS_PER_CHUNK = 16  # channels at a time: their columns stay in the processor's cache
MIN_SEASON_CHANNELS, MIN_SEASON_WEEKS = 3, 8  # needed to estimate a shared season
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posterior of each channel's steady response; rows are channels, columns shapes."""

    scale: Floats  # (C,) usual spend a period, money
    weight: Floats  # (C, 36) adds up to 1 per channel
    amplitude: Floats  # (C, 36) revenue at the usual spend, money
    spread: Floats  # (C, 36) variance of the log amplitude

    def of(self, some: Ints) -> "Posterior":
        """The posterior of some of the channels, by index."""
        return Posterior(
            self.scale[some], self.weight[some], self.amplitude[some], self.spread[some]
        )


@dataclass(frozen=True, slots=True)
class ChannelFit:
    """The posterior, and what its residuals are computed from."""

    posterior: Posterior
    season: Floats  # (T,) shared effect of each period on log revenue
    y: Floats  # (C, T) log revenue less the season
    usable: Bools  # (C, T) rows that were fitted
    noise: Floats  # (C,) standard deviation of a row's log revenue
    joint: Floats  # (C, D, 36) weights with their decays
    level: Floats  # (C, D, 36) log of revenue at the usual spend


def fit_history(
    history: SpendHistory, tests: Sequence[LiftTestResult] = (), season: Floats | None = None
) -> ChannelFit:
    """Fit every channel; one that never spent or never earned has amplitude 0.

    A known `season` (T,) on log revenue is used as it is; without one it is estimated.
    """
    usable = history.usable
    count = np.maximum(history.funded.sum(axis=1), 1)
    scale = history.spend.sum(axis=1) / count
    scale = np.where(scale > 0, scale, 1.0)
    y, mean = log_revenue(history)
    earns = np.log(np.where(mean > 0, mean, TINY))[:, None, None]
    x = history.spend / scale[:, None]
    season = season_effect(history, y, x, usable) if season is None else season
    y = np.where(usable, y - season, 0.0)

    adstock = adstocked(x, history.seen, dated=bool(history.dates))
    weight = usable.astype(np.float64)
    extra = lift_test_rows(history.channels, tests, scale, mean)
    table = np.concatenate([y, extra[1]], axis=1), np.concatenate([weight, extra[2]], axis=1)
    more = np.broadcast_to(extra[0][:, None, :], (*adstock.shape[:2], extra[0].shape[1]))
    level, squares = node_sums(np.concatenate([adstock, more], axis=2), *table)
    joint, noise = node_weights(squares, np.count_nonzero(table[1], axis=1))
    rows = np.maximum(table[1].sum(axis=1), 1.0)
    share, amplitude, spread = sum_over_decays(joint, level, noise / rows[:, None, None])
    posterior = Posterior(scale, share, amplitude * mean[:, None], spread)
    deviation = np.sqrt((joint * noise).sum(axis=(1, 2)))
    return ChannelFit(posterior, season, y + earns[:, 0], usable, deviation, joint, level + earns)


def season_effect(history: SpendHistory, y: Floats, x: Floats, usable: Bools) -> Floats:
    """Season (T,): estimated from the channels together, or from the calendar if they are few."""
    if not history.dates:
        return np.zeros(y.shape[1])
    seen = usable.astype(np.float64)
    log_x = np.log(np.where(usable, x, 1.0))
    together = (usable.sum(axis=0) >= MIN_SEASON_CHANNELS).sum() >= MIN_SEASON_WEEKS
    if together:
        return week_effect(y, log_x, seen)
    return calendar_effect(y, log_x, seen, [each.toordinal() for each in history.dates])


def lift_test_rows(
    channels: Sequence[str], tests: Sequence[LiftTestResult], scale: Floats, mean: Floats
) -> tuple[Floats, Floats, Floats]:
    """Lift tests as further rows (C, tests): spend, log revenue and precision.

    Precision is relative to the noise variance of a row, 0.15^2.
    """
    size = (len(channels), len(tests))
    x, y, weight = np.ones(size), np.zeros(size), np.zeros(size)
    for at, test in enumerate(tests):
        line = channels.index(test.channel)
        x[line, at] = test.spend / scale[line]
        y[line, at] = np.log(test.revenue / (mean[line] or 1.0))
        weight[line, at] = 0.15**2 / (test.sd / test.revenue) ** 2
    return x, y, weight


def adstocked(x: Floats, seen: Bools, *, dated: bool) -> Floats:
    """Adstocked spend (C, D, T) for each decay; gaps are closed; D is 1 for undated rows."""
    if not dated:
        return x[:, None, :]
    matrices = carry_over_matrices(x.shape[1]).transpose(0, 2, 1)
    if seen.all():
        return np.asarray(np.matmul(x, matrices).transpose(1, 0, 2))
    order = np.argsort(~seen, axis=1, kind="stable")
    adstock = np.matmul(np.take_along_axis(x, order, 1), matrices).transpose(1, 0, 2)
    return np.take_along_axis(adstock, np.argsort(order, axis=1)[:, None, :], 2)


def node_sums(adstock: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Mean and sum of squares of y - log G for each channel, decay and shape (C, D, 36).

    `weight` (C, T) is the precision of a row relative to one without a test, 0 where there is none.
    """
    parts = []
    for at in range(0, len(y), CHANNELS_PER_CHUNK):
        cancellation.checkpoint()
        part = slice(at, at + CHANNELS_PER_CHUNK)
        parts.append(_chunk_sums(adstock[part], y[part], weight[part]))
    means, squares = zip(*parts, strict=True)
    return np.concatenate(means), np.concatenate(squares)


def _chunk_sums(adstock: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    columns = features(np.where(adstock > 0, adstock, 1.0), more=1)
    columns[..., -1] = y[:, None, :]
    total = np.maximum(weight.sum(axis=1), TINY)[:, None, None]
    mean = np.matmul((weight[:, None, :] / total)[:, :, None, :], columns)
    if not (weight == 1).all():
        columns *= np.sqrt(weight)[:, None, :, None]
    gram = np.matmul(columns.transpose(0, 1, 3, 2), columns)
    contrast = np.concatenate([-shapes().mix, np.ones((1, shapes().mix.shape[1]))])
    level = (mean @ contrast)[:, :, 0]
    squares = (np.matmul(gram, contrast) * contrast).sum(axis=2) - total * level**2
    return level, np.maximum(squares, 0.0)


def node_weights(squares: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Posterior of each node and the noise variance under it, both (C, D, 36)."""
    decays = DECAY_PRIOR[: squares.shape[1]]
    log_prior = np.log(decays / decays.sum())[:, None] + np.log(shapes().prior)
    many = rows > 1
    first, noise = _weights(log_prior, squares, rows, NOISE_SHAPE, np.full(len(rows), NOISE_SCALE))
    if not many.any():
        return first, noise
    common = np.exp(np.log((first * noise).sum(axis=(1, 2))[many]).mean())
    shape = NOISE_SHAPE + NOISE_POOL_ROWS
    scale = np.where(many, common * (shape - 1), NOISE_SCALE * (shape - 1) / (NOISE_SHAPE - 1))
    return _weights(log_prior, squares, rows, shape, scale)


def _weights(
    log_prior: Floats, squares: Floats, rows: Ints, shape: float, scale: Floats
) -> tuple[Floats, Floats]:
    freedom = (shape + (np.maximum(rows, 1) - 1) / 2)[:, None, None]
    rate = scale[:, None, None] + squares / 2
    log_w = log_prior - freedom * np.log(rate)
    w = np.exp(log_w - log_w.max(axis=(1, 2), keepdims=True))
    return w / w.sum(axis=(1, 2), keepdims=True), rate / (freedom - 1)


def sum_over_decays(
    joint: Floats, level: Floats, variance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Weight, amplitude and log variance of each shape (C, 36), summed over the decays."""
    weight = joint.sum(axis=1)
    safe = np.maximum(weight, TINY)
    amplitude = (joint * np.exp(level)).sum(axis=1) / safe
    return weight, amplitude, (joint * variance).sum(axis=1) / safe


def expected_log_revenue(joint: Floats, level: Floats, adstock: Floats) -> Floats:
    """Mean log revenue (C, T) at adstocked spends."""
    blend = np.matmul(joint, shapes().mix.T)
    columns = features(np.where(adstock > 0, adstock, 1.0))
    curve = np.matmul(columns, blend[..., None])[..., 0].sum(axis=1)
    return np.asarray(curve + (joint * level).sum(axis=(1, 2))[:, None])


def residuals(found: ChannelFit, history: SpendHistory, periods: int) -> Floats:
    """Log revenue less season and curve (C, periods) of the last periods; 0 without a row."""
    part = slice(-periods, None)
    x = history.spend / found.posterior.scale[:, None]
    adstock = adstocked(x, history.seen, dated=bool(history.dates))[..., part]
    gap = found.y[:, part] - expected_log_revenue(found.joint, found.level, adstock)
    return np.where(found.usable[:, part], gap, 0.0)
