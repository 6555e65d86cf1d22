"""Small problems to plan, and their optimum by trying every order."""

import random
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np
from hypothesis import strategies as st

from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Problem


def make_rng(seed):
    return random.Random(seed)  # noqa: S311 -- cases that repeat, no secrets


seconds = st.one_of(st.integers(0, 20).map(float), st.floats(0.01, 20))


@st.composite
def problems(draw, max_tasks=8, pools=1, duration=seconds):
    """Tasks that depend on earlier ones, in up to `pools` pools with at least one worker each."""
    size = draw(st.integers(0, max_tasks))
    needs = [
        sorted(draw(st.sets(st.integers(0, v - 1), max_size=2))) if v else [] for v in range(size)
    ]
    count = draw(st.integers(1, pools))
    workers = list(range(count)) + draw(st.lists(st.integers(0, count - 1), max_size=2))
    lines = draw(st.lists(st.integers(0, count - 1), min_size=size, max_size=size))
    return Problem(
        Graph.from_needs(needs),
        np.array([draw(duration) for _ in range(size)], dtype=np.float64),
        np.array([draw(st.sampled_from([1.0, 2.0, 4.0, 8.0])) for _ in range(size)]),
        workers,
        np.array(lines, dtype=np.int64),
        np.array([draw(st.floats(0, 90_000)) if not needs[v] else 0.0 for v in range(size)]),
    )


@st.composite
def running_problems(draw, max_tasks=8, pools=2):
    """The same with some tasks already running."""
    problem = draw(problems(max_tasks, pools))
    running: dict[int, int] = {}
    for task, missing in enumerate(problem.graph.needs):
        slots = [
            slot
            for slot, pool in enumerate(problem.workers)
            if pool == problem.pools[task] and slot not in running.values()
        ]
        if slots and not missing and draw(st.booleans()):
            running[task] = draw(st.sampled_from(slots))
            problem.waited[task] = 0.0
    return Problem(
        problem.graph,
        problem.durations,
        problem.weights,
        problem.workers,
        problem.pools,
        problem.waited,
        running,
    )


def one_pool(graph: Graph, durations: Any, workers: int, weights: Any = None) -> Problem:
    """Tasks of one pool with so many workers; equal weights unless given."""
    return Problem(
        graph,
        np.asarray(durations, dtype=np.float64),
        np.ones(graph.size) if weights is None else np.asarray(weights, dtype=np.float64),
        [0] * workers,
        np.zeros(graph.size, dtype=np.int64),
        np.zeros(graph.size),
    )


def needs_of(problem):
    first, after = problem.graph.rows
    needs: list[list[int]] = [[] for _ in range(problem.size)]
    for task in range(problem.size):
        for each in after[first[task] : first[task + 1]]:
            needs[each].append(task)
    return needs


def check_feasible(problem, start, worker):
    """No overlap, no start before the dependencies ended, and each task in its pool."""
    end = [begin + took for begin, took in zip(start, problem.seconds, strict=True)]
    for task, needed in enumerate(needs_of(problem)):
        assert problem.workers[worker[task]] == problem.pools[task]
        assert start[task] >= -1e-9
        assert all(end[each] <= start[task] + 1e-9 for each in needed)
    for slot in range(len(problem.workers)):
        spans = sorted((start[v], end[v]) for v in range(problem.size) if worker[v] == slot)
        assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(spans))


def optimal_makespan(problem, *, weighted_completion=False):
    """The least makespan, or sum of weight x end, of one pool: every order tried.

    Each task in turn starts as early as it can (a serial schedule), which includes an optimum.
    """
    needs, took, least = needs_of(problem), problem.seconds, inf

    def extend(ends, free, cost):
        nonlocal least
        if cost >= least:
            return
        if len(ends) == problem.size:
            least = cost
            return
        for task in range(problem.size):
            if task in ends or any(each not in ends for each in needs[task]):
                continue
            ready = max((ends[each] for each in needs[task]), default=0.0)
            slot = max((each for each in free if each <= ready), default=min(free))
            end = max(slot, ready) + took[task]
            left = list(free)
            left.remove(slot)
            added = cost + problem.weights[task] * end if weighted_completion else max(cost, end)
            extend({**ends, task: end}, [*left, end], added)

    extend({}, [0.0] * len(problem.workers), 0.0)
    return least
