"""A plan: when and where each task starts, and proof of how good that is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from operations.scheduling.planner import exact
from operations.scheduling.planner.bounds import NO_WORKERS, Certificate, bound, certificate
from operations.scheduling.planner.graph import Floats, bottom_levels
from operations.scheduling.planner.placement import Work
from operations.scheduling.planner.search import ONE_PASS, SHORT, Aim, Effort, Seed, searched
from operations.scheduling.planner.urgency import AGEING, chain_ratios, inherited

OBJECTIVES = ("auto", "makespan")
POLICIES = ("aged", "strict")
MANY = 2000  # open tasks that get one pass where a request waits
HANDFUL = 200  # tasks that get a few starts even where nothing may wait
FIRST_OF_ALL = -1e6  # the lead of what has waited past its bound


@dataclass(frozen=True, slots=True)
class Plan:
    """Starts (seconds from now) and workers as in Placement; `starts` placements were tried."""

    start: list[float]
    worker: list[int]
    certificate: Certificate
    starts: int


def usual_effort(open_tasks: int, *, in_request: bool) -> Effort:
    """250 ms of CPU; one pass where a request waits for a plan of many tasks."""
    return ONE_PASS if in_request and open_tasks > MANY else Effort()


def steady_effort(open_tasks: int) -> Effort:
    """A few starts and no clock: the same question gets the same plan, for comparisons."""
    return ONE_PASS if open_tasks > MANY else Effort(seconds=inf, starts=8, sweeps=2)


def plan(
    work: Work,
    *,
    objective: str = "auto",
    policy: str = "aged",
    effort: Effort = ONE_PASS,
) -> Plan:
    """Place all tasks; raises Cyclic where they wait for each other in a ring.

    `makespan` looks at the last end alone. `auto` weighs it equally with the urgent ends, and
    looks at those only where nothing waits for anything. HANDFUL tasks asked about at once, for
    the makespan, get three starts: a single pass comes near the bound only above that.
    """
    known("objective", objective, OBJECTIVES)
    known("policy", policy, POLICIES)
    levels = np.asarray(bottom_levels(work.graph, work.seconds))
    least = bound(work, float(levels.max(initial=0.0)))
    weighted, chained = objective == "auto", work.graph.after.size > 0
    needed = weighted or policy == "strict" or work.waited.any()
    ratios = chain_ratios(work.graph, work.weights, work.durations) if needed else work.weights
    aim = Aim(
        work, least, leads(work, ratios, policy), float(chained or not weighted), float(weighted)
    )
    few = not weighted and least.binding != NO_WORKERS and exhaustible(work, aim)
    if few:
        effort = replace(effort, starts=min(effort.starts, exact.STARTS))
    if effort == ONE_PASS and not weighted and work.size <= HANDFUL:
        effort = SHORT
    effort = ONE_PASS if least.binding == NO_WORKERS else effort
    best, made = searched(aim, seeds(work, levels, ratios, aim), effort)
    if few and made > 1:
        best = exact.best(work, levels.tolist(), best)
        least = replace(least, makespan=best.end)
    return Plan(best.start, best.worker, certificate(work, best, least), made)


def exhaustible(work: Work, aim: Aim) -> bool:
    """Whether all orders of so few tasks can be tried: then the best of them is the bound."""
    return work.size <= exact.FEW and not work.running and not aim.leads.any()


def seeds(work: Work, levels: Floats, ratios: Floats, aim: Aim) -> list[Seed]:
    """The orders to begin with, the most promising first; each takes factors that perturb it."""

    def longest_chain(sway: Floats) -> Floats:
        return -levels * sway

    def most_urgent(sway: Floats) -> Floats:
        return aged(work, ratios * sway)

    def highest_class(sway: Floats) -> Floats:
        classes = -np.asarray(inherited(work.graph, work.weights.tolist()))
        key = np.empty(work.size)
        key[np.lexsort((-levels * sway, classes))] = np.arange(work.size)
        return key

    if not aim.pull:
        return [longest_chain]
    return [most_urgent, longest_chain, highest_class] if aim.span else [most_urgent]


def aged(work: Work, ratios: Floats) -> Floats:
    """The keys of `urgency.key`, counting time from now."""
    keys: Floats = -work.waited / AGEING - np.log2(ratios)
    return keys


def leads(work: Work, ratios: Floats, policy: str) -> Floats:
    """What overrules any order: long waits first of all, then under `strict` the class.

    A task is past its bound when it has waited AGEING for each doubling that separates it from
    the most urgent one, and at least AGEING: equals may still be put in a better order.
    """
    lead = -work.weights if policy == "strict" else np.zeros(work.size)
    if work.waited.any():
        bounds = AGEING * np.maximum(1.0, np.log2(ratios.max() / ratios))
        lead = np.where(work.waited > bounds, FIRST_OF_ALL + aged(work, ratios), lead)
    return lead


def known(what: str, given: str, choices: Sequence[str]) -> None:
    if given not in choices:
        raise ValueError(f"{what} is {given!r}; it can be {' or '.join(choices)}")
