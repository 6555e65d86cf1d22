"""List scheduling (Graham, 1966): whenever a worker is free, it takes the first task in line."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush

import numpy as np

from operations.scheduling.planner.graph import Floats, Graph, Whole

NOBODY = -1
NEVER = math.inf


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be placed: tasks 0..n-1, and workers, each in one pool.

    `durations` are seconds (what remains, for a running task), `pools` the pool each task waits
    for, `workers` the pool of each worker, `running` the worker that each begun task keeps, and
    `waited` the seconds that each task has been ready.
    """

    graph: Graph
    durations: Floats
    weights: Floats
    workers: Sequence[int]
    pools: Whole
    waited: Floats
    running: Mapping[int, int] = field(default_factory=dict)
    pool_names: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        graph: Graph,
        durations: Sequence[float] | Floats,
        workers: int,
        weights: Sequence[float] | Floats | None = None,
    ) -> "Work":
        """Tasks that all wait for one pool of so many workers; equal weights unless given."""
        size = graph.size
        return cls(
            graph,
            np.asarray(durations, dtype=np.float64),
            np.ones(size) if weights is None else np.asarray(weights, dtype=np.float64),
            [0] * workers,
            np.zeros(size, dtype=np.int64),
            np.zeros(size),
        )

    @cached_property
    def seconds(self) -> list[float]:
        """`durations` as a list, for loops."""
        seconds: list[float] = self.durations.tolist()
        return seconds

    @cached_property
    def lines(self) -> list[int]:
        """`pools` as a list, for loops."""
        lines: list[int] = self.pools.tolist()
        return lines

    @property
    def size(self) -> int:
        return self.graph.size

    @cached_property
    def pool_count(self) -> int:
        """One more than the highest pool that a task or worker names."""
        return 1 + max(max(self.workers, default=0), int(self.pools.max(initial=0)))

    def pool_name(self, pool: int) -> str:
        """What a person calls a pool; its number where nobody named it."""
        return self.pool_names[pool] if self.pool_names else str(pool)

    @cached_property
    def backwards(self) -> "Work":
        """The same with time running the other way; what runs now comes last, on any worker."""
        return Work(
            self.graph.reverse, self.durations, self.weights, self.workers, self.pools, self.waited
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """When each task starts, in seconds from now, and on which worker.

    A task that no worker can ever take has start NEVER and worker NOBODY.
    """

    start: list[float]
    worker: list[int]
    end: float


def placed(work: Work, line: Whole) -> Placement:
    """Place all tasks; `line` names them, the first to be taken first.

    A task waits only for its own pool and for what it needs. At each moment everything that ends
    is released before anybody takes the next task. O((tasks + edges) log tasks).
    """
    seconds, lines = work.seconds, work.lines
    first, after = work.graph.rows
    missing = work.graph.needs.copy()
    turn, rank = line.tolist(), ranks(line)
    queues, idle = waiting(work, rank), free(work)
    start, worker, holds, events = begun(work)
    now, touched = 0.0, list(range(work.pool_count))
    while True:
        for pool in touched:
            queue, hands = queues[pool], idle[pool]
            while queue and hands:
                task, hand = turn[heappop(queue)], heappop(hands)
                start[task], worker[task], holds[hand] = now, hand, task
                heappush(events, (now + seconds[task], hand))
        if not events:
            return Placement(start, worker, now)
        now, touched = events[0][0], []
        while events and events[0][0] == now:
            hand = heappop(events)[1]
            touched.append(work.workers[hand])
            heappush(idle[touched[-1]], hand)
            task = holds[hand]
            for each in after[first[task] : first[task + 1]]:
                missing[each] -= 1
                if not missing[each]:
                    touched.append(lines[each])
                    heappush(queues[lines[each]], rank[each])


def begun(work: Work) -> tuple[list[float], list[int], list[int], list[tuple[float, int]]]:
    """Starts and workers as they stand, what each worker holds, and a heap of (end, worker)."""
    start, worker = [NEVER] * work.size, [NOBODY] * work.size
    holds = [NOBODY] * len(work.workers)
    events = []
    for task, hand in work.running.items():
        start[task], worker[task], holds[hand] = 0.0, hand, task
        events.append((work.seconds[task], hand))
    heapify(events)
    return start, worker, holds, events


def ranks(line: Whole) -> list[int]:
    """The place of each task in `line`."""
    rank = np.empty(line.size, dtype=np.int64)
    rank[line] = np.arange(line.size)
    places: list[int] = rank.tolist()
    return places


def waiting(work: Work, rank: Sequence[int]) -> list[list[int]]:
    """A heap for each pool: the ranks of tasks that need nothing and do not run yet."""
    queues: list[list[int]] = [[] for _ in range(work.pool_count)]
    for task, count in enumerate(work.graph.needs):
        if not count and task not in work.running:
            queues[work.lines[task]].append(rank[task])
    for queue in queues:
        heapify(queue)
    return queues


def free(work: Work) -> list[list[int]]:
    """A heap for each pool: its workers that hold nothing now."""
    busy = set(work.running.values())
    idle: list[list[int]] = [[] for _ in range(work.pool_count)]
    for hand, pool in enumerate(work.workers):
        if hand not in busy:
            idle[pool].append(hand)  # ascending: a heap already
    return idle
