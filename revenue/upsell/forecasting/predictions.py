"""What each model forecasts for a weighted sum of the next days; pure.

Every forecast has the variance of the days ahead and of the estimated parameters. Series of lumps
(many days without use, or single large days) are weighed by the normal scores of their values, and
forecast by their rate: single large days are taken to come as often as they did, and the variance
has what days next to each other have in common.
"""

from collections.abc import Iterator
from math import exp, log, sqrt

import numpy as np

from revenue.upsell.forecasting.evidence import (
    COEFFICIENTS,
    OF_COUNTS,
    OF_LUMPS,
    OF_READINGS,
    OF_TOTALS,
    SMOOTHING,
    Floats,
    ModelWeights,
    centred_places,
    model_weights,
    smoothed,
)
from revenue.upsell.forecasting.mixture import MixtureComponent

LEAST_WEIGHT = 1e-3  # models with less are left out
DISPERSED_FROM = 2.0  # deviations of variance over mean, which is 1 of counted single events
LUMPY_ZEROS = 0.15  # share of days without use
LUMPY_KURTOSIS = 5.0  # of the differences between days; 3 of normal errors
DEPENDENT_FROM = 1.64  # deviations of the correlation of neighbouring days
DEPENDENT_DAYS = 7
LEAST_KNOWN_SHARE = 0.4  # of the dependence that is left beside the mean of a short series
# Three settings found on simulated bursts, whose few lumps hide their own variance:
DEPENDENT_FACTOR = 1.3  # for the variance where neighbouring days depend on each other
VARIANCE_A_LUMP = 1.0  # more variance, divided by the number of lumps
RATE_A_LUMP = 0.6  # a higher rate, divided likewise: the next may be larger than any known
MOVING_FACTOR = 1.2  # for the variance of a level that moves: its factor is estimated too
LARGEST_LOGARITHM = 50.0
GROWTH_SCATTER = 1.0  # of the logarithms' errors: days that scatter more show no growth
LARGEST_GROWTH = 10.0  # of a day ahead beside the largest known one


def predictions(
    values: Floats, ahead: Floats, *, is_reading: bool = False
) -> list[MixtureComponent]:
    """The forecasts of the sum of the days `ahead`, each weighted by it.

    `values` follow each other.
    """
    lumpy = False
    if is_reading:
        weights = model_weights(values, OF_READINGS)
    else:
        weights, lumpy = total_weights(values)
    found: list[MixtureComponent] = list(_smoothing(values, ahead, weights.smoothing))
    found += _line(values, ahead, weights.line, may_grow=not (is_reading or lumpy))
    if is_reading:
        return found
    found += _change(values, ahead, weights)
    if lumpy:
        rate = weights.constant + float(weights.autoregression.sum())
        return [*found, _lumps(values, ahead, rate)]
    found.append(_constant(values, ahead, weights.constant))
    return [*found, *_autoregression(values, ahead, weights.autoregression)]


def total_weights(values: Floats) -> tuple[ModelWeights, bool]:
    """The weights of the models of daily totals, and whether they are of lumps."""
    if not _is_lumpy(values):
        return model_weights(values, OF_TOTALS), False
    priors = OF_COUNTS if _are_counts(values) else OF_LUMPS
    return model_weights(_normal_scores(values), priors), True


def _is_lumpy(values: Floats) -> bool:
    steps = np.diff(values)
    centred = steps - steps.mean()
    variance = float((centred**2).mean())
    if not variance:
        return False
    kurtosis = float((centred**4).mean()) / variance**2
    return kurtosis > LUMPY_KURTOSIS or float((values == 0).mean()) > LUMPY_ZEROS


def _are_counts(values: Floats) -> bool:
    """Whether the days are whole numbers that vary as counts of single events do (Poisson)."""
    mean = float(values.mean())
    if mean <= 0 or bool((values % 1).any()):
        return False
    excess = float(values.var(ddof=1)) / mean - 1
    return abs(excess) <= DISPERSED_FROM * sqrt(2 / (len(values) - 1))


def _normal_scores(values: Floats) -> Floats:
    """Each value's rank as a quantile of the normal distribution (Blom 1958)."""
    # most processes never forecast, and scipy takes long to import
    from scipy.special import ndtri  # noqa: PLC0415
    from scipy.stats import rankdata  # noqa: PLC0415

    scores: Floats = ndtri((rankdata(values) - 0.375) / (len(values) + 0.25))
    return scores


def _component(weight: float, mean: float, variance: float, freedom: int) -> MixtureComponent:
    """With the variance of Student's distribution, as the variance itself is estimated."""
    return MixtureComponent(weight, mean, variance * freedom / max(freedom - 2, 1))


def _constant(values: Floats, ahead: Floats, weight: float) -> MixtureComponent:
    count, whole = len(values), float(ahead.sum())
    variance = float(values.var(ddof=1)) * (float(ahead @ ahead) + whole**2 / count)
    return _component(weight, float(values.mean()) * whole, variance, count - 1)


def _lumps(values: Floats, ahead: Floats, weight: float) -> MixtureComponent:
    """A constant rate of lumps, which are counted by what their sum varies."""
    level = _constant(values, ahead, weight)
    if level.mean <= 0:  # corrections outweigh the use
        return level
    dependence = _dependence(values)
    lumps = len(values) * float(values.mean()) ** 2 / (float(values.var()) * dependence)
    variance = level.variance * dependence * (1 + VARIANCE_A_LUMP / lumps)
    return MixtureComponent(weight, level.mean * (1 + RATE_A_LUMP / lumps), variance)


