"""The engine for many tests at once: arrays of runs instead of one test.

A test holds its figures against those of `marketing.experiments.engine` (1e-12): what is measured
with it is measured of the engine. Counts are cumulative, runs first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from marketing.experiments.engine.decision import DecisionPlan
from marketing.experiments.engine.means import RHO_SQUARED
from marketing.experiments.engine.sequential import HIGHER, LOWER, SIZES, log_prior

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NO_CLAIM, NEVER = 0, -1
SIDES = (HIGHER, LOWER)


@dataclass(frozen=True)
class PairRuns:
    """One stratum of a control (a) and a variant (b) in many runs; a base rate a run, or one."""

    share: float
    a: Ints
    b: Ints
    others_a: Ints | None = None
    others_b: Ints | None = None
    base_rate: Floats | None = None


def log_e_values(strata: Sequence[PairRuns], side: int, effect: float) -> Floats:
    """The log e-value of every run."""
    t = side * SIZES
    total = np.broadcast_to(log_prior(effect), (strata[0].a.size, SIZES.size)).copy()
    for each in strata:
        n = each.a + each.b
        total += each.b[:, None] * t - n[:, None] * np.log1p(each.share * np.expm1(t))
        if each.base_rate is None or each.others_a is None or each.others_b is None:
            continue
        u, normaliser = _non_converters(each.base_rate, each.share, t)
        m = each.others_a + each.others_b
        total += each.others_b[:, None] * u - m[:, None] * normaliser
    largest = total.max(axis=1)
    np.exp(total - largest[:, None], out=total)
    summed: Floats = largest + np.log(total.sum(axis=1))
    return summed


def _non_converters(base_rate: Floats, share: float, t: Floats) -> tuple[Floats, Floats]:
    """By run and size; few base rates are different, so each is computed once."""
    rates, place = np.unique(base_rate, return_inverse=True)
    p = rates[:, None]
    u = np.log((1 - np.minimum(p * np.exp(t), (1 + p) / 2)) / (1 - p))
    return u[place], np.log1p(share * np.expm1(u))[place]


@dataclass
class Peaks:
    """The largest evidence so far of every run and variant, and the looks of the first claims."""

    runs: int
    variants: int
    higher: Floats = field(init=False)
    lower: Floats = field(init=False)
    first_winner: Ints = field(init=False)
    first_claim: Ints = field(init=False)
    won: Ints = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.runs, self.variants)
        self.higher, self.lower = np.full(shape, -np.inf), np.full(shape, -np.inf)
        self.first_winner = np.full(self.runs, NEVER)
        self.first_claim = np.full(self.runs, NEVER)
        self.won = np.full(self.runs, NEVER)

    def add(self, variant: int, gated: Bools, higher: Floats, lower: Floats) -> None:
        """The evidence of one variant at a look; only of runs that passed the gates."""
        for peak, found in ((self.higher, higher), (self.lower, lower)):
            column = peak[:, variant]
            column[gated] = np.maximum(column[gated], found[gated])

    def close_look(self, look: int, plan: DecisionPlan, sizes: Floats) -> None:
        """Claims over all variants; `sizes` orders them where several are better."""
        claims = claimed(self.higher, self.lower, plan)
        better = claims == HIGHER
        all_worse = (claims == LOWER).all(axis=1)
        wins = better.any(axis=1) | all_worse
        new = wins & (self.first_winner == NEVER)
        self.first_winner[new] = look
        best = np.where(better, sizes, -np.inf).argmax(axis=1) + 1
        self.won[new] = np.where(better.any(axis=1), best, 0)[new]
        new_claim = (claims != NO_CLAIM).any(axis=1) & (self.first_claim == NEVER)
        self.first_claim[new_claim] = look


def p_values(higher: Floats, lower: Floats, plan: DecisionPlan) -> tuple[Floats, Ints]:
    """Of every run and variant, with its direction."""
    with np.errstate(over="ignore"):
        up, down = np.exp(-higher) / plan.shares.higher, np.exp(-lower) / plan.shares.lower
    return np.minimum(1.0, np.minimum(up, down)), np.where(up <= down, HIGHER, LOWER)


def holm_adjusted(found: Floats) -> Floats:
    """Over the variants of each run."""
    order = np.argsort(found, axis=1, kind="stable")
    ordered = np.take_along_axis(found, order, axis=1)
    factors = np.arange(found.shape[1], 0, -1)
    running = np.maximum.accumulate(np.minimum(1.0, factors * ordered), axis=1)
    adjusted = np.empty_like(found)
    np.put_along_axis(adjusted, order, running, axis=1)
    return adjusted


def claimed(higher: Floats, lower: Floats, plan: DecisionPlan) -> Ints:
    """The direction of each claim that stands, `NO_CLAIM` elsewhere."""
    found, direction = p_values(higher, lower, plan)
    return np.where(holm_adjusted(found) <= plan.alpha, direction, NO_CLAIM)


def log_e_of_means(
    n: tuple[Ints, Ints], total: tuple[Floats, Floats], squares: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Both log e-values of the means of one stratum: the smaller of difference and log ratio."""
    means = [each / count for each, count in zip(total, n, strict=True)]
    errors = [
        (square - each**2 / count) / (count - 1) / count
        for each, square, count in zip(total, squares, n, strict=True)
    ]
    information = np.asarray((n[0] + n[1]) * RHO_SQUARED, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (means[1] - means[0]) / np.sqrt(errors[0] + errors[1])
        ratio = np.log(means[1] / means[0])
        of_ratio = ratio / np.sqrt(errors[0] / means[0] ** 2 + errors[1] / means[1] ** 2)
    found = [
        np.minimum(
            _log_e_normal(side * z, information), _log_e_normal(side * of_ratio, information)
        )
        for side in SIDES
    ]
    return found[0], found[1]


def _log_e_normal(z: Floats, information: Floats) -> Floats:
    from scipy.special import log_ndtr  # noqa: PLC0415 - slow to import

    k = information
    tail: Floats = log_ndtr(z * np.sqrt(k / (k + 1)))
    evidence: Floats = k * z**2 / (2 * (k + 1)) - np.log1p(k) / 2 + np.log(2) + tail
    return np.where(np.isfinite(evidence), evidence, -np.inf)
