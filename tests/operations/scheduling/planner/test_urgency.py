from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.urgency import (
    AGEING_SECONDS,
    chain_ratios,
    inherited_weights,
    queue_key,
    weight,
)


def test_each_priority_weighs_twice_the_one_below():
    assert [weight(each) for each in (1, 2, 3, 4)] == [1, 2, 4, 8]


@pytest.mark.parametrize(("duration", "expected"), [(0, 8), (1, 8), (4, 2), (1e9, 8 / 86_400)])
def test_durations_are_clamped_to_a_second_and_a_day(duration, expected):
    alone = Graph.from_needs([[]])
    assert chain_ratios(alone, np.array([8.0]), np.array([float(duration)]))[0] == expected


def test_an_hour_of_waiting_doubles_a_score():
    assert queue_key(0.0, 1.0) == queue_key(AGEING_SECONDS, 2.0)


@given(st.floats(1e-5, 8), st.floats(1e-5, 8), st.floats(0, 1e6), st.floats(1e-3, 1e6))
def test_nothing_overtakes_what_waited_past_its_bound(slow, fast, ready_at, beyond):
    highest = max(slow, fast)
    bound = AGEING_SECONDS * log2(highest / slow)
    later = ready_at + bound + beyond
    assert queue_key(ready_at, slow) < queue_key(later, fast) + 1e-9


def test_work_that_frees_urgent_work_inherits_its_urgency():
    graph = Graph.from_needs([[], [0], []])
    found = chain_ratios(graph, np.array([1.0, 8.0, 1.0]), np.array([10.0, 10.0, 10.0]))
    assert found == pytest.approx([9 / 20, 8 / 10, 1 / 10])


def test_a_chain_stops_where_going_on_would_not_pay():
    graph = Graph.from_needs([[], [0], [1]])
    found = chain_ratios(graph, np.array([1.0, 8.0, 1.0]), np.array([10.0, 10.0, 100.0]))
    assert found == pytest.approx([9 / 20, 8 / 10, 1 / 100])


def test_independent_tasks_have_their_own_ratio():
    found = chain_ratios(Graph.from_needs([[], []]), np.array([1.0, 2.0]), np.array([4.0, 4.0]))
    assert found.tolist() == [0.25, 0.5]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 99), st.integers(0, 9)), max_size=12))
def test_no_chain_is_less_urgent_than_its_first_task_or_more_than_the_best(rows):
    needs = [[v - 1 - back] if v - 1 - back >= 0 else [] for v, (_, _, back) in enumerate(rows)]
    weights = np.array([weight(priority) for priority, _, _ in rows])
    durations = np.array([float(duration) for _, duration, _ in rows])
    own = weights / np.maximum(durations, 1)
    found = chain_ratios(Graph.from_needs(needs), weights, durations)
    assert np.all(found >= own - 1e-12)
    assert np.all(found <= own.max(initial=0) + 1e-12)


def test_the_highest_class_is_inherited_from_however_far_off():
    graph = Graph.from_needs([[], [0], [1], []])
    assert inherited_weights(graph, [1, 2, 8, 4]) == [8, 8, 8, 4]
