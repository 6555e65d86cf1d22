from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.scheduling.planner.graph import (
    CyclicDependency,
    Graph,
    UnknownDependency,
    bottom_levels,
    cycles,
    number_tasks,
    shortest_cycle_through,
    topological_order,
)
from tests.operations.scheduling.cases import make_rng


def random_needs(rng, size, edges):
    needs: list[list[int]] = [[] for _ in range(size)]
    for _ in range(edges):
        needs[rng.randrange(size)].append(rng.randrange(size))
    return needs


def reachable(needs):
    """reach[u] holds every task that u leads to, by one edge or more; naive."""
    size = len(needs)
    reach = [{v for v in range(size) if u in needs[v]} for u in range(size)]
    for _ in range(size):
        for each in reach:
            each.update(*(reach[v] for v in list(each)))
    return reach


def shortest_round(needs, start):
    size = len(needs)
    line, far = deque([(start, 0)]), {}
    while line:
        task, steps = line.popleft()
        for each in range(size):
            if task in needs[each] and each not in far:
                far[each] = steps + 1
                line.append((each, steps + 1))
    return far[start]


def test_ten_thousand_random_graphs_agree_with_a_naive_cycle_test():
    rng = make_rng(0)
    for _ in range(10_000):
        needs = random_needs(rng, rng.randint(1, 7), rng.randint(0, 9))
        reach = reachable(needs)
        parts = {
            min(v for v in reach[u] if u in reach[v]) for u in range(len(needs)) if u in reach[u]
        }
        found = cycles(Graph.from_needs(needs))
        assert [each[0] for each in found] == sorted(parts)
        for cycle in found:
            assert len(set(cycle)) == len(cycle) == shortest_round(needs, cycle[0])
            assert all(a in needs[b] for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True))


@given(st.lists(st.sets(st.integers(0, 30), max_size=4), max_size=30))
def test_every_task_comes_after_all_it_needs(drawn):
    needs = [sorted(v for v in each if v < place) for place, each in enumerate(drawn)]
    place = {task: k for k, task in enumerate(Graph.from_needs(needs).order)}
    assert sorted(place) == list(range(len(needs)))
    assert all(place[u] < place[v] for v, each in enumerate(needs) for u in each)


def test_a_cycle_has_no_order_and_is_named():
    graph = Graph.from_needs([[2], [0], [1], []])
    with pytest.raises(CyclicDependency, match="cycle: 0 -> 1 -> 2 -> 0") as caught:
        _ = graph.order
    assert caught.value.cycles == [[0, 1, 2]]


def test_a_chain_of_a_hundred_thousand_tasks_does_not_recurse():
    size = 100_000
    chain = Graph.from_needs([[v - 1] if v else [] for v in range(size)])
    assert chain.order == list(range(size))
    assert bottom_levels(chain, [1.0] * size)[0] == size
    ring = Graph.from_needs([[(v - 1) % size] for v in range(size)])
    assert len(cycles(ring)[0]) == size


def test_the_text_names_five_cycles_and_counts_the_rest():
    size = 14
    needs = [[v + 1] if v % 2 == 0 else [v - 1] for v in range(size)]
    with pytest.raises(
        CyclicDependency, match=r"0 -> 1 -> 0; .*8 -> 9 -> 8; and 2 more$"
    ) as caught:
        _ = Graph.from_needs(needs).order
    assert len(caught.value.cycles) == 7


def test_a_repeated_edge_does_no_harm():
    graph = Graph.of(2, np.array([0, 0]), np.array([1, 1]))
    assert graph.order == [0, 1]
    assert cycles(graph) == []


def test_the_reverse_of_the_reverse_is_the_graph():
    graph = Graph.from_needs([[], [0], [0, 1]])
    again = graph.reverse.reverse
    assert again.first.tolist() == graph.first.tolist()
    assert again.after.tolist() == graph.after.tolist()


def test_bottom_levels_add_up_the_longest_chain():
    graph = Graph.from_needs([[], [0], [0], [1, 2]])
    assert bottom_levels(graph, [1, 10, 2, 5]) == [16, 15, 7, 5]


def test_no_tasks_are_in_order():
    assert Graph.from_needs([]).order == []
    assert cycles(Graph.from_needs([])) == []


def test_names_are_numbered_in_the_order_given_whatever_they_need():
    names, graph = number_tasks({"b": ["a", "a"], "a": []})
    assert names == ["b", "a"]
    assert topological_order(names, graph) == ["a", "b"]


def test_the_error_names_the_tasks_of_a_cycle():
    names, graph = number_tasks({"a": ["b"], "b": ["a"]})
    with pytest.raises(CyclicDependency, match="cycle: a -> b -> a"):
        topological_order(names, graph)


def test_the_error_names_every_unknown_dependency():
    with pytest.raises(UnknownDependency, match="a depends on x, which is unknown") as caught:
        number_tasks({"a": ["x"], "b": ["a", "y"]})
    assert caught.value.missing == [("a", "x"), ("b", "y")]
    with pytest.raises(UnknownDependency, match="and 2 more"):
        number_tasks({"a": list("tuvwxyz")})


def test_a_round_trip_needs_a_cycle():
    with pytest.raises(ValueError, match="task 0 is on no cycle"):
        shortest_cycle_through(Graph.from_needs([[], [0]]), 0)
