"""Forecast a metric from its days, with an interval that holds 90 of 100 outcomes; pure.

Weekday factors, where weekdays differ, are divided out before and applied after. Several models of
the rest are weighed by how well they explain it, and their forecasts are mixed, so that the
interval has the doubt about the model too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from revenue.upsell.forecasting.evidence import Floats
from revenue.upsell.forecasting.mixture import MixtureComponent, quantiles
from revenue.upsell.forecasting.predictions import predictions

MIN_DAYS = 28  # fewer days with a value give no forecast
MIN_USED_DAYS = 4  # fewer days with use give no forecast
ENDS = (0.05, 0.5, 0.95)
WEEKDAYS_DIFFER_FROM = 3.0  # of Fisher's ratio of the variance between and within weekdays
UNUSED_WEEKDAY = 0.02  # of the mean day
EXACT_BELOW = 1e-3  # of the estimate: a narrower interval is of a series without errors
LEAST_SUM = 1e-9  # of a weekday around which nothing was used


@dataclass(frozen=True, slots=True)
class MetricForecast:
    """A forecast quantity (the median) with its 90 % interval."""

    low: float
    estimate: float
    high: float


def forecast_total(days: Sequence[float | None], ahead: int) -> MetricForecast | None:
    """The sum of the next `ahead` days; None where too few days have a value or use.

    `days` end with the last complete day; None is an unknown day.
    """
    places, known = _known(days)
    if len(known) < MIN_DAYS or (known > 0).sum() < MIN_USED_DAYS:
        return None
    factors = weekday_factors(places, known)
    used = factors[places % 7] > UNUSED_WEEKDAY
    coming = factors[np.arange(len(days), len(days) + ahead) % 7]
    coming = coming[coming > UNUSED_WEEKDAY]
    if not len(coming):
        return MetricForecast(0.0, 0.0, 0.0)
    values = known[used] / factors[places[used] % 7]
    return _forecast(values, coming)


def forecast_level(days: Sequence[float | None], ahead: int) -> MetricForecast | None:
    """A reading (not a total) in `ahead` days; None where too few days have a value."""
    _, known = _known(days)
    if len(known) < MIN_DAYS:
        return None
    last_day = np.zeros(ahead)
    last_day[-1] = 1.0
    return _forecast(known, last_day, is_reading=True)


def _forecast(values: Floats, ahead: Floats, *, is_reading: bool = False) -> MetricForecast:
    """The mixture's quantiles; a series that followed a model exactly is not known for ever.

    By the rule of succession (Laplace 1774) each further value is taken to be another with a
    probability of one in the values and two.
    """
    components = predictions(values, ahead, is_reading=is_reading)
    low, estimate, high = quantiles(components, ENDS)
    if high - low < EXACT_BELOW * estimate:
        another = 1 / (len(values) + 2)
        size = estimate / float(ahead.sum())
        deviation = size * sqrt(float(ahead @ ahead) * another * (1 - another))
        wide = [MixtureComponent(1.0, estimate, deviation**2)]
        low, _, high = quantiles(wide, ENDS)
    return MetricForecast(min(low, estimate), estimate, max(high, estimate))


def _known(days: Sequence[float | None]) -> tuple[NDArray[np.intp], Floats]:
    """The places of days with a value, and the values."""
    values = np.array([np.nan if each is None else each for each in days], dtype=float)
    places = np.flatnonzero(~np.isnan(values))
    return places, values[places]


def weekday_factors(places: NDArray[np.intp], known: Floats) -> Floats:
    """Each weekday's use beside that of the week around it, with a mean of 1.

    All are 1 where weekdays differ no more than other days do.
    """
    week = np.ones(7) / 7
    inner = np.convolve(known, week, "valid")
    around = np.concatenate([np.full(3, inner[0]), inner, np.full(3, inner[-1])])
    weekdays = [places % 7 == place for place in range(7)]
    if not all(each.any() for each in weekdays):
        return np.ones(7)
    rest = known - around
    means = np.array([rest[each].mean() for each in weekdays])
    counts = np.array([each.sum() for each in weekdays])
    between = float((counts * (means - rest.mean()) ** 2).sum()) / 6
    errors = rest - means[places % 7]
    within = float(errors @ errors) / (len(known) - 7)
    if between <= WEEKDAYS_DIFFER_FROM * within:
        return np.ones(7)
    sums = np.array([known[each].sum() / max(around[each].sum(), LEAST_SUM) for each in weekdays])
    factors: Floats = sums * 7 / sums.sum()
    return factors
