"""Two samples compared: the difference, absolute or relative, by several methods.

Each is None where it is not defined: a sample without variance, or a control whose mean is 0.
"""

from dataclasses import dataclass
from math import erfc, exp, log, log1p, pi, sqrt

import numpy as np

from marketing.experiments.classical.samples import Sample

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference of two means with its variance, and Welch's degrees of freedom."""

    value: float
    variance: float
    freedom: float
    visitors: int

    @property
    def error(self) -> float:
        return sqrt(self.variance)


@dataclass(frozen=True, slots=True)
class ComparisonFigures:
    """Difference, its interval and the p-value."""

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class BayesFigures:
    """Posterior of the difference, the chance that it is above 0, and what a choice may lose."""

    value: float
    error: float
    low: float
    high: float
    chance_to_win: float
    loss_of_keeping: float
    loss_of_shipping: float


def contrast(a: Sample | None, b: Sample | None, *, relative: bool) -> Contrast | None:
    """The variant (b) less the control (a), or in shares of the control."""
    if a is None or b is None or a.variance <= 0 or b.variance <= 0 or not a.scale:
        return None
    value, variance = b.mean - a.mean, a.of_mean + b.of_mean
    freedom = variance**2 / (a.of_mean**2 / (a.n - 1) + b.of_mean**2 / (b.n - 1))
    if relative:
        value /= a.scale
        variance = b.of_mean / a.scale**2 + a.of_mean * b.scale**2 / a.scale**4
    return Contrast(value, variance, freedom, a.n + b.n)


def fixed_horizon(found: Contrast, alpha: float = 0.05) -> ComparisonFigures:
    """Welch's t test (1947), right for one look that was planned ahead."""
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415 - slow to import

    p_value = 2 * float(stdtr(found.freedom, -abs(found.value) / found.error))
    half = float(stdtrit(found.freedom, 1 - alpha / 2)) * found.error
    return ComparisonFigures(found.value, found.value - half, found.value + half, p_value)


def confidence_sequence(
    found: Contrast, tuned_for: float, alpha: float = 0.05
) -> ComparisonFigures:
    """The asymptotic confidence sequence (Waudby-Smith and others 2024), as GrowthBook has it.

    `tuned_for` is the number of visitors at which it is tightest.
    """
    level = -2 * log(alpha)
    k = found.visitors * (level + log(level + 1)) / tuned_for
    log_e = k * found.value**2 / found.variance / (2 * (k + 1)) - log1p(k) / 2
    half = found.error * sqrt(2 * (k + 1) / k * (log1p(k) / 2 - log(alpha)))
    p_value = min(1.0, exp(-max(log_e, 0.0)))
    return ComparisonFigures(found.value, found.value - half, found.value + half, p_value)


def bayesian(
    found: Contrast, prior_error: float | None = None, alpha: float = 0.05
) -> BayesFigures:
    """A normal posterior; the prior is flat, or normal around 0 with this standard deviation."""
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    value, variance = found.value, found.variance
    if prior_error is not None:
        precision = 1 / variance + 1 / prior_error**2
        value, variance = value / variance / precision, 1 / precision
    error = sqrt(variance)
    u, half = value / error, float(ndtri(1 - alpha / 2)) * error
    density = exp(-(u**2) / 2) / sqrt(2 * pi)
    return BayesFigures(
        value, error, value - half, value + half, _cdf(u),
        error * density + value * _cdf(u),
        error * density - value * _cdf(-u),
    )  # fmt: skip


def pooled_z(
    n_a: int, converters_a: int, n_b: int, converters_b: int
) -> tuple[float, float] | None:
    """The z test of two proportions with the pooled rate, and its two-sided p-value."""
    if not n_a or not n_b:
        return None
    pooled = (converters_a + converters_b) / (n_a + n_b)
    error = sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    if not error:
        return None
    z = (converters_b / n_b - converters_a / n_a) / error
    return z, erfc(abs(z) / sqrt(2))


def fisher_exact(n_a: int, converters_a: int, n_b: int, converters_b: int) -> float:
    """The p-value of Fisher's exact test (1935), two-sided."""
    from scipy.stats import fisher_exact as exact  # noqa: PLC0415 - slow to import

    table = np.array([[converters_a, n_a - converters_a], [converters_b, n_b - converters_b]])
    return float(exact(table).pvalue)


def _cdf(x: float) -> float:
    return erfc(-x / sqrt(2)) / 2
