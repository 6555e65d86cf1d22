"""Which task waits for which: the order that allows, and the cycles that allow none."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

Node = TypeVar("Node", int, str)
SHOWN = 5  # faults an error's text names; its attribute holds all


class Cyclic(ValueError):
    """Tasks wait for each other in a ring; `cycles` holds one ring of each tangle."""

    def __init__(self, cycles: Sequence[Sequence[int]] | Sequence[Sequence[str]]) -> None:
        self.cycles: list[list[int | str]] = [list(each) for each in cycles]
        shown = "; ".join(f"cycle: {ring(each)}" for each in self.cycles[:SHOWN])
        more = len(self.cycles) - SHOWN
        super().__init__(shown + (f"; and {more} more" if more > 0 else ""))


class UnknownDependency(ValueError):
    """A task waits for one that is nowhere; `missing` lists (task, dependency)."""

    def __init__(self, missing: Sequence[tuple[str, str]]) -> None:
        self.missing = list(missing)
        shown = "; ".join(f"{a} depends on {b}, which is unknown" for a, b in missing[:SHOWN])
        more = len(missing) - SHOWN
        super().__init__(shown + (f"; and {more} more" if more > 0 else ""))


@dataclass(frozen=True, eq=False)
class Graph:
    """Tasks 0..size-1; `after[first[u]:first[u + 1]]` wait for task u."""

    size: int
    first: Whole  # (size + 1,)
    after: Whole  # (edges,)

    @classmethod
    def of(cls, size: int, before: Whole, after: Whole) -> "Graph":
        """The edges before[k] -> after[k], in any order; a repeated edge does no harm."""
        first = np.zeros(size + 1, dtype=np.int64)
        np.cumsum(np.bincount(before, minlength=size), out=first[1:])
        return cls(size, first, after[np.argsort(before, kind="stable")])

    @classmethod
    def from_needs(cls, needs: Sequence[Collection[int]]) -> "Graph":
        """From what each task needs done first, by number."""
        size = len(needs)
        counts = np.fromiter(map(len, needs), dtype=np.int64, count=size)
        before = np.fromiter(chain.from_iterable(needs), np.int64, count=int(counts.sum()))
        return cls.of(size, before, np.repeat(np.arange(size), counts))

    @cached_property
    def needs(self) -> list[int]:
        """How many tasks each one waits for."""
        counts: list[int] = np.bincount(self.after, minlength=self.size).tolist()
        return counts

    @cached_property
    def rows(self) -> tuple[list[int], list[int]]:
        """`first` and `after` as lists: loops read those several times faster than arrays."""
        return self.first.tolist(), self.after.tolist()

    @cached_property
    def reverse(self) -> "Graph":
        """The same tasks with every edge turned round."""
        before = np.repeat(np.arange(self.size), np.diff(self.first))
        return Graph.of(self.size, self.after, before)

    @cached_property
    def order(self) -> list[int]:
        """Every task after all it needs (Kahn, 1962); raises Cyclic where that cannot be."""
        first, after = self.rows
        missing = self.needs.copy()
        order = [task for task, count in enumerate(missing) if not count]
        for task in order:  # grows while it is read
            for each in after[first[task] : first[task + 1]]:
                missing[each] -= 1
                if not missing[each]:
                    order.append(each)
        if len(order) < self.size:
            raise Cyclic(cycles(self))
        return order


def numbered(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], Graph]:
    """Number named tasks in the order given; every dependency must be among them."""
    names = list(needs)
    number = {name: place for place, name in enumerate(names)}
    listed = {name: list(dict.fromkeys(each)) for name, each in needs.items()}
    missing = [(name, each) for name, row in listed.items() for each in row if each not in number]
    if missing:
        raise UnknownDependency(missing)
    return names, Graph.from_needs([[number[each] for each in row] for row in listed.values()])


def sequence(names: Sequence[str], graph: Graph) -> list[str]:
    """The names, each after all it needs; raises Cyclic, naming the tasks."""
    try:
        return [names[task] for task in graph.order]
    except Cyclic as error:
        named = [[names[int(task)] for task in each] for each in error.cycles]
        raise Cyclic(named) from error


def cycles(graph: Graph) -> list[list[int]]:
    """One shortest cycle through the smallest task of each strongly connected part.

    Each names its tasks in the order of the work, without repeating the first. Parts are found
    by scipy (Pearce, 2005), which does not recurse; linear in tasks and edges.
    """
    links = csr_array(
        (np.ones(graph.after.size, np.int8), graph.after, graph.first), (graph.size, graph.size)
    )
    _, part = connected_components(links, directed=True, connection="strong")
    sources = np.repeat(np.arange(graph.size), np.diff(graph.first))
    inside = part[sources] == part[graph.after]
    if not inside.any():
        return []
    # an edge inside a part means a cycle there: a part of one task has it as a self-loop
    inner = Graph.of(graph.size, sources[inside], graph.after[inside])
    _, smallest = np.unique(part[sources[inside]], return_index=True)
    return [round_trip(inner, start) for start in sorted(sources[inside][smallest].tolist())]


def round_trip(graph: Graph, start: int) -> list[int]:
    """A shortest way from `start` back to itself, which must exist; breadth first."""
    first, after = graph.rows
    came = {start: start}
    line = [start]
    for task in line:
        for each in after[first[task] : first[task + 1]]:
            if each == start:
                return path(came, start, task)
            if each not in came:
                came[each] = task
                line.append(each)
    raise ValueError(f"task {start} is on no cycle")


def path(came: Mapping[Node, Node], start: Node, end: Node) -> list[Node]:
    """The way that `came` remembers, from `start` to `end`."""
    way = [end]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]


def ring(cycle: Sequence[int | str]) -> str:
    """A cycle for a person: `a -> b -> a`."""
    return " -> ".join(str(each) for each in [*cycle, cycle[0]])


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
