"""Several starts of list scheduling, each swept back and forth, and the best of them.

A sweep (Li and Willis, 1992) schedules in reversed time by descending end, then forwards by the
starts found: that closes most of what one pass leaves. Later starts stray from the best seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from time import thread_time

import numpy as np

from operations.scheduling.planner.bounds import Bound, excess, flow
from operations.scheduling.planner.graph import Floats, Whole
from operations.scheduling.planner.placement import Placement, Work, placed

BUDGET = 0.25  # CPU seconds
SWAY, FAR = 0.15, 1.0  # how far, in parts, a start may stray from the best seed

Seed = Callable[[Floats], Floats]  # factors near 1, one a task -> keys, lowest first


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to look: CPU seconds of this thread by `clock`, starts, and sweeps of each start.

    The first pass is always made. With endless seconds the result depends on the rest alone.
    """

    seconds: float = BUDGET
    starts: int = 100_000
    sweeps: int = 10
    seed: int = 3
    clock: Callable[[], float] = thread_time


ONE_PASS = Effort(seconds=0.0, starts=1, sweeps=0)
SHORT = Effort(seconds=inf, starts=3)  # a millisecond or two, where the tasks are few


class Watch:
    """Tells whether another pass fits in, by the longest one so far."""

    def __init__(self, effort: Effort) -> None:
        self.clock, self.until = effort.clock, effort.clock() + effort.seconds
        self.longest = 0.0

    def timed(self, work: Work, line: Whole) -> Placement:
        begun = self.clock()
        placement = placed(work, line)
        self.longest = max(self.longest, self.clock() - begun)
        return placement

    def allows(self, passes: int) -> bool:
        return self.clock() + passes * self.longest < self.until


@dataclass(frozen=True, slots=True)
class Aim:
    """What all starts of one plan share: the work, its bounds and how much each counts."""

    work: Work
    least: Bound
    leads: Floats  # whatever the key says, the lower lead goes first
    span: float
    pull: float

    def line(self, key: Floats) -> Whole:
        """The tasks by lead, then key, then number."""
        if self.leads.any():
            return np.lexsort((key, self.leads))
        return np.argsort(key, kind="stable")

    def score(self, placement: Placement) -> float:
        """How far above its bounds a placement is; 0 cannot be beaten."""
        above = self.span * excess(placement.end, self.least.makespan) if self.span else 0.0
        if self.pull:
            above += self.pull * excess(flow(self.work, placement), self.least.flow)
        return above


def searched(aim: Aim, seeds: Sequence[Seed], effort: Effort) -> tuple[Placement, int]:
    """The best placement found, and the number of starts made."""
    watch = Watch(effort)
    chance = np.random.default_rng(effort.seed)
    plain = np.ones(aim.work.size)
    best = watch.timed(aim.work, aim.line(seeds[0](plain)))
    best, score = swept(aim, best, effort.sweeps, watch)
    leader, made = seeds[0], 1
    while score > 0 and made < effort.starts and watch.allows(1):
        fresh = made < len(seeds)
        seed = seeds[made] if fresh else leader
        sway = plain if fresh else swayed(chance, made, plain.size)
        found = watch.timed(aim.work, aim.line(seed(sway)))
        found, reached = swept(aim, found, effort.sweeps, watch)
        made += 1
        if reached < score:
            best, score, leader = found, reached, seed
    return best, made


def swayed(chance: np.random.Generator, number: int, size: int) -> Floats:
    """Factors around 1: most starts stay near the best seed, every fourth one strays far."""
    reach = chance.random() * (FAR if number % 4 == 0 else SWAY)
    return chance.uniform(1 - reach, 1 + reach, size)


def swept(aim: Aim, best: Placement, sweeps: int, watch: Watch) -> tuple[Placement, float]:
    """Sweep back and forth as long as that helps; also the score reached."""
    score = aim.score(best)
    for _ in range(sweeps):
        if score == 0 or not watch.allows(2):
            break
        ends = np.asarray(best.start) + aim.work.durations
        back = watch.timed(aim.work.backwards, np.argsort(-ends, kind="stable"))
        latest = mirrored(aim.work, back)
        forth = watch.timed(aim.work, aim.line(np.asarray(latest.start)))
        found, reached = better(aim, forth, latest)
        if reached >= score:
            break
        best, score = found, reached
    return best, score


def mirrored(work: Work, back: Placement) -> Placement:
    """A placement in reversed time, turned round: every task as late as it left it."""
    start = back.end - (np.asarray(back.start) + work.durations)
    return Placement(start.tolist(), back.worker, back.end)


def better(aim: Aim, forth: Placement, latest: Placement) -> tuple[Placement, float]:
    """The better of the two; as late as possible only where nothing runs or leads.

    Waiting on purpose can be best: no list schedule does that forwards.
    """
    score = aim.score(forth)
    if aim.work.running or aim.leads.any() or latest.end >= forth.end:
        return forth, score
    other = aim.score(latest)
    return (latest, other) if other < score else (forth, score)
