"""Plan the tasks: when and where each starts, with a certificate of how good the plan is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from operations.scheduling.planner.bounds import NO_WORKERS, Certificate, certificate, lower_bound
from operations.scheduling.planner.graph import FloatArray, bottom_levels
from operations.scheduling.planner.placement import Problem
from operations.scheduling.planner.search import (
    ONE_PASS,
    Effort,
    PriorityRule,
    SearchContext,
    search,
)
from operations.scheduling.planner.urgency import AGEING_SECONDS, chain_ratios, inherited_weights

POLICIES = ("aged", "strict")
ONE_PASS_ABOVE_TASKS = 2000
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


def make_plan(problem: Problem, *, policy: str = "aged", effort: Effort = ONE_PASS) -> TaskPlan:
    """Place all tasks, all by one pass where one can never run. Raises CyclicDependency.

    The makespan and the weighted completion count equally; only the latter counts where no task
    depends on another.
    """
    check_choice("policy", policy, POLICIES)
    levels = np.asarray(bottom_levels(problem.graph, problem.seconds))
    least = lower_bound(problem, float(levels.max(initial=0.0)))
    ratios = chain_ratios(problem.graph, problem.weights, problem.durations)
    context = SearchContext(
        problem,
        least,
        precedence(problem, ratios, policy),
        makespan_weight=float(problem.graph.after.size > 0),
        completion_weight=1.0,
    )
    effort = ONE_PASS if least.binding == NO_WORKERS else effort
    best, made = search(context, priority_rules(context, levels, ratios), effort)
    return TaskPlan(best.start, best.worker, certificate(problem, best, least), made)


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
