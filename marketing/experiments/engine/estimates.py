"""Estimates over strata: ratio of two rates, weighted rates, Wilson's interval.

A stratum here is one set of weights. Counts of different weights are never pooled: 360 of 18,000
against 46 of 2,000 and then 400 of 5,000 against 455 of 5,000 pool to +117 %; the uplift is +14 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple

from marketing.experiments.engine.roots import falling_root

FURTHEST = 60.0  # |log theta|
Z_95 = 1.959963984540054


class PairCounts(NamedTuple):
    """Visitors and converters of a control (a) and a variant (b) under one set of weights."""

    visitors_a: int
    visitors_b: int
    converters_a: int
    converters_b: int


@dataclass(frozen=True, slots=True)
class LogRatio:
    """An estimate of log theta with its variance."""

    value: float
    variance: float

    @property
    def percent(self) -> float:
        """The uplift in percent."""
        return 100 * (exp(self.value) - 1)


class RateCount(NamedTuple):
    """Visitors and converters of one arm in a stratum, and the visitors of all its arms."""

    visitors: int
    converters: int
    of_all_arms: int


@dataclass(frozen=True, slots=True)
class WeightedRate:
    """A rate over strata and the number of visitors that one stratum would need for its error.

    `is_partial` where strata were left out in which the arm has no visitor.
    """

    rate: float
    visitors: float
    is_partial: bool


def rate_ratio(strata: Sequence[PairCounts]) -> LogRatio | None:
    """The variant's rate over the control's by stratified maximum likelihood, with its variance.

    None where an arm has no converter in the strata that have both arms.
    """
    both = [each for each in strata if each.visitors_a and each.visitors_b]
    a, b = sum(each.converters_a for each in both), sum(each.converters_b for each in both)
    if not a or not b:
        return None
    if len(both) == 1:
        only = both[0]
        value = log(b / only.visitors_b) - log(a / only.visitors_a)
    else:
        value = falling_root(
            lambda x: b - sum(_expected_b(each, x) for each in both), -FURTHEST, FURTHEST
        )
    pooled = (a + b) / sum(each.visitors_a + each.visitors_b for each in both)
    information = sum(
        _expected_b(each, value) * each.visitors_a / _offset(each, value) for each in both
    )
    return LogRatio(value, (1 - pooled) / information)


def weighted_rate(strata: Sequence[RateCount]) -> WeightedRate | None:
    """An arm's rate, each stratum weighing what all arms have in it; None without visitors."""
    seen = [each for each in strata if each.visitors]
    if not seen:
        return None
    whole = sum(each.of_all_arms for each in seen)
    weights = [each.of_all_arms / whole for each in seen]
    rates = [each.converters / each.visitors for each in seen]
    rate = sum(weight * each for weight, each in zip(weights, rates, strict=True))
    variance = sum(
        weight**2 * r * (1 - r) / each.visitors
        for weight, r, each in zip(weights, rates, seen, strict=True)
    )
    plain = sum(each.visitors for each in seen)
    visitors = rate * (1 - rate) / variance if variance > 0 and len(seen) > 1 else float(plain)
    is_partial = any(each.of_all_arms and not each.visitors for each in strata)
    return WeightedRate(rate, visitors, is_partial)


def wilson(rate: float, visitors: float, z: float = Z_95) -> tuple[float, float]:
    """Wilson's interval of a rate among `visitors` (Wilson 1927)."""
    shrink = 1 + z**2 / visitors
    centre = (rate + z**2 / (2 * visitors)) / shrink
    half = z / shrink * sqrt(rate * (1 - rate) / visitors + z**2 / (4 * visitors**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def _offset(stratum: PairCounts, log_theta: float) -> float:
    return stratum.visitors_b * exp(log_theta) + stratum.visitors_a


def _expected_b(stratum: PairCounts, log_theta: float) -> float:
    """The converters of b that are to be expected among those of both arms."""
    converters = stratum.converters_a + stratum.converters_b
    return converters * stratum.visitors_b * exp(log_theta) / _offset(stratum, log_theta)
