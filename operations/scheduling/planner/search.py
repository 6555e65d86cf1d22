"""Randomised list scheduling: several starts, each improved by sweeps; the best is kept.

A sweep (Li and Willis, 1992) schedules in reversed time by descending end, then forwards by the
starts found: that closes most of what one pass leaves. Later starts perturb the best rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import thread_time

import numpy as np

from operations.scheduling.planner.bounds import Bound, relative_excess, weighted_completion
from operations.scheduling.planner.graph import FloatArray, IntArray
from operations.scheduling.planner.placement import Placement, Problem, list_schedule

DEFAULT_CPU_SECONDS = 0.25
NEAR_SPREAD, FAR_SPREAD = 0.15, 1.0  # of the random factors around 1

PriorityRule = Callable[[FloatArray], FloatArray]  # factors near 1, one a task -> keys


@dataclass(frozen=True, slots=True)
class Effort:
    """CPU seconds of this thread beyond the first pass, starts, and sweeps for each start."""

    seconds: float = DEFAULT_CPU_SECONDS
    starts: int = 100_000
    sweeps: int = 10
    seed: int = 3
    clock: Callable[[], float] = thread_time


ONE_PASS = Effort(seconds=0.0, starts=1, sweeps=0)


class PassTimer:
    """Whether another pass fits into the effort, judged by the longest pass so far."""

    def __init__(self, effort: Effort) -> None:
        self.clock, self.until = effort.clock, effort.clock() + effort.seconds
        self.longest = 0.0

    def list_schedule(self, problem: Problem, order: IntArray) -> Placement:
        begun = self.clock()
        placement = list_schedule(problem, order)
        self.longest = max(self.longest, self.clock() - begun)
        return placement

    def allows(self, passes: int) -> bool:
        return self.clock() + passes * self.longest < self.until


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What all starts share: the problem, its bounds, and how much each figure counts."""

    problem: Problem
    least: Bound
    precedence: FloatArray  # a lower value goes first, whatever the key
    makespan_weight: float
    completion_weight: float

    def order(self, keys: FloatArray) -> IntArray:
        """The tasks by precedence, then key, then number."""
        if self.precedence.any():
            return np.lexsort((keys, self.precedence))
        return np.argsort(keys, kind="stable")

    def score(self, placement: Placement) -> float:
        """How far a placement is above its bounds; 0 is optimal."""
        above = 0.0
        if self.makespan_weight:
            above = self.makespan_weight * relative_excess(placement.end, self.least.makespan)
        if self.completion_weight:
            completion = weighted_completion(self.problem, placement)
            excess = relative_excess(completion, self.least.weighted_completion)
            above += self.completion_weight * excess
        return above


def search(
    context: SearchContext, rules: Sequence[PriorityRule], effort: Effort
) -> tuple[Placement, int]:
    """The best placement found, and the number of starts made."""
    timer = PassTimer(effort)
    rng = np.random.default_rng(effort.seed)
    unperturbed = np.ones(context.problem.size)
    best = timer.list_schedule(context.problem, context.order(rules[0](unperturbed)))
    best, score = sweep(context, best, effort.sweeps, timer)
    best_rule, made = rules[0], 1
    while score > 0 and made < effort.starts and timer.allows(1):
        is_new_rule = made < len(rules)
        rule = rules[made] if is_new_rule else best_rule
        factors = unperturbed if is_new_rule else perturbation(rng, made, unperturbed.size)
        found = timer.list_schedule(context.problem, context.order(rule(factors)))
        found, reached = sweep(context, found, effort.sweeps, timer)
        made += 1
        if reached < score:
            best, score, best_rule = found, reached, rule
    return best, made


def perturbation(rng: np.random.Generator, start: int, size: int) -> FloatArray:
    """Random factors around 1: close to 1 for most starts, far from 1 for every fourth."""
    spread = rng.random() * (FAR_SPREAD if start % 4 == 0 else NEAR_SPREAD)
    return rng.uniform(1 - spread, 1 + spread, size)


def sweep(
    context: SearchContext, best: Placement, sweeps: int, timer: PassTimer
) -> tuple[Placement, float]:
    """Schedule backwards and forwards while that improves; the placement and its score."""
    score = context.score(best)
    for _ in range(sweeps):
        if score == 0 or not timer.allows(2):
            break
        ends = np.asarray(best.start) + context.problem.durations
        back = timer.list_schedule(context.problem.backwards, np.argsort(-ends, kind="stable"))
        latest = mirrored(context.problem, back)
        forth = timer.list_schedule(context.problem, context.order(np.asarray(latest.start)))
        found, reached = better(context, forth, latest)
        if reached >= score:
            break
        best, score = found, reached
    return best, score


def mirrored(problem: Problem, back: Placement) -> Placement:
    """A placement in reversed time, turned into forward time: every task as late as possible."""
    start = back.end - (np.asarray(back.start) + problem.durations)
    return Placement(start.tolist(), back.worker, back.end)


def better(context: SearchContext, forth: Placement, latest: Placement) -> tuple[Placement, float]:
    """The better of the two; the latest one only where nothing runs or has precedence.

    An optimal plan may leave a worker idle on purpose, which forward list scheduling never does.
    """
    score = context.score(forth)
    has_precedence = context.precedence.any()
    if context.problem.running or has_precedence or latest.end >= forth.end:
        return forth, score
    other = context.score(latest)
    return (latest, other) if other < score else (forth, score)
