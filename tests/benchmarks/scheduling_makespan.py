"""Plans for the makespan alone, and the optimal one of a few tasks, to compare the planner with."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

import numpy as np

from operations.scheduling.planner.bounds import (
    NO_WORKERS,
    RELATIVE_TOLERANCE,
    certificate,
    lower_bound,
)
from operations.scheduling.planner.graph import bottom_levels
from operations.scheduling.planner.placement import NO_WORKER, Placement, Problem
from operations.scheduling.planner.plan import TaskPlan, precedence
from operations.scheduling.planner.search import ONE_PASS, Effort, SearchContext, search
from operations.scheduling.planner.urgency import chain_ratios

SHORT_SEARCH = Effort(seconds=inf, starts=3)  # a millisecond or two for few tasks
SHORT_SEARCH_TASKS = 200
MAX_TASKS = 8  # all orders of so many take some milliseconds, a tenth of a second at worst
MAX_STARTS = 8  # starts of list scheduling before all orders are tried


def makespan_plan(problem: Problem, effort: Effort = ONE_PASS) -> TaskPlan:
    """The planner's search for the last end alone; up to MAX_TASKS tasks are planned optimally.

    With ONE_PASS, up to SHORT_SEARCH_TASKS tasks get three starts: a single pass comes near the
    bound only with more tasks.
    """
    levels = np.asarray(bottom_levels(problem.graph, problem.seconds))
    least = lower_bound(problem, float(levels.max(initial=0.0)))
    first = np.zeros(problem.size)
    if problem.waited.any():
        ratios = chain_ratios(problem.graph, problem.weights, problem.durations)
        first = precedence(problem, ratios, "aged")
    context = SearchContext(problem, least, first, makespan_weight=1.0, completion_weight=0.0)
    can_run = least.binding != NO_WORKERS
    try_all = can_run and problem.size <= MAX_TASKS and not problem.running and not first.any()
    if not can_run:
        effort = ONE_PASS
    elif effort == ONE_PASS and problem.size <= SHORT_SEARCH_TASKS:
        effort = SHORT_SEARCH
    elif try_all:
        effort = replace(effort, starts=min(effort.starts, MAX_STARTS))
    best, made = search(context, [lambda factors: -levels * factors], effort)
    if try_all and made > 1:
        best = optimal_placement(problem, levels.tolist(), best)
        least = replace(least, makespan=best.end)
    return TaskPlan(best.start, best.worker, certificate(problem, best, least), made)


class OrderSearch:
    """Depth-first search through all orders in which tasks can start, pruned by the best end.

    Each task in turn starts as early as it can, but not before those already placed. One of
    these orders is optimal, even where an optimal plan leaves a worker idle on purpose. No task
    may run already, and every pool needs a worker.
    """

    def __init__(self, problem: Problem, levels: Sequence[float], best: Placement) -> None:
        first, after = problem.graph.rows
        self.problem, self.levels, self.best = problem, levels, best
        self.waiters = [after[first[task] : first[task + 1]] for task in range(problem.size)]
        self.missing = problem.graph.needs.copy()
        self.start = [0.0] * problem.size
        self.worker = [NO_WORKER] * problem.size
        self.ready_at = [0.0] * problem.size
        self.free_at = [0.0] * len(problem.workers)
        self.seen: set[tuple[object, ...]] = set()
        self.left = sum(problem.seconds)
        whole = all(each.is_integer() for each in problem.seconds)
        # a better end is better by more than this
        self.step = 1.0 - RELATIVE_TOLERANCE if whole else RELATIVE_TOLERANCE

    def extend(self, placed: list[int], end: float) -> None:
        """Try every task that can come after those placed, which all end by `end`."""
        if len(placed) == self.problem.size:
            self.best = Placement(self.start.copy(), self.worker.copy(), end)
            return
        last = self.start[placed[-1]] if placed else 0.0
        if self.was_seen(placed, last):
            return
        for task, slot, start in self.choices(placed, last):
            limit = self.best.end - self.step
            room = sum(limit - max(last, each) for each in self.free_at)
            if self.left <= room and start + self.levels[task] <= limit:
                self.place(placed, task, slot, start, end)

    def was_seen(self, placed: list[int], last: float) -> bool:
        """Whether another order has led to the same free workers and ready tasks."""
        free = sorted(zip(self.problem.workers, self.free_at, strict=True))
        ready = [each for task, each in enumerate(self.ready_at) if self.worker[task] == NO_WORKER]
        state = (frozenset(placed), tuple(free), tuple(ready), last)
        if state in self.seen:
            return True
        self.seen.add(state)
        return False

    def choices(self, placed: list[int], last: float) -> Iterator[tuple[int, int, float]]:
        """(task, worker slot, start) of each task that can come next.

        Of tasks that start together and do not depend on each other only one order is tried.
        """
        before = placed[-1] if placed else NO_WORKER
        for task in range(self.problem.size):
            if self.missing[task] or self.worker[task] != NO_WORKER:
                continue
            slot = self.slot(task)
            start = max(self.ready_at[task], self.free_at[slot])
            same = start == last and task < before and task not in self.waiters[before]
            if start >= last and not same:
                yield task, slot, start

    def slot(self, task: int) -> int:
        """The worker slot that became free last before the task is ready, or is free first."""
        ready, free_at = self.ready_at[task], self.free_at
        pool = self.problem.pool_list[task]
        slots = [slot for slot, each in enumerate(self.problem.workers) if each == pool]
        idle = [slot for slot in slots if free_at[slot] <= ready]
        if idle:
            return max(idle, key=free_at.__getitem__)
        return min(slots, key=free_at.__getitem__)

    def place(self, placed: list[int], task: int, slot: int, start: float, end: float) -> None:
        """Place one task, try all orders of the rest, and undo."""
        seconds, was_free = self.problem.seconds[task], self.free_at[slot]
        ready = [self.ready_at[each] for each in self.waiters[task]]
        self.start[task], self.worker[task] = start, slot
        self.free_at[slot] = start + seconds
        self.left -= seconds
        for each in self.waiters[task]:
            self.missing[each] -= 1
            self.ready_at[each] = max(self.ready_at[each], start + seconds)

        self.extend([*placed, task], max(end, start + seconds))

        for each, was_ready in zip(self.waiters[task], ready, strict=True):
            self.missing[each] += 1
            self.ready_at[each] = was_ready
        self.worker[task], self.free_at[slot] = NO_WORKER, was_free
        self.left += seconds


def optimal_placement(problem: Problem, levels: Sequence[float], best: Placement) -> Placement:
    """A placement with the least makespan; `best` itself if none is shorter."""
    search = OrderSearch(problem, levels, best)
    search.extend([], 0.0)
    return search.best
