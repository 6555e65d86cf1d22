"""The dependency graph of tasks: a topological order, and the cycles that prevent one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

Node = TypeVar("Node", int, str)
MAX_LISTED = 5  # faults in the text of an error; its attribute holds all


class CyclicDependency(ValueError):
    """Tasks depend on each other in a cycle; `cycles` holds one for each connected part."""

    def __init__(self, cycles: Sequence[Sequence[int]] | Sequence[Sequence[str]]) -> None:
        self.cycles: list[list[int | str]] = [list(each) for each in cycles]
        texts = [" -> ".join(map(str, [*each, each[0]])) for each in self.cycles[:MAX_LISTED]]
        shown = "; ".join(f"cycle: {text}" for text in texts)
        super().__init__(shown + more_text(len(cycles)))


class UnknownDependency(ValueError):
    """A dependency does not exist; `missing` lists (task, dependency)."""

    def __init__(self, missing: Sequence[tuple[str, str]]) -> None:
        self.missing = list(missing)
        shown = "; ".join(f"{a} depends on {b}, which is unknown" for a, b in missing[:MAX_LISTED])
        super().__init__(shown + more_text(len(missing)))


def more_text(count: int) -> str:
    """How many faults an error's text leaves out."""
    return f"; and {count - MAX_LISTED} more" if count > MAX_LISTED else ""


@dataclass(frozen=True, eq=False)
class Graph:
    """Tasks 0..size-1; `after[first[u]:first[u + 1]]` depend on task u."""

    size: int
    first: IntArray  # (size + 1,)
    after: IntArray  # (edges,)

    @classmethod
    def of(cls, size: int, before: IntArray, after: IntArray) -> "Graph":
        """The graph of the edges before[k] -> after[k], in any order; repeated edges are fine."""
        first = np.zeros(size + 1, dtype=np.int64)
        np.cumsum(np.bincount(before, minlength=size), out=first[1:])
        return cls(size, first, after[np.argsort(before, kind="stable")])

    @classmethod
    def from_needs(cls, needs: Sequence[Collection[int]]) -> "Graph":
        """The graph in which task k depends on the tasks needs[k]."""
        size = len(needs)
        counts = np.fromiter(map(len, needs), dtype=np.int64, count=size)
        before = np.fromiter(chain.from_iterable(needs), np.int64, count=int(counts.sum()))
        return cls.of(size, before, np.repeat(np.arange(size), counts))

    @cached_property
    def needs(self) -> list[int]:
        """How many dependencies each task has."""
        counts: list[int] = np.bincount(self.after, minlength=self.size).tolist()
        return counts

    @cached_property
    def rows(self) -> tuple[list[int], list[int]]:
        """`first` and `after` as lists: loops read those several times faster than arrays."""
        return self.first.tolist(), self.after.tolist()

    @cached_property
    def reverse(self) -> "Graph":
        """The same tasks with every edge reversed."""
        before = np.repeat(np.arange(self.size), np.diff(self.first))
        return Graph.of(self.size, self.after, before)

    @cached_property
    def order(self) -> list[int]:
        """A topological order (Kahn, 1962). Raises CyclicDependency."""
        first, after = self.rows
        missing = self.needs.copy()
        order = [task for task, count in enumerate(missing) if not count]
        for task in order:  # grows while it is read
            for each in after[first[task] : first[task + 1]]:
                missing[each] -= 1
                if not missing[each]:
                    order.append(each)
        if len(order) < self.size:
            raise CyclicDependency(cycles(self))
        return order


def number_tasks(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], Graph]:
    """The names in the order given, and their graph by number. Raises UnknownDependency."""
    names = list(needs)
    number = {name: place for place, name in enumerate(names)}
    listed = {name: list(dict.fromkeys(each)) for name, each in needs.items()}
    missing = [(name, each) for name, row in listed.items() for each in row if each not in number]
    if missing:
        raise UnknownDependency(missing)
    return names, Graph.from_needs([[number[each] for each in row] for row in listed.values()])


def topological_order(names: Sequence[str], graph: Graph) -> list[str]:
    """The names, each after its dependencies. Raises CyclicDependency with the names."""
    try:
        return [names[task] for task in graph.order]
    except CyclicDependency as error:
        named = [[names[int(task)] for task in each] for each in error.cycles]
        raise CyclicDependency(named) from error


def cycles(graph: Graph) -> list[list[int]]:
    """One shortest cycle through the smallest task of each strongly connected component.

    Each lists its tasks in the order of the work, without repeating the first. Components are
    found by scipy (Pearce, 2005), which does not recurse; linear in tasks and edges.
    """
    # half a second of imports, which only a cycle needs
    from scipy.sparse import csr_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    links = csr_array(
        (np.ones(graph.after.size, np.int8), graph.after, graph.first), (graph.size, graph.size)
    )
    _, part = connected_components(links, directed=True, connection="strong")
    sources = np.repeat(np.arange(graph.size), np.diff(graph.first))
    inside = part[sources] == part[graph.after]
    if not inside.any():
        return []
    # an edge within a component means a cycle; a component of one task has a self-loop
    inner = Graph.of(graph.size, sources[inside], graph.after[inside])
    _, smallest = np.unique(part[sources[inside]], return_index=True)
    starts = sorted(sources[inside][smallest].tolist())
    return [shortest_cycle_through(inner, start) for start in starts]


def shortest_cycle_through(graph: Graph, start: int) -> list[int]:
    """A shortest cycle through `start`, by breadth-first search. Raises ValueError if none."""
    first, after = graph.rows
    previous = {start: start}
    queue = [start]
    for task in queue:  # grows while it is read
        for each in after[first[task] : first[task + 1]]:
            if each == start:
                return trace_path(previous, start, task)
            if each not in previous:
                previous[each] = task
                queue.append(each)
    raise ValueError(f"task {start} is on no cycle")


def trace_path(previous: Mapping[Node, Node], start: Node, end: Node) -> list[Node]:
    """The path from `start` to `end`, where `previous` holds each node's predecessor."""
    path = [end]
    while path[-1] != start:
        path.append(previous[path[-1]])
    return path[::-1]


def bottom_levels(graph: Graph, durations: Sequence[float]) -> list[float]:
    """Seconds from the start of each task to the end of the longest chain that it begins."""
    first, after = graph.rows
    level = list(durations)
    for task in reversed(graph.order):
        longest = 0.0
        for each in after[first[task] : first[task + 1]]:
            longest = max(longest, level[each])
        level[task] += longest
    return level
