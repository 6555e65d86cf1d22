"""List scheduling (Graham, 1966): a free worker starts the first waiting task of the order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush

import numpy as np

from operations.scheduling.planner.graph import FloatArray, Graph, IntArray

NO_WORKER = -1
NEVER = math.inf


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be planned: tasks 0..n-1, and worker slots, each in one pool."""

    graph: Graph
    durations: FloatArray  # seconds: what remains, for a running task
    weights: FloatArray
    workers: Sequence[int]  # the pool of each worker slot
    pools: IntArray  # of the tasks
    waited: FloatArray  # seconds that each task has been ready
    running: Mapping[int, int] = field(default_factory=dict)  # the slot of each running task
    pool_names: Sequence[str] = ()

    @cached_property
    def seconds(self) -> list[float]:
        """`durations` as a list, for loops."""
        seconds: list[float] = self.durations.tolist()
        return seconds

    @cached_property
    def pool_list(self) -> list[int]:
        """`pools` as a list, for loops."""
        pools: list[int] = self.pools.tolist()
        return pools

    @property
    def size(self) -> int:
        return self.graph.size

    @cached_property
    def pool_count(self) -> int:
        """One more than the highest pool of a task or worker."""
        return 1 + max(max(self.workers, default=0), int(self.pools.max(initial=0)))

    def pool_name(self, pool: int) -> str:
        """The name of a pool, or its number where it has none."""
        return self.pool_names[pool] if self.pool_names else str(pool)

    @cached_property
    def backwards(self) -> "Problem":
        """The problem in reversed time; running tasks come last, on any worker."""
        return Problem(
            self.graph.reverse, self.durations, self.weights, self.workers, self.pools, self.waited
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """Starts in seconds from now, and worker slots; NEVER and NO_WORKER if none can take it."""

    start: list[float]
    worker: list[int]
    end: float


def list_schedule(problem: Problem, order: IntArray) -> Placement:
    """Place all tasks; `order` lists them, the first to be started first.

    A task waits only for its dependencies and a worker of its pool. Everything that ends at one
    moment is released before the next task starts. O((tasks + edges) log tasks).
    """
    seconds, pools = problem.seconds, problem.pool_list
    first, after = problem.graph.rows
    missing = problem.graph.needs.copy()
    task_at, rank = order.tolist(), ranks(order)
    queues, idle = ready_queues(problem, rank), idle_slots(problem)
    start, worker, task_of, events = initial_state(problem)
    now, touched = 0.0, list(range(problem.pool_count))
    while True:
        for pool in touched:
            queue, slots = queues[pool], idle[pool]
            while queue and slots:
                task, slot = task_at[heappop(queue)], heappop(slots)
                start[task], worker[task], task_of[slot] = now, slot, task
                heappush(events, (now + seconds[task], slot))
        if not events:
            return Placement(start, worker, now)
        now, touched = events[0][0], []
        while events and events[0][0] == now:
            slot = heappop(events)[1]
            touched.append(problem.workers[slot])
            heappush(idle[touched[-1]], slot)
            task = task_of[slot]
            for each in after[first[task] : first[task + 1]]:
                missing[each] -= 1
                if not missing[each]:
                    touched.append(pools[each])
                    heappush(queues[pools[each]], rank[each])


def initial_state(
    problem: Problem,
) -> tuple[list[float], list[int], list[int], list[tuple[float, int]]]:
    """Starts, workers, the task of each slot, and a heap of (end, slot), before any placing."""
    start, worker = [NEVER] * problem.size, [NO_WORKER] * problem.size
    task_of = [NO_WORKER] * len(problem.workers)
    events = []
    for task, slot in problem.running.items():
        start[task], worker[task], task_of[slot] = 0.0, slot, task
        events.append((problem.seconds[task], slot))
    heapify(events)
    return start, worker, task_of, events


def ranks(order: IntArray) -> list[int]:
    """The position of each task in `order`."""
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    positions: list[int] = rank.tolist()
    return positions


def ready_queues(problem: Problem, rank: Sequence[int]) -> list[list[int]]:
    """A heap for each pool: the ranks of tasks that are ready and not running."""
    queues: list[list[int]] = [[] for _ in range(problem.pool_count)]
    for task, count in enumerate(problem.graph.needs):
        if not count and task not in problem.running:
            queues[problem.pool_list[task]].append(rank[task])
    for queue in queues:
        heapify(queue)
    return queues


def idle_slots(problem: Problem) -> list[list[int]]:
    """A heap for each pool: its worker slots without a running task."""
    busy = set(problem.running.values())
    idle: list[list[int]] = [[] for _ in range(problem.pool_count)]
    for slot, pool in enumerate(problem.workers):
        if slot not in busy:
            idle[pool].append(slot)  # ascending, so it is a heap
    return idle
