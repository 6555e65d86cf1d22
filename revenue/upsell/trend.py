"""What a metric will come to, from its days: a robust trend, a week's rhythm, an interval; pure.

The trend is the median of the slopes of all pairs of days (Theil 1950, Sen 1968), so that single
wild days do not bend it; its interval is Sen's. Weekdays are taken out before and put back after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

MIN_DAYS = 14  # days with a value below which nothing is forecast
MIN_DAYS_FOR_WEEKDAYS = 28  # days from which weekdays are told apart
COVERAGE = 0.9  # the share of outcomes that the interval is to hold
Z = 1.6449  # of a normal distribution, for LEVEL
MAD_TO_DEVIATION = 1.4826  # from the median absolute deviation, for a normal distribution
OUTLIER_DEVIATIONS = 2.5  # deviations beyond which a day counts as that far off, and no farther
INTERVAL_WIDENING = (
    1.25  # for what the formula leaves out (weekdays' own error); measured on made-up series
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricForecast:
    """A quantity ahead; 90 of 100 outcomes are to lie between `low` and `high`."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True, slots=True)
class TrendFit:
    """Days taken apart: `weekdays` are factors, `level` is that of the `middle` day.

    `slope` is a day's, and `noise` a day's deviation. Level and slope err independently, because
    the level is taken in the middle.
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

    `days` end with the last complete one; None is a day of which nothing is known.
    """
    found = fit_trend(days)
    if found is None:
        return None
    steps = len(days) - 1 + np.arange(1, ahead + 1)
    factors = found.weekdays[steps % 7]
    values = np.maximum(found.level + found.slope * (steps - found.middle), 0) * factors
    spread = sqrt(
        float((factors**2).sum()) * found.noise**2
        + (float(factors.sum()) * found.level_error) ** 2
        + (float(((steps - found.middle) * factors).sum()) * found.slope_error) ** 2
    )
    return _around(float(values.sum()), spread)


def forecast_level(days: Sequence[float | None], ahead: int) -> MetricForecast | None:
    """What a reading that holds will be in `ahead` days; None as for `total`."""
    found = fit_trend(days)
    if found is None:
        return None
    last = next(each for each in reversed(days) if each is not None)
    spread = sqrt(found.noise**2 + (ahead * found.slope_error) ** 2)
    return _around(max(last + found.slope * ahead, 0.0), spread)


def _around(estimate: float, spread: float) -> MetricForecast:
    wide = INTERVAL_WIDENING * Z * spread
    return MetricForecast(max(estimate - wide, 0.0), estimate, estimate + wide)


def fit_trend(days: Sequence[float | None]) -> TrendFit | None:
    """Trend, weekdays and noise; None where fewer than 14 days have a value."""
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
    """Each weekday's median over the whole one; 1 where that is 0 or the day is unknown.

    A weekday on which mostly nothing happens has 0, and says nothing of the trend.
    """
    whole = float(np.median(known))
    factors = np.ones(7)
    for place in range(7):
        mine = known[places % 7 == place]
        if whole and len(mine):
            factors[place] = float(np.median(mine)) / whole
    return factors


def _slope(places: NDArray[np.intp], values: Floats) -> tuple[float, float]:
    """The median of all pairs' slopes, and its standard error by Sen's interval."""
    first, second = np.triu_indices(len(places), 1)
    slopes = np.sort((values[second] - values[first]) / (places[second] - places[first]))
    count, n = len(slopes), len(places)
    wide = Z * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = slopes[max(int((count - wide) / 2), 0)]
    high = slopes[min(int((count + wide) / 2), count - 1)]
    return float(np.median(slopes)), float(high - low) / (2 * Z)
