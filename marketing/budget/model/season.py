"""Estimate the season that all channels share, before their curves are fitted.

Spend follows the season in most companies, so a fit without it credits the channels with, say,
December. A two-way model, log R = a_c + b_c log S + g_t, separates them: ridge on the elasticities
b_c ~ N(.55, .2^2), noise sd .2, and g_t free (Baltagi, Econometric Analysis of Panel Data, 2).
The elasticities are eliminated, which leaves one system of equations over the weeks.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from marketing.budget.model.response_curves import Floats

ELASTICITY_MEAN, ELASTICITY_SD, NOISE_SD = 0.55, 0.2, 0.2
SLOW_WAVE_WEEKS = 16  # weeks
SIGNIFICANCE_SD = 2.5  # standard deviations above noise from which an effect is significant


def week_effect(log_revenue: Floats, log_spend: Floats, seen: Floats) -> Floats:
    """Shared effect of each week (T,) on log revenue; `seen` (C, T) is 1 where a cell counts.

    Zero where the weeks differ no more than noise alone would make them.
    """
    s, r = centred(log_spend, seen), centred(log_revenue, seen)
    weight = 1 / ((s * s).sum(axis=1) + (NOISE_SD / ELASTICITY_SD) ** 2)
    cells = seen.sum(axis=1)
    pull = ELASTICITY_MEAN * (NOISE_SD / ELASTICITY_SD) ** 2

    system = np.diag(seen.sum(axis=0)) - (seen / np.maximum(cells, 1)[:, None]).T @ seen
    system -= (s * weight[:, None]).T @ s
    system += np.full_like(system, 1 / len(system))
    slope = ((r * s).sum(axis=1) + pull) * weight
    right = (r - slope[:, None] * s).sum(axis=0)
    effect = np.linalg.solve(system + 1e-9 * np.eye(len(system)), right)
    effect -= effect.mean()
    noise = noise_variance(effect, r, s, seen, slope)
    return significant_part(effect, seen.sum(axis=0), noise, float(seen.sum()) - 2 * len(seen))


def noise_variance(effect: Floats, r: Floats, s: Floats, seen: Floats, slope: Floats) -> float:
    """Residual variance of the two-way fit, by its degrees of freedom."""
    ridge = (s * s).sum(axis=1) + (NOISE_SD / ELASTICITY_SD) ** 2
    shared = centred(np.broadcast_to(effect, seen.shape), seen)
    slope = slope - (shared * s).sum(axis=1) / ridge
    left = r - shared - slope[:, None] * s
    freedom = max(float(seen.sum()) - 2 * len(seen) - len(effect) + 1, 1.0)
    return max(float((left * left).sum()) / freedom, 1e-12)


def significant_part(effect: Floats, cells: Floats, noise: float, rows: float) -> Floats:
    """The whole effect, its slow part, or zero: what is significant.

    F tests on the slow part (cosines longer than SLOW_WAVE_WEEKS) and on the rest.
    """
    weeks = len(effect)
    waves = min(max(2, 2 * weeks // SLOW_WAVE_WEEKS), weeks - 2)
    order = np.arange(1, waves + 1)
    basis = np.cos(np.pi * np.outer(np.arange(weeks) + 0.5, order) / weeks) * np.sqrt(2 / weeks)
    slow = basis @ (basis.T @ effect)
    fast = effect - slow

    def is_significant(part: Floats, size: int) -> bool:
        ratio = float((cells * part * part).sum()) / size / noise
        return ratio > 1 + SIGNIFICANCE_SD * sqrt(2 / size + 2 / max(rows - weeks, 1.0))

    if is_significant(fast, weeks - 1 - waves):
        return effect
    return slow if is_significant(slow, waves) else np.zeros_like(effect)


def centred(values: Floats, seen: Floats) -> Floats:
    """Values minus the mean of their row's observed cells; 0 in the other cells."""
    observed = np.where(seen > 0, values, 0.0)
    mean = observed.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray((observed - mean[:, None]) * seen)


def calendar_effect(
    log_revenue: Floats, log_spend: Floats, seen: Floats, days: Sequence[int]
) -> Floats:
    """Trend and yearly season (T,), for fewer than three channels.

    Ridge on a trend (from 12 periods) and two waves of a year (from 52 weeks), prior sd .3.
    """
    weeks = (np.asarray(days, dtype=np.float64) - days[0]) / 7
    waves = calendar_columns(weeks, len(days))
    s, r = centred(log_spend, seen), centred(log_revenue, seen)
    lines = len(s)
    design = np.zeros((*s.shape, lines + waves.shape[1]))
    design[np.arange(lines), :, np.arange(lines)] = s
    design[..., lines:] = waves
    flat, target = design.reshape(-1, design.shape[2]), r.ravel()
    observed = seen.ravel() > 0
    spread = np.r_[np.full(lines, ELASTICITY_SD), np.full(waves.shape[1], 0.3)]
    prior = np.r_[np.full(lines, ELASTICITY_MEAN), np.zeros(waves.shape[1])]
    ridge = np.diag((NOISE_SD / spread) ** 2)
    flat, target = flat[observed], target[observed]
    found = np.linalg.solve(flat.T @ flat + ridge, flat.T @ target + ridge @ prior)
    effect = waves @ found[lines:]
    return np.asarray(effect - effect.mean())


def calendar_columns(weeks: Floats, periods: int) -> Floats:
    """Trend in [-1, 1] and Fourier pairs of 52 weeks, where the history is long enough."""
    columns = []
    if periods >= 12:
        columns.append(2 * weeks / weeks[-1] - 1)
    if weeks[-1] >= 51:
        angle = 2 * np.pi * weeks / 52
        columns += [each(order * angle) for order in (1, 2) for each in (np.sin, np.cos)]
    return np.stack(columns, axis=1) if columns else np.zeros((periods, 0))
