"""Whether limits and promises of winners hold the truth, and by how much estimates are too large.

Limits that ever miss the truth are found by the evidence against the truth itself: a limit passes
it exactly when that evidence passes the limit's level.
"""

from dataclasses import dataclass
from math import log, log1p

import numpy as np
from numpy.random import Generator

from marketing.experiments.engine.decision import PROMISE_ALPHA, DecisionPlan
from marketing.experiments.engine.estimates import LogRatio, PairCounts, rate_ratio
from marketing.experiments.engine.promise import in_percent, shrunk
from tests.benchmarks.experiments_twin import NEVER, Bools, Floats, Peaks
from tests.benchmarks.experiments_walks import Walk, fixed_weights, lifted

PLAN = DecisionPlan()
RATE, BATCH = 0.05, 1_000
FINISHED_VARIANCE = 0.0015


@dataclass
class Coverage:
    """Of many tests of one true lift: winners, promises held, limits that ever missed it."""

    runs: int
    winners: int
    held: int
    missed: int


def coverage(lift: float, looks: int, runs: int, seed: int) -> Coverage:
    """Walk tests of one variant to their winner, and the limits to the last look."""
    draw = np.random.default_rng(seed)
    walk, peaks = Walk(runs, 2, PLAN), Peaks(runs, 1)
    weights, rates = fixed_weights(1, 1)(0), lifted(RATE, lift)(0)
    promise_broken, missed = np.zeros(runs, bool), np.zeros(runs, bool)
    for look in range(looks):
        visitors = draw.multinomial(BATCH, weights, runs)
        walk.add(weights, visitors, draw.binomial(visitors, rates))
        rows = walk.gated(1)
        if rows.any():
            _take(walk, peaks, rows, look)
            running = rows & ((peaks.first_winner == NEVER) | (peaks.first_winner == look))
            beside = walk.evidence(1, rows, at=log1p(lift))
            promise_broken[rows] |= _outside(beside, PROMISE_ALPHA) & running[rows]
            missed[rows] |= _outside(beside, PLAN.alpha)
        walk.end_learning()
    won = peaks.won == 1
    return Coverage(runs, int(won.sum()), int((won & ~promise_broken).sum()), int(missed.sum()))


def _take(walk: Walk, peaks: Peaks, rows: Bools, look: int) -> None:
    higher, lower = np.full(walk.runs, -np.inf), np.full(walk.runs, -np.inf)
    higher[rows], lower[rows] = walk.evidence(1, rows)
    peaks.add(0, rows, higher, lower)
    peaks.close_look(look, PLAN, np.zeros((walk.runs, 1)))


def _outside(beside: list[Floats], alpha: float) -> Bools:
    levels = (-log(PLAN.shares.error_higher(alpha)), -log(PLAN.shares.error_lower(alpha)))
    outside: Bools = (beside[0] > levels[0]) | (beside[1] > levels[1])
    return outside


FAMILIES = {
    "normal, 2 %": lambda draw, size: draw.normal(0, 0.02, size),
    "normal, 5 %": lambda draw, size: draw.normal(0, 0.05, size),
    "t3, 3 %": lambda draw, size: 0.03 * draw.standard_t(3, size),
    "one of ten 15 %, else none": lambda draw, size: np.where(draw.random(size) < 0.1, 0.14, 0.0),
}


@dataclass
class EstimateErrors:
    """Mean error of winners' estimates, in points: raw, shrunk by nothing, shrunk by ten tests."""

    winners: int
    raw: float
    alone: float
    after_ten: float


def estimate_errors(family: str, runs: int, looks: int, seed: int) -> EstimateErrors:
    """Winners among tests whose true effects come from one family."""
    draw = np.random.default_rng(seed)
    truth = FAMILIES[family](draw, runs)
    walk, peaks = Walk(runs, 2, PLAN), Peaks(runs, 1)
    weights = fixed_weights(1, 1)(0)
    rates = np.column_stack([np.full(runs, 0.05), 0.05 * np.exp(truth)])
    errors: list[tuple[float, float, float]] = []
    for look in range(looks):
        visitors = draw.multinomial(2_000, weights, runs)
        walk.add(weights, visitors, draw.binomial(visitors, rates))
        _take(walk, peaks, walk.gated(1), look)
        for place in np.flatnonzero((peaks.first_winner == look) & (peaks.won == 1)):
            true = float(truth[place])
            errors.append(_errors(walk, int(place), true, family, draw))
        walk.end_learning()
    means = np.mean(errors, axis=0) if errors else np.full(3, np.nan)
    return EstimateErrors(len(errors), *(float(each) for each in means))


def _errors(
    walk: Walk, place: int, truth: float, family: str, draw: Generator
) -> tuple[float, float, float]:
    n, c = walk.total.visitors[place], walk.total.converters[place]
    found = rate_ratio([PairCounts(int(n[0]), int(n[1]), int(c[0]), int(c[1]))])
    if found is None:
        raise AssertionError
    effects = FAMILIES[family](draw, 10)
    finished = [
        LogRatio(float(each), FINISHED_VARIANCE)
        for each in effects + draw.normal(0, FINISHED_VARIANCE**0.5, 10)
    ]
    estimates = (found.value, shrunk(found, []), shrunk(found, finished))
    raw, alone, after_ten = (in_percent(each) - in_percent(truth) for each in estimates)
    return raw, alone, after_ten
