"""What a winner will bring: its estimate shrunk by what this installation's tests brought.

The largest of several noisy estimates is too large. A prior of log theta is fitted to all finished
comparisons, won or not, and the estimate is the posterior mean. It never touches a decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, sqrt

import numpy as np

from marketing.experiments.engine.estimates import LogRatio
from marketing.experiments.engine.sequential import Floats, LogLimits

SCALES = (0.01, 0.015, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5)
GRID: Floats = np.arange(-400, 401, dtype=np.float64) * 0.005  # log theta
FREEDOM = 3
NARROW = 0.01  # a standard error below which the grid is too coarse and nothing is shrunk
SMALLEST_VARIANCE = 1e-9
Z_90 = 1.645


@dataclass(frozen=True, slots=True)
class Promise:
    """Log theta that may be counted on, and between which limits."""

    estimate: float
    low: float | None
    high: float | None

    @property
    def percent(self) -> tuple[float, float | None, float | None]:
        """Estimate, low and high in percent."""
        low, high = (None if each is None else in_percent(each) for each in (self.low, self.high))
        return in_percent(self.estimate), low, high


def in_percent(log_theta: float) -> float:
    """A log ratio as percent more."""
    return 100 * (exp(log_theta) - 1)


def promise(found: LogRatio, limits: LogLimits, finished: Sequence[LogRatio]) -> Promise:
    """The posterior mean of log theta inside the limits of the sequence."""
    estimate = shrunk(found, finished)
    if limits.low is not None:
        estimate = max(estimate, limits.low)
    if limits.high is not None:
        estimate = min(estimate, limits.high)
    return Promise(estimate, limits.low, limits.high)


def shrunk(found: LogRatio, finished: Sequence[LogRatio]) -> float:
    """The posterior mean of log theta under the prior fitted to the finished comparisons."""
    if sqrt(found.variance) < NARROW:
        return found.value
    scales = np.zeros(len(SCALES))
    for each in finished:
        scales += np.log(_priors() @ _likelihood(each))
    prior = np.exp(scales - scales.max()) @ _priors()
    posterior = prior * _likelihood(found)
    return float(posterior @ GRID / posterior.sum())


def realised_band(promised: Promise, standard_error: float) -> tuple[float | None, float | None]:
    """Where a measurement with this error lies in nine of ten times, if the promise holds.

    It has an error of its own, which no promise can foresee.
    """
    own = (Z_90 * standard_error) ** 2
    x = promised.estimate
    low = None if promised.low is None else x - sqrt((x - promised.low) ** 2 + own)
    high = None if promised.high is None else x + sqrt((promised.high - x) ** 2 + own)
    return low, high


def is_kept(promised: Promise, realised: float, standard_error: float) -> bool:
    """Whether what arrived fits what was promised."""
    low, high = realised_band(promised, standard_error)
    return (low is None or realised >= low) and (high is None or realised <= high)


def _likelihood(found: LogRatio) -> Floats:
    variance = max(found.variance, SMALLEST_VARIANCE)
    shape = np.exp(-((found.value - GRID) ** 2) / (2 * variance))
    return np.maximum(shape, np.finfo(float).tiny)


@lru_cache(maxsize=1)
def _priors() -> Floats:
    """A row a scale: Student's t on the grid, adding up to 1."""
    scaled = GRID / np.array(SCALES)[:, None]
    density = (1 + scaled**2 / FREEDOM) ** (-(FREEDOM + 1) / 2)
    rows: Floats = density / density.sum(axis=1, keepdims=True)
    rows.flags.writeable = False
    return rows
