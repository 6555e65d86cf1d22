"""Forecast the highest value of the next days; pure.

Of each model that explains the days, as many paths are drawn as its weight says, and the highest
value of each path is kept. A path's errors are those of the known days; in half of the paths the
largest tenth of them comes from an exponential tail, in the other half the largest one may be
larger than it was: known days alone hold no higher value than their own.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from revenue.upsell.forecasting.daily_forecast import (
    ENDS,
    MIN_DAYS,
    MIN_USED_DAYS,
    MetricForecast,
    forecast_level,
)
from revenue.upsell.forecasting.evidence import (
    COEFFICIENTS,
    FIRST_LEVEL_DAYS,
    SMOOTHING,
    Floats,
    ModelWeights,
    centred_places,
)
from revenue.upsell.forecasting.predictions import fitted_line, total_weights

PATHS = 600
SEED = 20261129  # the same days have the same forecast
TAIL = 0.1  # the share of the errors that are its tail
LEAST_TAIL = 3  # errors


class PathDraws(NamedTuple):
    """What paths of one model are drawn with: so many, of so many days."""

    random: Generator
    paths: int
    ahead: int

    def around(self, mean: float, deviation: float) -> Floats:
        """A value for each path, for all its days."""
        found: Floats = mean + deviation * self.random.standard_normal((self.paths, 1))
        return found

    def errors(self, known: Floats) -> Floats:
        """Errors of each day of each path, with a tail beyond the known ones."""
        shape, ordered = (self.paths, self.ahead), np.sort(known)
        tail = max(int(len(known) * TAIL), LEAST_TAIL)
        begins = ordered[-tail - 1]
        scale = (ordered[-tail:] - begins).mean() * tail
        scale = scale / self.random.gamma(tail, 1, (self.paths, 1))  # it is estimated itself
        drawn = self.random.choice(ordered, shape)
        smooth = np.where(drawn > begins, begins + scale * self.random.exponential(1, shape), drawn)
        larger = drawn + scale * self.random.exponential(0.5, shape)
        stepped = np.where(drawn >= ordered[-1], larger, drawn)
        return np.where(self.random.random((self.paths, 1)) < 0.5, smooth, stepped)


def forecast_highest(days: Sequence[float | None], ahead: int) -> MetricForecast | None:
    """The highest of the next `ahead` days; None where too few days have a value or use.

    `days` end with the last complete day; None is an unknown day.
    """
    known = np.array([each for each in days if each is not None], dtype=float)
    if len(known) < MIN_DAYS or (known > 0).sum() < MIN_USED_DAYS:
        return None
    if known.min() == known.max():
        return forecast_level(days, ahead)
    low, estimate, high = np.quantile(_highest(known, ahead), ENDS)
    return MetricForecast(float(low), float(estimate), float(high))


def _highest(values: Floats, ahead: int) -> Floats:
    """The highest value of each path, 0 or more."""
    random, found = np.random.default_rng(SEED), []
    for weight, model in _models(total_weights(values)[0]):
        if count := round(weight * PATHS):
            found.append(model(values, PathDraws(random, count, ahead)))
    highest: Floats = np.maximum(np.concatenate(found).max(axis=1), 0)
    return highest


Model = Callable[[Floats, PathDraws], Floats]


def _models(weights: ModelWeights) -> Iterator[tuple[float, Model]]:
    yield weights.constant, _constant
    yield weights.line, _line
    yield weights.change_of_level, partial(_change, weights.change)
    for coefficient, weight in zip(COEFFICIENTS, weights.autoregression, strict=True):
        yield float(weight), partial(_autoregression, float(coefficient))
    for factor, weight in zip(SMOOTHING, weights.smoothing, strict=True):
        yield float(weight), partial(_smoothing, float(factor))


def _constant(values: Floats, draws: PathDraws) -> Floats:
    return _around_level(values, values - values.mean(), draws)


def _change(place: int, values: Floats, draws: PathDraws) -> Floats:
    before, since = values[:place], values[place:]
    errors = np.concatenate([before - before.mean(), since - since.mean()])
    return _around_level(since, errors, draws)


def _around_level(values: Floats, errors: Floats, draws: PathDraws) -> Floats:
    deviation = float(errors.std()) / len(values) ** 0.5
    return draws.around(float(values.mean()), deviation) + draws.errors(errors)


def _line(values: Floats, draws: PathDraws) -> Floats:
    places = centred_places(len(values))
    level, slope, variance = fitted_line(values, places)
    levels = draws.around(level, (variance / len(values)) ** 0.5)
    slopes = draws.around(slope, (variance / float(places @ places)) ** 0.5)
    coming = places[-1] + np.arange(1, draws.ahead + 1)
    errors = values - level - slope * places
    found: Floats = levels + slopes * coming + draws.errors(errors)
    return found


def _autoregression(coefficient: float, values: Floats, draws: PathDraws) -> Floats:
    mean = float(values.mean())
    centred = values - mean
    known = centred[1:] - coefficient * centred[:-1]
    known -= known.mean()
    deviation = float(known.std()) / (1 - coefficient) / len(values) ** 0.5
    levels = draws.around(mean, deviation)
    errors = draws.errors(known)
    state = values[-1] - levels[:, 0]
    for place in range(draws.ahead):
        state = coefficient * state + errors[:, place]
        errors[:, place] = state
    return levels + errors


def _smoothing(factor: float, values: Floats, draws: PathDraws) -> Floats:
    level = float(values[:FIRST_LEVEL_DAYS].mean()) if factor < 1 else float(values[0])
    known = np.empty(len(values) - 1)
    for place, value in enumerate(values[1:].tolist()):
        known[place] = value - level
        level += factor * float(known[place])
    errors = draws.errors(known - known.mean())
    moved = np.cumsum(errors, axis=1) - errors  # by the errors of the days before
    return level + factor * moved + errors
