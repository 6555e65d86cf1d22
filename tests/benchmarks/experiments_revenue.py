"""Revenue per visitor, watched: wrong winners among equal arms, and what is found."""

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.random import Generator

from marketing.experiments.engine.decision import MIN_WITH_VALUE, DecisionPlan
from tests.benchmarks.experiments_twin import (
    NEVER,
    Bools,
    Floats,
    Ints,
    Peaks,
    claimed,
    log_e_of_means,
)

PLAN = DecisionPlan(is_mean=True)
LOOKS, BATCH = 200, 200  # visitors of both arms a look: 20,000 an arm
Z_999 = 3.090232306167813


@dataclass
class RevenueOutcome:
    """Winners and losers claimed by the engine, and by a watched relative difference."""

    runs: int
    winners: int
    losers: int
    relative_claims: int


def watch(
    rate: float, sigma: float, lift: float, *, capped: bool, runs: int, seed: int
) -> RevenueOutcome:
    """Lognormal amounts; the cap is their 99.9th percentile, known from the time before."""
    draw = np.random.default_rng(seed)
    cap = exp(sigma * Z_999) if capped else np.inf
    shape = (runs, 2)
    n, buyers = np.zeros(shape, int), np.zeros(shape, int)
    total, squares = np.zeros(shape), np.zeros(shape)
    peaks, relative = Peaks(runs, 1), np.zeros(runs, bool)
    for look in range(LOOKS):
        visitors = draw.multinomial(BATCH, (0.5, 0.5), runs)
        bought = draw.binomial(visitors, (rate, rate * (1 + lift)))
        n, buyers = n + visitors, buyers + bought
        added = _amounts(draw, bought, sigma, cap)
        total, squares = total + added[0], squares + added[1]
        enough: Bools = (n >= PLAN.min_sample_size) & (buyers >= MIN_WITH_VALUE)
        rows = enough[:, 0] & enough[:, 1]
        if not rows.any():
            continue
        visits = (n[rows, 0], n[rows, 1])
        sums, of_squares = ((each[rows, 0], each[rows, 1]) for each in (total, squares))
        higher, lower = np.full(runs, -np.inf), np.full(runs, -np.inf)
        higher[rows], lower[rows] = log_e_of_means(visits, sums, of_squares)
        peaks.add(0, rows, higher, lower)
        peaks.close_look(look, PLAN, np.zeros((runs, 1)))
        relative[rows] |= _relative_claims(visits, sums, of_squares)
    claims = claimed(peaks.higher, peaks.lower, PLAN)
    winners = int((peaks.won == 1).sum())
    losers = int(((peaks.won == 0) & (claims != 0)[:, 0] & (peaks.first_winner != NEVER)).sum())
    return RevenueOutcome(runs, winners, losers, int(relative.sum()))


def _amounts(draw: Generator, bought: Ints, sigma: float, cap: float) -> tuple[Floats, Floats]:
    """Sums and sums of squares of what the buyers of each run and arm spent."""
    counts = bought.ravel()
    spent = np.minimum(np.exp(draw.normal(0, sigma, int(counts.sum()))), cap)
    owner = np.repeat(np.arange(counts.size), counts)
    sums: list[Floats] = [
        np.bincount(owner, each, counts.size).astype(np.float64).reshape(bought.shape)
        for each in (spent, spent**2)
    ]
    return sums[0], sums[1]


def _relative_claims(
    n: tuple[Ints, Ints], total: tuple[Floats, Floats], squares: tuple[Floats, Floats]
) -> Bools:
    """The relative difference with the same mixture, two-sided; the engine never decides on it."""
    means = [each / count for each, count in zip(total, n, strict=True)]
    errors = [
        (square - each**2 / count) / (count - 1) / count
        for each, square, count in zip(total, squares, n, strict=True)
    ]
    relative = errors[1] / means[0] ** 2 + errors[0] * means[1] ** 2 / means[0] ** 4
    z = (means[1] / means[0] - 1) / np.sqrt(relative)
    level = -2 * np.log(0.05)
    k = (n[0] + n[1]) * (level + np.log(level + 1)) / 10_000
    found: Bools = k * z**2 / (2 * (k + 1)) - np.log1p(k) / 2 >= np.log(20)
    return found
