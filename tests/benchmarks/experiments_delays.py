"""A variant that is only faster: closed exposures against all exposures so far."""

from dataclasses import dataclass

import numpy as np

from marketing.experiments.engine.decision import DecisionPlan
from tests.benchmarks.experiments_twin import Floats, Ints, Peaks
from tests.benchmarks.experiments_walks import Walk

PLAN = DecisionPlan()
WINDOW_DAYS, DAYS, LOOKS_A_DAY = 7, 28, 2
WEIGHTS = (0.5, 0.5)
RATE, A_DAY = 0.05, 4_000


@dataclass
class DelayOutcome:
    """Tests that ever named the faster variant the winner."""

    runs: int
    closed: int
    so_far: int


def watch(delays: tuple[float, float], runs: int, seed: int) -> DelayOutcome:
    """Both arms convert alike within seven days, after exponential delays of these mean days."""
    draw = np.random.default_rng(seed)
    looks = DAYS * LOOKS_A_DAY
    window = WINDOW_DAYS * LOOKS_A_DAY
    hazards = np.array([_hazard(mean, window) for mean in delays])
    shape = (runs, looks, 2)
    visitors, pending = np.zeros(shape, int), np.zeros(shape, int)
    converters, so_far = np.zeros(shape, int), np.zeros(shape, int)
    walks = [(Walk(runs, 2, PLAN), Peaks(runs, 1)) for _ in range(2)]
    for look in range(looks):
        visitors[:, look] = draw.multinomial(A_DAY // LOOKS_A_DAY, WEIGHTS, runs)
        converters[:, look] = pending[:, look] = draw.binomial(visitors[:, look], RATE)
        ages = np.minimum(look - np.arange(look + 1), window - 1)
        now = draw.binomial(pending[:, : look + 1], hazards[:, ages].T[None])
        pending[:, : look + 1] -= now
        so_far[:, : look + 1] += now
        closed = look - window - 1
        if closed >= 0:
            _close(*walks[0], visitors[:, closed], converters[:, closed], look)
        _whole(*walks[1], visitors[:, : look + 1].sum(axis=1), so_far.sum(axis=1), look)
    wins = [int((peaks.won == 1).sum()) for _, peaks in walks]
    return DelayOutcome(runs, *wins)


def _hazard(mean: float, window: int) -> Floats:
    """The chance to convert at each age, of those who will within the window but have not yet."""
    ages = np.arange(window + 1) / LOOKS_A_DAY
    reached = (1 - np.exp(-ages / mean)) / (1 - np.exp(-ages[-1] / mean))
    left = 1 - reached[:-1]
    found: Floats = np.divide(np.diff(reached), left, where=left > 0, out=np.ones(window))
    return found


def _close(walk: Walk, peaks: Peaks, visitors: Ints, converters: Ints, look: int) -> None:
    walk.add(WEIGHTS, visitors, converters)
    _look(walk, peaks, look)
    walk.end_learning()


def _whole(walk: Walk, peaks: Peaks, visitors: Ints, converters: Ints, look: int) -> None:
    """Everything so far in place of what stood: nothing is closed here."""
    walk.strata.clear()
    walk.total.visitors[:] = 0
    walk.total.converters[:] = 0
    walk.add(WEIGHTS, visitors, converters)
    _look(walk, peaks, look)


def _look(walk: Walk, peaks: Peaks, look: int) -> None:
    rows = walk.gated(1)
    if not rows.any():
        return
    higher, lower = np.full(walk.runs, -np.inf), np.full(walk.runs, -np.inf)
    higher[rows], lower[rows] = walk.evidence(1, rows)
    peaks.add(0, rows, higher, lower)
    peaks.close_look(look, PLAN, np.zeros((walk.runs, 1)))
