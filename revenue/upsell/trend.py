"""Forecast a metric from its days: a robust trend, factors for weekdays, an interval; pure.

The trend is the median of the slopes of all pairs of days (Theil 1950, Sen 1968), so that single
outliers do not change it; its interval is Sen's. Weekday factors are divided out before the trend
is estimated and applied to the forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

MIN_DAYS = 14  # fewer days with a value give no forecast
MIN_DAYS_FOR_WEEKDAYS = 28  # fewer days give no weekday factors
COVERAGE = 0.9  # of the interval
Z = 1.6449  # of a normal distribution, for COVERAGE
MAD_TO_DEVIATION = 1.4826  # from the median absolute deviation, for a normal distribution
OUTLIER_DEVIATIONS = 2.5  # larger residuals are clipped to this
INTERVAL_WIDENING = 1.25  # for the error of the weekday factors; measured on simulated series

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricForecast:
    """A forecast quantity with its 90 % interval."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True, slots=True)
class TrendFit:
    """A fitted trend: `weekdays` are factors, `level` is the value at the `middle` day.

    `slope` is the change a day, `noise` the standard deviation of a day. Because the level is
    estimated at the middle, its error is independent of that of the slope.
    """

    weekdays: Floats
    middle: float
    level: float
    level_error: float
    slope: float
    slope_error: float
    noise: float


def forecast_total(days: Sequence[float | None], ahead: int) -> MetricForecast | None:
    """The sum of the next `ahead` days; None where fewer than 14 days have a value.

    `days` end with the last complete day; None is an unknown day.
    """
    fit = fit_trend(days)
    if fit is None:
        return None
    steps = len(days) - 1 + np.arange(1, ahead + 1)
    factors = fit.weekdays[steps % 7]
    values = np.maximum(fit.level + fit.slope * (steps - fit.middle), 0) * factors
    spread = sqrt(
        float((factors**2).sum()) * fit.noise**2
        + (float(factors.sum()) * fit.level_error) ** 2
        + (float(((steps - fit.middle) * factors).sum()) * fit.slope_error) ** 2
    )
    return _around(float(values.sum()), spread)


def forecast_level(days: Sequence[float | None], ahead: int) -> MetricForecast | None:
    """A reading (not a total) in `ahead` days; None as for `forecast_total`."""
    fit = fit_trend(days)
    if fit is None:
        return None
    last = next(each for each in reversed(days) if each is not None)
    spread = sqrt(fit.noise**2 + (ahead * fit.slope_error) ** 2)
    return _around(max(last + fit.slope * ahead, 0.0), spread)


def _around(estimate: float, spread: float) -> MetricForecast:
    wide = INTERVAL_WIDENING * Z * spread
    return MetricForecast(max(estimate - wide, 0.0), estimate, estimate + wide)


def fit_trend(days: Sequence[float | None]) -> TrendFit | None:
    """Fit trend, weekday factors and noise; None where fewer than 14 days have a value."""
    values = np.array([np.nan if each is None else each for each in days], dtype=float)
    places = np.flatnonzero(~np.isnan(values))
    if len(places) < MIN_DAYS:
        return None
    known = values[places]
    weekdays = _weekdays(places, known) if len(places) >= MIN_DAYS_FOR_WEEKDAYS else np.ones(7)
    worked = weekdays[places % 7] > 0
    places, known = places[worked], known[worked]
    adjusted = known / weekdays[places % 7]
    slope, error = _slope(places, adjusted)
    middle = float(places.mean())
    rest = adjusted - slope * (places - middle)
    half = float(np.median(rest))
    noise = MAD_TO_DEVIATION * float(np.median(np.abs(rest - half)))
    level = half + float(
        np.clip(rest - half, -OUTLIER_DEVIATIONS * noise, OUTLIER_DEVIATIONS * noise).mean()
    )
    level_error = noise / sqrt(len(places))
    return TrendFit(weekdays, middle, level, level_error, slope, error, noise)


def _weekdays(places: NDArray[np.intp], known: Floats) -> Floats:
    """Each weekday's median divided by the overall median; 1 where that is 0 or unknown.

    A weekday without use mostly has 0 and is left out of the trend.
    """
    whole = float(np.median(known))
    factors = np.ones(7)
    for place in range(7):
        mine = known[places % 7 == place]
        if whole and len(mine):
            factors[place] = float(np.median(mine)) / whole
    return factors


def _slope(places: NDArray[np.intp], values: Floats) -> tuple[float, float]:
    """The median of the slopes of all pairs, and its standard error from Sen's interval."""
    first, second = np.triu_indices(len(places), 1)
    slopes = np.sort((values[second] - values[first]) / (places[second] - places[first]))
    count, n = len(slopes), len(places)
    wide = Z * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = slopes[max(int((count - wide) / 2), 0)]
    high = slopes[min(int((count + wide) / 2), count - 1)]
    return float(np.median(slopes)), float(high - low) / (2 * Z)
