"""Sample ratio mismatch: false alarms, visitors to an alarm, and whether the cause is named."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.random import Generator

from marketing.experiments.engine import mismatch
from marketing.experiments.engine.mismatch import ExposureCounts, Segment, find_cause
from tests.benchmarks.experiments_twin import NEVER, SIDES, Floats, Ints, PairRuns, log_e_values

LOOKS, BATCH = 200, 200
LATEST = 2.0  # times the visitors of the alarm
BROWSERS = {"Chrome": 0.6, "Safari": 0.2, "Edge": 0.1, "Firefox": 0.06, "other": 0.04}
SOURCES = {"snippet 1.0": 0.55, "python 1.0": 0.3, "server": 0.15}
DEVICES = {"desktop": 0.55, "phone": 0.4, "tablet": 0.05}


@dataclass
class AlarmOutcome:
    """The look of the first alarm of each run, and that of a watched chi-square test."""

    first_alarm: Ints
    first_of_chi_square: Ints

    def visitors(self) -> float:
        """The median over all runs; infinite where fewer than half have an alarm."""
        looks = np.where(self.first_alarm == NEVER, np.inf, self.first_alarm + 1.0)
        return float(np.median(looks)) * BATCH


def watch(
    weights: tuple[float, ...], true: tuple[float, ...], runs: int, seed: int
) -> AlarmOutcome:
    """Visitors arrive by `true`, while the weights say otherwise."""
    draw = np.random.default_rng(seed)
    counts = np.zeros((runs, len(weights)), int)
    first, of_chi_square = np.full(runs, NEVER), np.full(runs, NEVER)
    for look in range(LOOKS):
        counts = counts + draw.multinomial(BATCH, true, runs)
        alarm = log_mismatches(counts, weights) >= mismatch.LOG_ALARM
        first[alarm & (first == NEVER)] = look
        below = _chi_square(counts, weights) < 0.001
        of_chi_square[below & (of_chi_square == NEVER)] = look
    return AlarmOutcome(first, of_chi_square)


def log_mismatches(counts: Ints, weights: tuple[float, ...]) -> Floats:
    """Of every run, as the engine's `log_mismatch`."""
    arms = range(1, 2) if len(weights) == 2 else range(len(weights))
    whole = counts.sum(axis=1)
    found = np.array(
        [
            log_e_values(
                [PairRuns(weights[arm], whole - counts[:, arm], counts[:, arm])],
                side,
                mismatch.EFFECT,
            )
            for arm in arms
            for side in SIDES
        ]
    )
    largest = found.max(axis=0)
    mean: Floats = largest + np.log(np.exp(found - largest).mean(axis=0))
    return mean


def _chi_square(counts: Ints, weights: tuple[float, ...]) -> Floats:
    from scipy.special import chdtrc  # noqa: PLC0415 - slow to import

    expected = counts.sum(axis=1, keepdims=True) * np.array(weights)
    found: Floats = chdtrc(len(weights) - 1, ((counts - expected) ** 2 / expected).sum(axis=1))
    return found


@dataclass
class CauseOutcome:
    """Shares of alarms in which the planted segment alone is named: at once, and soon after."""

    alarms: int
    at_alarm: float
    soon: float


def cause_named(planted: Segment, lost: float, runs: int, seed: int) -> CauseOutcome:
    """One segment loses a part of the variant's exposures; 200 visitors a look.

    The alarm is that of the whole, the cause needs evidence of its own: "soon" is within as many
    visitors again. Nothing is decided meanwhile.
    """
    draw = np.random.default_rng(seed)
    cells = list(product(BROWSERS, SOURCES, DEVICES))
    shares = np.array([BROWSERS[b] * SOURCES[s] * DEVICES[d] for b, s, d in cells])
    losses = np.array([lost if planted.value in cell else 0.0 for cell in cells])
    looks = [_named_after(planted, draw, cells, (shares, losses)) for _ in range(runs)]
    found = [each for each in looks if each is not None]
    at_alarm, soon = (
        sum(each <= limit for each in found) / max(1, len(found)) for limit in (1.0, LATEST)
    )
    return CauseOutcome(len(found), at_alarm, soon)


def _named_after(
    planted: Segment,
    draw: Generator,
    cells: list[tuple[str, str, str]],
    rates: tuple[Floats, Floats],
) -> float | None:
    """The look at which it is named, in looks of the alarm; infinite if too late, None if none."""
    counts, alarm = np.zeros((len(cells), 2), int), 0
    for look in range(1, LOOKS + 1):
        arrived = draw.multinomial(BATCH, rates[0])
        b = draw.binomial(arrived, 0.5)
        counts += np.column_stack([arrived - b, draw.binomial(b, 1 - rates[1])])
        if not alarm:
            whole = log_mismatches(counts.sum(axis=0)[None], (0.5, 0.5))
            alarm = look if whole[0] >= mismatch.LOG_ALARM else 0
        if alarm and look <= LATEST * alarm:
            causes = find_cause(_segments(cells, counts)).causes
            if [each.segment for each in causes] == [planted]:
                return look / alarm
        elif alarm:
            break
    return float("inf") if alarm else None


def _segments(
    cells: list[tuple[str, str, str]], counts: Ints
) -> dict[Segment, list[ExposureCounts]]:
    found: dict[Segment, Ints] = {}
    for cell, row in zip(cells, counts, strict=True):
        for dimension, value in zip(("browser", "source", "device"), cell, strict=True):
            segment = Segment(dimension, value)
            found[segment] = found.get(segment, np.zeros(2, int)) + row
    return {
        segment: [ExposureCounts((0.5, 0.5), (int(row[0]), int(row[1])))]
        for segment, row in found.items()
    }
