"""How well each model explains a series of daily values; pure.

Five models are compared: a constant level, a straight line, one change of level, an autoregression
of order one, and exponential smoothing (a level that moves; with a factor of 1 a random walk).
The evidence is the likelihood with normal errors less half the logarithm of the days for each
parameter (Schwarz 1978), averaged over a grid of the change's day, of the autoregression's
coefficient and of the smoothing factor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COEFFICIENTS = np.linspace(-0.3, 0.95, 26)  # of the autoregression
SMOOTHING = np.array([0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0])
MIN_DAYS_BESIDE_CHANGE = 7  # before and after a change of level
FIRST_LEVEL_DAYS = 7  # whose mean begins exponential smoothing
LEAST_VARIANCE = 1e-12  # so that a series without errors has a likelihood
Priors = Mapping[str, float]
OF_TOTALS: Priors = {
    "constant": 2.0,
    "line": 1.0,
    "change": 1.0,
    "autoregression": 1.0,
    "smoothing": 6.0,
}
OF_LUMPS: Priors = {**OF_TOTALS, "line": 0.5, "change": 0.5, "smoothing": 1.0}
OF_COUNTS: Priors = {**OF_TOTALS, "line": 0.2, "change": 0.2, "smoothing": 0.2}
OF_READINGS: Priors = {"line": 1.0, "smoothing": 3.0}  # a level that it had is no forecast


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """The probability of each model; those of the grids add up to their model's.

    `change` is the first place after the likeliest change of level, 0 where there is none.
    """

    constant: float
    line: float
    change_of_level: float
    change: int
    autoregression: Floats
    smoothing: Floats


def model_weights(values: Floats, priors: Priors) -> ModelWeights:
    """Weigh the models of a series, which must have seven values or more."""
    count = len(values)
    centred = values - values.mean()
    squares = float(centred @ centred)
    change, changed = _change(centred, squares)
    autoregression = np.array([_autoregression(centred, each) for each in COEFFICIENTS])
    smoothing = np.array([_smoothing(centred, each) for each in SMOOTHING])
    evidence = {
        "constant": _likelihood(squares, count, 1),
        "line": _likelihood(squares - _explained_by_line(centred), count, 2),
        "change": changed,
        "autoregression": _average(autoregression) - log(count) / 2,
        "smoothing": _average(smoothing) - log(count) / 2,
    }
    most = max(evidence[name] for name in priors)
    shares = {
        name: priors[name] * exp(each - most) if name in priors else 0.0
        for name, each in evidence.items()
    }
    whole = sum(shares.values())
    return ModelWeights(
        shares["constant"] / whole,
        shares["line"] / whole,
        shares["change"] / whole,
        change,
        _shares(autoregression) * (shares["autoregression"] / whole),
        _shares(smoothing) * (shares["smoothing"] / whole),
    )


def smoothed(values: Floats, factor: float) -> tuple[float, float]:
    """The last level of exponential smoothing, and the mean square of its errors."""
    level = float(values[:FIRST_LEVEL_DAYS].mean()) if factor < 1 else float(values[0])
    squares = 0.0
    for value in values[1:].tolist():
        error = value - level
        squares += error * error
        level += factor * error
    return level, squares / (len(values) - 1)


def centred_places(count: int) -> Floats:
    """The places 0 to `count` - 1 around their mean."""
    places: Floats = np.arange(count, dtype=np.float64)
    return places - (count - 1) / 2


def _explained_by_line(centred: Floats) -> float:
    places = centred_places(len(centred))
    return float(places @ centred) ** 2 / float(places @ places)


def _change(centred: Floats, squares: float) -> tuple[int, float]:
    """The likeliest first place after a change of level, and the evidence of a change."""
    count = len(centred)
    before = np.arange(1, count)
    explained = np.cumsum(centred)[:-1] ** 2 * (1 / before + 1 / (count - before))
    possible = np.minimum(before, count - before) >= MIN_DAYS_BESIDE_CHANGE
    if not possible.any():
        return 0, -np.inf
    left = squares - explained[possible]
    likelihood = np.array([_likelihood(each, count, 0) for each in left])
    change = before[possible][int(np.argmax(likelihood))]
    return int(change), _average(likelihood) - log(count)


def _autoregression(centred: Floats, coefficient: float) -> float:
    """The likelihood, the first value by the distribution of all days."""
    errors = centred[1:] - coefficient * centred[:-1]
    errors = errors - errors.mean()
    known = 1 - coefficient**2
    squares = float(errors @ errors) + known * float(centred[0]) ** 2
    return _likelihood(squares, len(centred), 0) + log(known) / 2


def _smoothing(centred: Floats, factor: float) -> float:
    count = len(centred)
    return _likelihood(smoothed(centred, factor)[1] * count, count, 0)


def _likelihood(squares: float, count: int, parameters: int) -> float:
    """The logarithm, up to a constant, less the cost of the parameters."""
    variance = max(squares / count, LEAST_VARIANCE)
    return -count / 2 * log(variance) - parameters / 2 * log(count)


def _average(logarithms: Floats) -> float:
    most = float(logarithms.max())
    return most + log(float(np.exp(logarithms - most).mean()))


def _shares(logarithms: Floats) -> Floats:
    found: Floats = np.exp(logarithms - logarithms.max())
    found /= found.sum()
    return found
