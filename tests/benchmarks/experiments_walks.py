"""Simulated tests, walked look by look through the twin of the engine, with other methods beside.

Each function draws many tests at once and returns how many ended how. Visitors come in batches,
a look after each; the learning stretch ends per test, as in the product.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from marketing.experiments.engine.decision import LARGEST_BASE_RATE, DecisionPlan
from tests.benchmarks.experiments_twin import (
    NEVER,
    SIDES,
    Bools,
    Floats,
    Ints,
    PairRuns,
    Peaks,
    log_e_values,
)

CHUNK = 2_000  # runs at once: their arrays fit into the cache
TUNED_FOR = 5_000  # GrowthBook's default
LEVEL = -2 * np.log(0.05)
MIN_CONVERSIONS = 25
Rates = Callable[[int], Sequence[float]]  # by look, one an arm
Weights = Callable[[int], tuple[float, ...]]  # by look


@dataclass(frozen=True)
class Scenario:
    """What is drawn: rates and weights may change from look to look."""

    rates: Rates
    weights: Weights
    batch: int
    looks: int
    plan: DecisionPlan = field(default_factory=DecisionPlan)
    stops: bool = False  # at the first winner, which is all that a speed needs


@dataclass
class Outcome:
    """Of each test: the look of the first claim and winner, and those of the peers."""

    first_claim: Ints
    first_winner: Ints
    won: Ints
    visitors_at_win: Floats  # per arm
    first_of_peer: Ints
    first_of_peer_with_conversions: Ints
    first_of_peeked_z: Ints


def equal_rates(rate: float, arms: int) -> Rates:
    return lambda _look: (rate,) * arms


def lifted(rate: float, *lifts: float) -> Rates:
    """The control's rate, then the variants'."""
    rates = (rate, *(rate * (1 + each) for each in lifts))
    return lambda _look: rates


def fixed_weights(*weights: float) -> Weights:
    whole = sum(weights)
    shares = tuple(each / whole for each in weights)
    return lambda _look: shares


@dataclass
class Counts:
    """Visitors and converters of every run and arm under one set of weights."""

    visitors: Ints
    converters: Ints

    @classmethod
    def zero(cls, runs: int, arms: int) -> "Counts":
        return cls(np.zeros((runs, arms), int), np.zeros((runs, arms), int))

    def add(self, chosen: Bools, visitors: Ints, converters: Ints) -> None:
        self.visitors += np.where(chosen[:, None], visitors, 0)
        self.converters += np.where(chosen[:, None], converters, 0)


@dataclass
class Walk:
    """The strata of many runs: before and after the learning stretch, by weights."""

    runs: int
    arms: int
    plan: DecisionPlan
    strata: dict[tuple[float, ...], tuple[Counts, Counts]] = field(default_factory=dict)
    learned: Bools = field(init=False)
    base_rate: Floats = field(init=False)
    total: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.learned, self.base_rate = np.zeros(self.runs, bool), np.zeros(self.runs)
        self.total = Counts.zero(self.runs, self.arms)

    def add(self, weights: tuple[float, ...], visitors: Ints, converters: Ints) -> None:
        """A batch, and the end of the learning stretch where every arm has enough now."""
        if weights not in self.strata:
            self.strata[weights] = (
                Counts.zero(self.runs, self.arms), Counts.zero(self.runs, self.arms),
            )  # fmt: skip
        early, late = self.strata[weights]
        early.add(~self.learned, visitors, converters)
        late.add(self.learned, visitors, converters)
        self.total.add(np.ones(self.runs, bool), visitors, converters)

    def end_learning(self) -> None:
        """After the look: what comes later carries the rate up to here."""
        ends = ~self.learned & (self.total.visitors >= self.plan.min_sample_size).all(axis=1)
        rates = self.total.converters[ends].sum(axis=1) / self.total.visitors[ends].sum(axis=1)
        self.base_rate[ends] = [min(LARGEST_BASE_RATE, round(each, 3)) for each in rates.tolist()]
        self.learned |= ends

    def gated(self, variant: int) -> Bools:
        enough = self.total.visitors >= self.plan.min_sample_size
        gated: Bools = enough[:, 0] & enough[:, variant]
        return gated

    def evidence(self, variant: int, rows: Bools, at: float = 0.0) -> list[Floats]:
        """Both log e-values of these runs; with `at`, against that log theta, converters only."""
        strata = [
            each
            for weights in self.strata
            if weights[0] and weights[variant]
            for each in self._pair(weights, variant, rows, at)
        ]
        return [log_e_values(strata, side, self.plan.effect) for side in SIDES]

    def _pair(
        self, weights: tuple[float, ...], variant: int, rows: Bools, at: float
    ) -> Iterator[PairRuns]:
        early, late = self.strata[weights]
        share = weights[variant] / (weights[0] + weights[variant])
        share = share * np.exp(at) / (1 - share + share * np.exp(at)) if at else share
        for part, is_late in ((early, False), (late, True)):
            c, m = part.converters[rows], (part.visitors - part.converters)[rows]
            if not is_late or at:
                yield PairRuns(share, c[:, 0], c[:, variant])
            elif self.learned.any():
                yield PairRuns(
                    share, c[:, 0], c[:, variant], m[:, 0], m[:, variant], self.base_rate[rows]
                )


def in_chunks(walk: Callable[[int, Generator], Outcome], runs: int, seed: int) -> Outcome:
    """Many runs, a chunk at a time, each chunk with its own generator."""
    sizes = [min(CHUNK, runs - start) for start in range(0, runs, CHUNK)]
    parts = [walk(size, np.random.default_rng([seed, place])) for place, size in enumerate(sizes)]
    names = Outcome.__dataclass_fields__
    return Outcome(
        **{each: np.concatenate([getattr(part, each) for part in parts]) for each in names}
    )


def run(scenario: Scenario, runs: int, seed: int) -> Outcome:
    """Walk the tests of a scenario."""
    return in_chunks(lambda size, draw: _walk(scenario, size, draw), runs, seed)


def _walk(scenario: Scenario, runs: int, draw: Generator) -> Outcome:
    arms = len(scenario.weights(0))
    walk = Walk(runs, arms, scenario.plan)
    peaks = Peaks(runs, arms - 1)
    at_win = np.full(runs, np.nan)
    peers = np.full((3, runs), NEVER)
    for look in range(scenario.looks):
        weights = scenario.weights(look)
        visitors = draw.multinomial(scenario.batch, weights, runs)
        walk.add(weights, visitors, draw.binomial(visitors, scenario.rates(look)))
        _look(walk, peaks, look, scenario)
        new = peaks.first_winner == look
        at_win[new] = walk.total.visitors[new].sum(axis=1) / arms
        _look_of_peers(walk, peers, look)
        walk.end_learning()
        if scenario.stops and (peaks.first_winner != NEVER).all():
            break
    return Outcome(peaks.first_claim, peaks.first_winner, peaks.won, at_win, *peers)


def _look(walk: Walk, peaks: Peaks, look: int, scenario: Scenario) -> None:
    pending = np.ones(walk.runs, bool)
    if scenario.stops:
        pending = peaks.first_winner == NEVER
    for variant in range(1, walk.arms):
        rows = walk.gated(variant) & pending
        if not rows.any():
            continue
        higher, lower = np.full(walk.runs, -np.inf), np.full(walk.runs, -np.inf)
        higher[rows], lower[rows] = walk.evidence(variant, rows)
        peaks.add(variant - 1, rows, higher, lower)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = walk.total.converters / walk.total.visitors
    peaks.close_look(look, scenario.plan, rates[:, 1:])


def _look_of_peers(walk: Walk, peers: Ints, look: int) -> None:
    """GrowthBook's sequence without and with 25 conversions an arm, and a peeked pooled z."""
    n, c = walk.total.visitors[:, :2], walk.total.converters[:, :2]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = c / n
        variance = p * (1 - p) / n
        relative = variance[:, 1] / p[:, 0] ** 2 + variance[:, 0] * p[:, 1] ** 2 / p[:, 0] ** 4
        z = (p[:, 1] / p[:, 0] - 1) / np.sqrt(relative)
        pooled = c.sum(axis=1) / n.sum(axis=1)
        peeked = (p[:, 1] - p[:, 0]) / np.sqrt(pooled * (1 - pooled) * (1 / n).sum(axis=1))
    k = n.sum(axis=1) * (LEVEL + np.log(LEVEL + 1)) / TUNED_FOR
    log_e = k * z**2 / (2 * (k + 1)) - np.log1p(k) / 2
    claims = (log_e >= np.log(20)) & (c > 0).all(axis=1) & (n >= 1).all(axis=1)
    found = (
        claims,
        claims & (c >= MIN_CONVERSIONS).all(axis=1),
        np.abs(peeked) > 1.959963984540054,
    )
    for first, claim in zip(peers, found, strict=True):
        first[claim & (first == NEVER)] = look
