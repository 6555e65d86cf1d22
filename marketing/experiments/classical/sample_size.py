"""How many visitors an arm needs, and how long that takes."""

from dataclasses import dataclass
from math import asin, ceil, sqrt

from marketing.experiments.engine.roots import falling_root

ALPHA, POWER = 0.05, 0.8
SEQUENTIAL_FACTOR, PER_FURTHER_VARIANT = 1.55, 0.18


@dataclass(frozen=True, slots=True)
class Duration:
    """Visitors an arm and days to find an effect with a chance of 80 %, looking at any time."""

    visitors_per_arm: int
    fixed_visitors_per_arm: int
    days: int


def visitors_per_arm(
    rate: float, effect: float, alpha: float = ALPHA, power: float = POWER
) -> float:
    """For the pooled z test of two proportions at one look, equal arms."""
    other = rate * (1 + effect)
    middle = (rate + other) / 2
    z_alpha, z_power = _quantile(1 - alpha / 2), _quantile(power)
    root = z_alpha * sqrt(2 * middle * (1 - middle)) + z_power * sqrt(_spread(rate, other))
    return (root / (other - rate)) ** 2


def unpooled(rate: float, effect: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """With the variances of the two rates under both hypotheses."""
    other = rate * (1 + effect)
    z = _quantile(1 - alpha / 2) + _quantile(power)
    return z**2 * _spread(rate, other) / (other - rate) ** 2


def evan_miller(rate: float, effect: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """As a well-known calculator on the web has it: the control's variance for both."""
    other = rate * (1 + effect)
    root = _quantile(1 - alpha / 2) * sqrt(2 * rate * (1 - rate))
    root += _quantile(power) * sqrt(_spread(rate, other))
    return (root / (other - rate)) ** 2


def arcsine(rate: float, effect: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """By the arcsine transform, with both tails of the test."""
    from scipy.special import ndtr  # noqa: PLC0415 - slow to import

    size = abs(2 * asin(sqrt(rate * (1 + effect))) - 2 * asin(sqrt(rate)))
    z = _quantile(1 - alpha / 2)

    def missing(log_visitors: float) -> float:
        shift = size * sqrt(2.0**log_visitors / 2)
        return power - float(ndtr(shift - z) + ndtr(-shift - z))

    return float(2 ** falling_root(missing, 0.0, 60.0))


def planned_duration(
    rate: float, effect: float, variants: int, visitors_a_day: float, window_days: float
) -> Duration:
    """For an always-valid test; the days include the window in which the last ones may convert."""
    fixed = visitors_per_arm(rate, effect)
    needed = fixed * (SEQUENTIAL_FACTOR + PER_FURTHER_VARIANT * (variants - 1))
    days = needed * (variants + 1) / visitors_a_day + window_days
    return Duration(ceil(needed), ceil(fixed), ceil(days))


def _spread(rate: float, other: float) -> float:
    return rate * (1 - rate) + other * (1 - other)


def _quantile(share: float) -> float:
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    return float(ndtri(share))
