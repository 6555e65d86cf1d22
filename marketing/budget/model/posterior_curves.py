"""Posterior mean curves at given spends: revenue, marginal return and saturation."""

import numpy as np

from marketing.budget.model.fit import CHANNELS_PER_CHUNK, Posterior
from marketing.budget.model.response_curves import Floats, elasticity_at, log_gain


def revenue(posterior: Posterior, spend: Floats) -> Floats:
    """Mean revenue a period at steady spends (C, S), each channel its own; exactly 0 at 0."""
    strength = posterior.weight * posterior.amplitude
    out = np.empty_like(spend)
    for at in range(0, len(spend), CHANNELS_PER_CHUNK):
        part = slice(at, at + CHANNELS_PER_CHUNK)
        x = spend[part] / posterior.scale[part, None]
        gain = np.exp(log_gain(np.where(x > 0, x, 1.0)))
        out[part] = np.where(x > 0, np.matmul(gain, strength[part, :, None])[..., 0], 0.0)
    return out


def shape_gains(posterior: Posterior, spend: Floats) -> Floats:
    """Gain G of every shape at spends (C, S): (C, S, 36); 0 at spend 0."""
    x = spend / posterior.scale[:, None]
    return np.where(x[..., None] > 0, np.exp(log_gain(np.where(x > 0, x, 1.0))), 0.0)


def marginal_return(posterior: Posterior, spend: Floats) -> Floats:
    """Marginal return at spends (C, S); near 0, that at 0.001 of the usual spend."""
    floor = np.maximum(spend, 1e-3 * posterior.scale[:, None])
    x = floor / posterior.scale[:, None]
    strength = (posterior.weight * posterior.amplitude)[:, None, :]
    slope = np.exp(log_gain(x)) * elasticity_at(x) * strength
    return np.asarray(slope.sum(axis=2) / floor)


def saturation_percent(posterior: Posterior, spend: Floats) -> Floats:
    """Saturation (C,): 100 (1 - marginal return / average return), between 0 and 100."""
    earned = revenue(posterior, spend[:, None])[:, 0]
    slope = marginal_return(posterior, spend[:, None])[:, 0]
    share = np.divide(slope * spend, earned, out=np.ones_like(earned), where=earned > 0)
    return np.asarray(np.clip(100 * (1 - share), 0, 100))
