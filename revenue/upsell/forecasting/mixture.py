"""A mixture of distributions of an amount that is not negative, and its quantiles; pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NORMAL_BELOW = 0.1  # of deviation over mean: a gamma distribution is nearly normal there
STEPS = 50  # halvings of the search interval
REACH_BELOW, REACH_ABOVE = 8, 12  # deviations around the means that are searched
LEAST_SHARE = 1e-9  # of the mean: the smallest deviation and mean


class MixtureComponent(NamedTuple):
    """One model's forecast and its weight."""

    weight: float
    mean: float
    variance: float


def quantiles(components: Sequence[MixtureComponent], levels: Sequence[float]) -> list[float]:
    """The amounts below which the mixture is with these probabilities.

    A component is gamma distributed, or normal where its deviation is small beside its mean; one
    whose mean is not above 0 stands for nearly nothing.
    """
    weights, means, variances = (np.array(each) for each in zip(*components, strict=True))
    weights = weights / weights.sum()
    least = max(float(np.abs(means).max()) * LEAST_SHARE, LEAST_SHARE)
    means = np.maximum(means, least)
    deviations = np.maximum(np.sqrt(variances), least)
    low = max(0.0, float((means - REACH_BELOW * deviations).min()))
    high = float((means + REACH_ABOVE * deviations).max())
    return [_quantile(level, low, high, (weights, means, deviations)) for level in levels]


def _quantile(
    level: float, low: float, high: float, mixture: tuple[Floats, Floats, Floats]
) -> float:
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _probability(middle, *mixture) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _probability(amount: float, weights: Floats, means: Floats, deviations: Floats) -> float:
    # most processes never forecast, and scipy takes long to import
    from scipy.special import gammainc, ndtr  # noqa: PLC0415

    spread = deviations / means
    shape = 1 / np.maximum(spread, NORMAL_BELOW) ** 2
    gamma = gammainc(shape, amount * shape / means)
    normal = ndtr((amount - means) / deviations)
    return float((weights * np.where(spread > NORMAL_BELOW, gamma, normal)).sum())
