"""Plan the tasks: when and where each starts, with a certificate of how good the plan is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from operations.scheduling.planner import exact
from operations.scheduling.planner.bounds import (
    NO_WORKERS,
    Certificate,
    certificate,
    lower_bound,
)
from operations.scheduling.planner.graph import FloatArray, bottom_levels
from operations.scheduling.planner.placement import Problem
from operations.scheduling.planner.search import (
    ONE_PASS,
    SHORT_SEARCH,
    Effort,
    PriorityRule,
    SearchContext,
    search,
)
from operations.scheduling.planner.urgency import AGEING_SECONDS, chain_ratios, inherited_weights

OBJECTIVES = ("auto", "makespan")
POLICIES = ("aged", "strict")
ONE_PASS_ABOVE_TASKS = 2000
SHORT_SEARCH_TASKS = 200
OVERDUE_PRECEDENCE = -1e6  # of tasks that have waited past their bound


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """Starts (seconds from now) and workers as in Placement; `starts` placements were tried."""

    start: list[float]
    worker: list[int]
    certificate: Certificate
    starts: int


def repeatable_effort(open_tasks: int) -> Effort:
    """A few starts and no clock: the same problem always gets the same plan."""
    if open_tasks > ONE_PASS_ABOVE_TASKS:
        return ONE_PASS
    return Effort(seconds=inf, starts=8, sweeps=2)


def make_plan(
    problem: Problem,
    *,
    objective: str = "auto",
    policy: str = "aged",
    effort: Effort = ONE_PASS,
) -> TaskPlan:
    """Place all tasks. Raises CyclicDependency.

    `makespan` minimises the last end. `auto` weighs that equally with the weighted completion,
    and minimises only the latter where no task depends on another. With ONE_PASS and the
    makespan, up to SHORT_SEARCH_TASKS tasks get three starts: a single pass comes near the bound
    only with more tasks.
    """
    check_choice("objective", objective, OBJECTIVES)
    check_choice("policy", policy, POLICIES)
    levels = np.asarray(bottom_levels(problem.graph, problem.seconds))
    least = lower_bound(problem, float(levels.max(initial=0.0)))
    is_weighted = objective == "auto"
    needs_ratios = is_weighted or policy == "strict" or problem.waited.any()
    ratios = (
        chain_ratios(problem.graph, problem.weights, problem.durations)
        if needs_ratios
        else problem.weights
    )
    context = SearchContext(
        problem,
        least,
        precedence(problem, ratios, policy),
        float(problem.graph.after.size > 0 or not is_weighted),
        float(is_weighted),
    )
    can_run = least.binding != NO_WORKERS
    try_all = can_run and not is_weighted and is_exhaustible(context)
    effort = chosen_effort(context, effort, try_all=try_all)
    best, made = search(context, priority_rules(context, levels, ratios), effort)
    if try_all and made > 1:
        best = exact.optimal_placement(problem, levels.tolist(), best)
        least = replace(least, makespan=best.end)
    return TaskPlan(best.start, best.worker, certificate(problem, best, least), made)


def chosen_effort(context: SearchContext, effort: Effort, *, try_all: bool) -> Effort:
    """The effort that pays: less where all orders are tried, none where a task can never run."""
    if context.least.binding == NO_WORKERS:
        return ONE_PASS
    if try_all:
        effort = replace(effort, starts=min(effort.starts, exact.MAX_STARTS))
    is_small = not context.completion_weight and context.problem.size <= SHORT_SEARCH_TASKS
    return SHORT_SEARCH if effort == ONE_PASS and is_small else effort


def is_exhaustible(context: SearchContext) -> bool:
    """Whether all orders can be tried, which proves the best of them optimal."""
    problem = context.problem
    is_small = problem.size <= exact.MAX_TASKS
    return is_small and not problem.running and not context.precedence.any()


def priority_rules(
    context: SearchContext, levels: FloatArray, ratios: FloatArray
) -> list[PriorityRule]:
    """The rules to start with, the most promising first."""
    problem = context.problem

    def longest_chain(factors: FloatArray) -> FloatArray:
        return -levels * factors

    def most_urgent(factors: FloatArray) -> FloatArray:
        return aged_keys(problem, ratios * factors)

    def highest_class(factors: FloatArray) -> FloatArray:
        classes = -np.asarray(inherited_weights(problem.graph, problem.weights.tolist()))
        keys = np.empty(problem.size)
        keys[np.lexsort((-levels * factors, classes))] = np.arange(problem.size)
        return keys

    if not context.completion_weight:
        return [longest_chain]
    if not context.makespan_weight:
        return [most_urgent]
    return [most_urgent, longest_chain, highest_class]


def aged_keys(problem: Problem, ratios: FloatArray) -> FloatArray:
    """`urgency.queue_key` of each task, with time counted from now."""
    keys: FloatArray = -problem.waited / AGEING_SECONDS - np.log2(ratios)
    return keys


def precedence(problem: Problem, ratios: FloatArray, policy: str) -> FloatArray:
    """What goes before any key: overdue tasks first, then under `strict` the priority class.

    A task is overdue when it has waited AGEING_SECONDS for each doubling that separates it from
    the most urgent one, and at least AGEING_SECONDS: equals may still be put in a better order.
    """
    order = -problem.weights if policy == "strict" else np.zeros(problem.size)
    if problem.waited.any():
        bounds = AGEING_SECONDS * np.maximum(1.0, np.log2(ratios.max() / ratios))
        overdue = OVERDUE_PRECEDENCE + aged_keys(problem, ratios)
        order = np.where(problem.waited > bounds, overdue, order)
    return order


def check_choice(what: str, given: str, choices: Sequence[str]) -> None:
    if given not in choices:
        raise ValueError(f"{what} is {given!r}; it can be {' or '.join(choices)}")