def _dependence(values: Floats) -> float:
    """How much more the sum of many days varies than if they were independent; at least 1."""
    count = len(values)
    centred = values - values.mean()
    squares = float(centred @ centred)
    common = [
        float(centred[gap:] @ centred[:-gap]) / squares for gap in range(1, DEPENDENT_DAYS + 1)
    ]
    if common[0] <= DEPENDENT_FROM / sqrt(count):
        return 1.0
    largest = max(1.0, float((1 + 2 * np.cumsum(common)).max()))
    known_share = max(1 - (2 * DEPENDENT_DAYS + 1) / count, LEAST_KNOWN_SHARE)
    return largest * DEPENDENT_FACTOR / known_share


def _line(
    values: Floats, ahead: Floats, weight: float, *, may_grow: bool
) -> list[MixtureComponent]:
    """A straight line; and of positive values one of their logarithms, by their likelihood."""
    places = centred_places(len(values))
    straight = fitted_line(values, places)
    next_places = places[-1] + np.arange(1, len(ahead) + 1)
    level, slope, variance = straight
    days = np.maximum(level + slope * next_places, 0)
    found = [_around_line(weight, float(days @ ahead), variance, ahead, places)]
    if not may_grow or values.min() <= 0:
        return found
    level, slope, growing = fitted_line(np.log(values), places)
    if growing > GROWTH_SCATTER:
        return found
    count = len(values)
    likelier = count / 2 * (_logarithm(variance) - _logarithm(growing)) - float(
        np.log(values).sum()
    )
    share = 1 / (1 + exp(min(-likelier, LARGEST_LOGARITHM)))
    most = log(values.max() * LARGEST_GROWTH)
    days = np.exp(np.minimum(level + slope * next_places + growing / 2, most)) * ahead
    grown = _around_line(weight * share, float(days.sum()), growing, days, places)
    return [found[0]._replace(weight=weight * (1 - share)), grown]


def _logarithm(variance: float) -> float:
    return log(max(variance, 1e-12))


def fitted_line(values: Floats, places: Floats) -> tuple[float, float, float]:
    """Level in the middle, slope and variance of the errors."""
    level = float(values.mean())
    slope = float(places @ values) / float(places @ places)
    errors = values - level - slope * places
    return level, slope, float(errors @ errors) / (len(values) - 2)


def _around_line(
    weight: float, mean: float, variance: float, ahead: Floats, places: Floats
) -> MixtureComponent:
    count = len(places)
    next_places = places[-1] + np.arange(1, len(ahead) + 1)
    parts = (
        float(ahead @ ahead),
        float(ahead.sum()) ** 2 / count,
        float(next_places @ ahead) ** 2 / float(places @ places),
    )
    return _component(weight, mean, variance * sum(parts), count - 2)


def _change(values: Floats, ahead: Floats, weights: ModelWeights) -> list[MixtureComponent]:
    """The level since the likeliest change."""
    if not weights.change:
        return []
    before, since = values[: weights.change], values[weights.change :]
    errors = np.concatenate([before - before.mean(), since - since.mean()])
    freedom = len(values) - 3
    whole = float(ahead.sum())
    parts = float(ahead @ ahead) + whole**2 / len(since)
    variance = float(errors @ errors) / freedom * parts
    return [_component(weights.change_of_level, float(since.mean()) * whole, variance, freedom)]


def _autoregression(values: Floats, ahead: Floats, weights: Floats) -> Iterator[MixtureComponent]:
    count, level = len(values), float(values.mean())
    centred = values - level
    for coefficient, weight in zip(COEFFICIENTS, weights, strict=True):
        if weight < LEAST_WEIGHT:
            continue
        errors = centred[1:] - coefficient * centred[:-1]
        effect = _effects(ahead, coefficient)
        remaining = float(effect[0]) * coefficient  # of the last day's difference from the level
        of_level = (float(ahead.sum()) - remaining) / (1 - coefficient)
        variance = float(errors @ errors) / (count - 2)
        mean = level * float(ahead.sum()) + float(centred[-1]) * remaining
        parts = float(effect @ effect) + of_level**2 / count
        yield _component(float(weight), mean, variance * parts, count - 2)


def _effects(ahead: Floats, coefficient: float) -> Floats:
    """What an error of each day ahead adds to the sum, through the days after it."""
    effects = np.empty(len(ahead))
    later = 0.0
    for place in range(len(ahead) - 1, -1, -1):
        later = float(ahead[place]) + coefficient * later
        effects[place] = later
    return effects


def _smoothing(values: Floats, ahead: Floats, weights: Floats) -> Iterator[MixtureComponent]:
    later = float(ahead.sum()) - np.cumsum(ahead)
    for factor, weight in zip(SMOOTHING, weights, strict=True):
        if weight >= LEAST_WEIGHT:
            level, square = smoothed(values, factor)
            effect = ahead + factor * later
            variance = MOVING_FACTOR * square * float(effect @ effect)
            mean = level * float(ahead.sum())
            yield _component(float(weight), mean, variance, len(values) - 1)
