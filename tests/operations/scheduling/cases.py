"""Small problems to plan, and the best there is for them by trying everything."""

import random
from itertools import pairwise
from math import inf

import numpy as np
from hypothesis import strategies as st

from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Problem


def dice(seed):
    return random.Random(seed)  # noqa: S311 -- cases that repeat, no secrets


seconds = st.one_of(st.integers(0, 20).map(float), st.floats(0.01, 20))


@st.composite
def works(draw, most=8, pools=1, duration=seconds):
    """Tasks that wait for earlier ones, in up to `pools` pools with a worker each at least."""
    size = draw(st.integers(0, most))
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
def begun(draw, most=8, pools=2):
    """The same with some tasks running already."""
    work = draw(works(most, pools))
    running: dict[int, int] = {}
    for task, missing in enumerate(work.graph.needs):
        hands = [
            hand
            for hand, pool in enumerate(work.workers)
            if pool == work.pools[task] and hand not in running.values()
        ]
        if hands and not missing and draw(st.booleans()):
            running[task] = draw(st.sampled_from(hands))
            work.waited[task] = 0.0
    return Problem(
        work.graph, work.durations, work.weights, work.workers, work.pools, work.waited, running
    )


def needs_of(work):
    first, after = work.graph.rows
    needs: list[list[int]] = [[] for _ in range(work.size)]
    for task in range(work.size):
        for each in after[first[task] : first[task + 1]]:
            needs[each].append(task)
    return needs


def check_feasible(work, start, worker):
    """Nothing overlaps, nothing begins before what it needs, everyone keeps to their pool."""
    end = [begin + took for begin, took in zip(start, work.seconds, strict=True)]
    for task, needed in enumerate(needs_of(work)):
        assert work.workers[worker[task]] == work.pools[task]
        assert start[task] >= -1e-9
        assert all(end[each] <= start[task] + 1e-9 for each in needed)
    for hand in range(len(work.workers)):
        spans = sorted((start[v], end[v]) for v in range(work.size) if worker[v] == hand)
        assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(spans))


def best(work, *, flow=False):
    """The least makespan, or sum of weight x end, of one pool: every order tried.

    Each task in turn starts as early as it can (a serial schedule), which misses no optimum.
    """
    needs, took, least = needs_of(work), work.seconds, inf

    def extend(ends, free, cost):
        nonlocal least
        if cost >= least:
            return
        if len(ends) == work.size:
            least = cost
            return
        for task in range(work.size):
            if task in ends or any(each not in ends for each in needs[task]):
                continue
            ready = max((ends[each] for each in needs[task]), default=0.0)
            hand = max((each for each in free if each <= ready), default=min(free))
            end = max(hand, ready) + took[task]
            left = list(free)
            left.remove(hand)
            added = cost + work.weights[task] * end if flow else max(cost, end)
            extend({**ends, task: end}, [*left, end], added)

    extend({}, [0.0] * len(work.workers), 0.0)
    return least
