"""Several variants against one control, and all arms at once, at one look planned ahead."""

from collections.abc import Sequence

import numpy as np

from marketing.experiments.engine.sequential import Floats

NODES = 400  # of the integral over the control's error
SPREAD_NODES = 48  # of that over the estimated deviation


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Each times their number."""
    return [min(1.0, len(p_values) * each) for each in p_values]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted for the share of wrong ones among those found (Benjamini and Hochberg 1995)."""
    adjusted = [1.0] * len(p_values)
    smallest = 1.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    for place, index in enumerate(order):
        smallest = min(smallest, p_values[index] * len(p_values) / (len(p_values) - place))
        adjusted[index] = smallest
    return adjusted


def chi_square_of_rates(visitors: Sequence[int], converters: Sequence[int]) -> tuple[float, float]:
    """The statistic and p-value of equal rates in all arms, without continuity correction."""
    from scipy.special import chdtrc  # noqa: PLC0415 - slow to import

    n, c = np.array(visitors, dtype=float), np.array(converters, dtype=float)
    rate = c.sum() / n.sum()
    if not 0 < rate < 1:
        return 0.0, 1.0
    statistic = float((((c - n * rate) ** 2) / (n * rate * (1 - rate))).sum())
    return statistic, float(chdtrc(len(n) - 1, statistic))


def dunnett(visitors: Sequence[int], converters: Sequence[int]) -> list[float]:
    """Two-sided p-values of each variant against the first arm (Dunnett 1955).

    The differences share the control's error, so that they are independent given it: the integral
    has one dimension for the control and one for the estimated deviation.
    """
    n, c = np.array(visitors, dtype=float), np.array(converters, dtype=float)
    rates, freedom = c / n, float(n.sum() - len(n))
    deviation = np.sqrt((c * (1 - rates)).sum() / freedom)
    if not deviation:
        return [1.0] * (len(n) - 1)
    t = np.abs(rates[1:] - rates[0]) / (deviation * np.sqrt(1 / n[1:] + 1 / n[0]))
    loads = np.sqrt(n[1:] / (n[1:] + n[0]))
    return [_above(float(each), loads, freedom) for each in t]


def _above(t: float, loads: Floats, freedom: float) -> float:
    """The chance that the largest of the statistics is above t."""
    from scipy.special import chdtri, ndtr  # noqa: PLC0415 - slow to import

    places, weights = np.polynomial.legendre.leggauss(SPREAD_NODES)
    scales = np.sqrt(chdtri(freedom, (1 - places) / 2) / freedom)
    z, of_z = np.polynomial.legendre.leggauss(NODES)
    z, of_z = 9 * z, 9 * of_z * np.exp(-((9 * z) ** 2) / 2) / np.sqrt(2 * np.pi)
    own = np.sqrt(1 - loads**2)
    threshold = t * scales[:, None, None]
    shifted = (loads * z[:, None])[None]
    inside = ndtr((threshold + shifted) / own) - ndtr((shifted - threshold) / own)
    outside = 1 - np.prod(inside, axis=2)
    return float(weights / 2 @ (outside @ of_z))
