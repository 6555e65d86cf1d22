"""Evidence that a variant converts more or less often than the control, valid at every look.

If the arms convert alike, each converter's arm, and each non-converter's, is a draw with the share
of the pair's visitors that the variant gets, whatever the rate. Were the variant's rate theta times
the control's rate p, the odds of the variant would tilt by theta among the converters and by
(1 - theta p) / (1 - p) among the others. The likelihood ratios are mixed over one log theta that
all strata have in common (Ville 1939; Robbins 1970; for converters Lindon and Malek 2022). Under
"not better" the mixture is a non-negative supermartingale, so that it ever reaches 1/a with a
chance of at most a: for any rate, drift of the rate, number of looks, and weights, also those that
a bandit picks from past counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log, log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketing.experiments.engine.roots import falling_root

Floats = NDArray[np.float64]

SIZES: Floats = 0.001 * 1.1 ** np.arange(85, dtype=np.float64)  # of |log theta|: .001 .. 3
PLANNED_MASS = 0.85  # of the prior, around the planned effect; the rest lies on all sizes alike
SPREAD = 0.98  # 2 x .7^2: the variance of log(size / planned size), twice
WIDEST = 12.0  # |log theta| searched for limits
HIGHER, LOWER = 1, -1  # theta > 1, theta < 1


class PairStratum(NamedTuple):
    """Closed counts of a control (a) and a variant (b) under one weight and one base rate.

    `share` is the variant's weight among both; `base_rate` is 0 for exposures of the learning
    stretch, whose non-converters say nothing.
    """

    share: float
    base_rate: float
    converters_a: int
    converters_b: int
    others_a: int = 0
    others_b: int = 0


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Limits of log theta; None where the evidence never excludes a value on that side."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Logarithms of the two e-values: that theta is above 1, and that it is below."""

    higher: float
    lower: float


def evidence(strata: Sequence[PairStratum], effect: float) -> Evidence:
    """The evidence of these strata; `effect` is the planned relative effect, such as .1."""
    return Evidence(log_e_value(strata, HIGHER, effect), log_e_value(strata, LOWER, effect))


def log_e_value(strata: Sequence[PairStratum], side: int, effect: float) -> float:
    """Evidence in favour of theta above 1 (`HIGHER`) or below (`LOWER`), against no difference."""
    total = log_prior(effect)
    for each in strata:
        tilt = _tilt(each.share, each.base_rate, side)
        total = total + _counts(each) @ tilt
    return _log_sum_exp(total)


def limits(
    strata: Sequence[PairStratum], effect: float, error_higher: float, error_lower: float
) -> LogLimits:
    """The values of log theta that the converters do not exclude, at every look alike.

    `error_higher` is the chance of ever excluding a true value from below, `error_lower` from
    above. Non-converters are left out: their odds depend on the unknown rate.
    """
    shares = np.array([each.share for each in strata])
    b = np.array([each.converters_b for each in strata], dtype=np.float64)
    n = b + [each.converters_a for each in strata]
    prior = log_prior(effect)

    def against(log_theta: float, side: int) -> float:
        odds = shares * np.exp(log_theta)
        tilted = odds / (1 - shares + odds)
        t = side * SIZES
        normaliser = np.log1p(np.multiply.outer(tilted, np.expm1(t)))
        return _log_sum_exp(prior + b.sum() * t - n @ normaliser)

    wanted_higher, wanted_lower = -log(error_higher), -log(error_lower)
    return LogLimits(
        _crossing(lambda x: against(x, HIGHER) - wanted_higher),
        _mirrored(_crossing(lambda x: against(-x, LOWER) - wanted_lower)),
    )


@lru_cache(maxsize=64)
def log_prior(effect: float) -> Floats:
    """Log weights of SIZES: most around the planned effect, some on every size."""
    planned = log1p(effect)
    bell = np.exp(-(np.log(SIZES / planned) ** 2) / SPREAD)
    return _read_only(np.log(PLANNED_MASS * bell / bell.sum() + (1 - PLANNED_MASS) / SIZES.size))


@lru_cache(maxsize=4096)
def _tilt(share: float, base_rate: float, side: int) -> Floats:
    """What a converter of b, any converter, a non-converter of b and any one add, by size."""
    t = side * SIZES
    tilted = np.minimum(base_rate * np.exp(t), (1 + base_rate) / 2)
    u = np.log((1 - tilted) / (1 - base_rate))
    rows = (t, -np.log1p(share * np.expm1(t)), u, -np.log1p(share * np.expm1(u)))
    return _read_only(np.array(rows))


def _counts(stratum: PairStratum) -> Floats:
    _, _, a, b, others_a, others_b = stratum
    return np.array([b, a + b, others_b, others_a + others_b], dtype=np.float64)


def _log_sum_exp(values: Floats) -> float:
    largest = values.max()
    return float(largest + np.log(np.exp(values - largest).sum()))


def _crossing(function: Callable[[float], float]) -> float | None:
    """Where the evidence falls below what is wanted; None where it never reaches it."""
    if function(-WIDEST) <= 0:
        return None
    if function(WIDEST) >= 0:
        return WIDEST
    return falling_root(function, -WIDEST, WIDEST)


def _mirrored(value: float | None) -> float | None:
    return None if value is None else -value


def _read_only(values: Floats) -> Floats:
    values.flags.writeable = False
    return values
