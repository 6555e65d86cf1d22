"""Lower bounds on makespan and weighted completion, and how far a plan is above them."""

import math
from dataclasses import dataclass

import numpy as np

from operations.scheduling.planner.graph import FloatArray
from operations.scheduling.planner.placement import Placement, Problem

RELATIVE_TOLERANCE = 1e-9  # differences from adding up floats
NO_WORKERS = "no_workers"


@dataclass(frozen=True, slots=True)
class Bound:
    """The least possible makespan in seconds, and which limit sets it."""

    makespan: float  # infinite where a task waits for a pool without workers
    binding: str  # critical_path, work, pool:<name> if there are several, or no_workers
    weighted_completion: float  # the least sum of weight x end


@dataclass(frozen=True, slots=True)
class Certificate:
    """How good a plan is; all but `binding` are None where some task can never run."""

    makespan: float | None  # seconds
    lower_bound: float | None
    gap: float | None  # 0 proves the makespan optimal
    binding: str
    weighted_completion: float | None
    weighted_completion_bound: float | None


def lower_bound(problem: Problem, critical_path: float) -> Bound:
    """The larger of the longest chain and the work per worker.

    Weighted completion by Eastman, Even, Isaacs (1964). A running task counts with what remains
    of it. Where all durations are whole, an optimal plan ends on a whole second, and the bound
    is rounded up.
    """
    count = problem.pool_count
    slots = np.bincount(np.asarray(problem.workers, dtype=np.int64), minlength=count)
    load = np.bincount(problem.pools, weights=problem.durations, minlength=count)
    if np.any((slots == 0) & (np.bincount(problem.pools, minlength=count) > 0)):
        return Bound(math.inf, NO_WORKERS, math.inf)
    shares = np.divide(load, slots, out=np.zeros(count), where=slots > 0)
    fullest = int(np.argmax(shares))
    least = max(critical_path, float(shares[fullest]))
    if np.all(problem.durations == np.floor(problem.durations)):
        least = float(math.ceil(least * (1 - RELATIVE_TOLERANCE)))
    fullest_name = "work" if count == 1 else f"pool:{problem.pool_name(fullest)}"
    binding = "critical_path" if critical_path >= shares[fullest] else fullest_name
    completion = sum(
        pool_completion_bound(problem, pool, int(slots[pool]))
        for pool in range(count)
        if slots[pool]
    )
    return Bound(least, binding, completion)


def pool_completion_bound(problem: Problem, pool: int, slots: int) -> float:
    """The least sum of weight x end of one pool's tasks; also a bound with dependencies."""
    mine = problem.pools == pool
    weights, durations = problem.weights[mine], problem.durations[mine]
    order = np.argsort(-smith_ratios(weights, durations), kind="stable")
    on_one_worker = float(weights[order] @ np.cumsum(durations[order]))
    return on_one_worker / slots + (slots - 1) / (2 * slots) * float(weights @ durations)


def smith_ratios(weights: FloatArray, durations: FloatArray) -> FloatArray:
    """Weight per second of unclamped durations; infinite for a duration of zero."""
    ratios = np.full(weights.size, np.inf)
    np.divide(weights, durations, out=ratios, where=durations > 0)
    return ratios


def weighted_completion(problem: Problem, placement: Placement) -> float:
    """The sum of weight x end over all tasks, in weighted seconds."""
    return float(problem.weights @ (np.asarray(placement.start) + problem.durations))


def certificate(problem: Problem, placement: Placement, least: Bound) -> Certificate:
    """Compare a placement with the bound; a gap within the tolerance is 0."""
    if least.binding == NO_WORKERS:
        return Certificate(None, None, None, NO_WORKERS, None, None)
    return Certificate(
        placement.end,
        least.makespan,
        relative_excess(placement.end, least.makespan),
        least.binding,
        weighted_completion(problem, placement),
        least.weighted_completion,
    )


def relative_excess(reached: float, least: float) -> float:
    """`reached` / `least` - 1; 0 within the tolerance."""
    part = reached / least - 1 if least > 0 else 0.0
    return part if part > RELATIVE_TOLERANCE else 0.0
