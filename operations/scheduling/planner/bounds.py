"""What no plan can beat: bounds from below, and the certificate that holds a plan against them."""

import math
from dataclasses import dataclass

import numpy as np

from operations.scheduling.planner.graph import Floats
from operations.scheduling.planner.placement import Placement, Work

EXACT = 1e-9  # relative: what adding up floats may differ by
NO_WORKERS = "no_workers"


@dataclass(frozen=True, slots=True)
class Bound:
    """The least makespan there can be, in seconds, and which limit says so.

    `binding` is `critical_path`, `work`, or `pool:<name>` where there are several pools;
    `no_workers` (and no finite bound) where a task waits for a pool without workers.
    """

    makespan: float
    binding: str
    flow: float  # the least sum of weight x end


@dataclass(frozen=True, slots=True)
class Certificate:
    """How good a plan is. Times in seconds; `gap` 0 proves the makespan optimal.

    Makespan and what follows from it are None where some task can never run.
    """

    makespan: float | None
    lower_bound: float | None
    gap: float | None
    binding: str
    flow: float | None
    flow_bound: float | None

    @property
    def optimal(self) -> bool:
        return self.gap == 0


def bound(work: Work, critical_path: float) -> Bound:
    """The larger of the longest chain and the work a worker; flow by Eastman, Even, Isaacs (1964).

    What runs already counts with what remains of it. Where all durations are whole, some best
    plan ends on a whole second, and the bound is rounded up.
    """
    count = work.pool_count
    hands = np.bincount(np.asarray(work.workers, dtype=np.int64), minlength=count)
    load = np.bincount(work.pools, weights=work.durations, minlength=count)
    if np.any((hands == 0) & (np.bincount(work.pools, minlength=count) > 0)):
        return Bound(math.inf, NO_WORKERS, math.inf)
    shares = np.divide(load, hands, out=np.zeros(count), where=hands > 0)
    fullest = int(np.argmax(shares))
    least = max(critical_path, float(shares[fullest]))
    if np.all(work.durations == np.floor(work.durations)):
        least = float(math.ceil(least * (1 - EXACT)))
    fullest_name = "work" if count == 1 else f"pool:{work.pool_name(fullest)}"
    binding = "critical_path" if critical_path >= shares[fullest] else fullest_name
    flow = sum(pool_flow(work, pool, int(hands[pool])) for pool in range(count) if hands[pool])
    return Bound(least, binding, flow)


def pool_flow(work: Work, pool: int, hands: int) -> float:
    """The least sum of weight x end of one pool's tasks; still a bound with dependencies."""
    mine = work.pools == pool
    weights, durations = work.weights[mine], work.durations[mine]
    order = np.argsort(-smith(weights, durations), kind="stable")
    alone = float(weights[order] @ np.cumsum(durations[order]))
    return alone / hands + (hands - 1) / (2 * hands) * float(weights @ durations)


def smith(weights: Floats, durations: Floats) -> Floats:
    """Weight a second, of real durations: what takes no time comes first."""
    ratios = np.full(weights.size, np.inf)
    np.divide(weights, durations, out=ratios, where=durations > 0)
    return ratios


def flow(work: Work, placement: Placement) -> float:
    """The sum of weight x end over all tasks, in weighted seconds."""
    return float(work.weights @ (np.asarray(placement.start) + work.durations))


def certificate(work: Work, placement: Placement, least: Bound) -> Certificate:
    """Hold a placement against the bound; a gap within rounding is 0."""
    if least.binding == NO_WORKERS:
        return Certificate(None, None, None, NO_WORKERS, None, None)
    gap = excess(placement.end, least.makespan)
    return Certificate(
        placement.end, least.makespan, gap, least.binding, flow(work, placement), least.flow
    )


def excess(reached: float, least: float) -> float:
    """By what part `reached` is above `least`; 0 within rounding."""
    part = reached / least - 1 if least > 0 else 0.0
    return part if part > EXACT else 0.0
