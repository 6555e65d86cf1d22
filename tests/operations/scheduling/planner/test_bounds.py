import numpy as np
import pytest
from hypothesis import given, settings

from operations.scheduling.planner.bounds import (
    certificate,
    lower_bound,
    pool_completion_bound,
    relative_excess,
    smith_ratios,
    weighted_completion,
)
from operations.scheduling.planner.graph import Graph, bottom_levels
from operations.scheduling.planner.placement import Placement, Problem, list_schedule
from tests.operations.scheduling.cases import one_pool, optimal_makespan, problems


def least(problem):
    return lower_bound(problem, max(bottom_levels(problem.graph, problem.seconds), default=0.0))


@settings(deadline=None)
@given(problems(max_tasks=6))
def test_no_order_of_work_beats_the_bounds(problem):
    found = least(problem)
    assert optimal_makespan(problem) >= found.makespan - 1e-6
    assert optimal_makespan(problem, weighted_completion=True) >= found.weighted_completion - 1e-6


def test_the_longest_chain_binds():
    found = least(one_pool(Graph.from_needs([[], [0], []]), [5, 6, 1], 2))
    assert (found.makespan, found.binding) == (11, "critical_path")


def test_the_work_a_worker_binds_and_whole_seconds_round_up():
    problem = one_pool(Graph.from_needs([[], [], []]), [5, 5, 5], 2)
    assert (least(problem).makespan, least(problem).binding) == (8, "work")
    problem = one_pool(Graph.from_needs([[], [], []]), [5, 5, 5.5], 2)
    assert least(problem).makespan == pytest.approx(7.75)


def test_the_fullest_pool_binds():
    graph = Graph.from_needs([[], [], []])
    problem = Problem(
        graph,
        np.array([5.0, 9, 9]),
        np.ones(3),
        [0, 0, 1],
        np.array([0, 1, 1]),
        np.zeros(3),
        pool_names=("a", "b"),
    )
    assert (least(problem).makespan, least(problem).binding) == (18, "pool:b")


def test_a_pool_without_workers_has_no_bound():
    problem = one_pool(Graph.from_needs([[]]), [5], 0)
    found = least(problem)
    assert found.binding == "no_workers"
    proof = certificate(problem, list_schedule(problem, np.arange(1)), found)
    assert (proof.makespan, proof.lower_bound, proof.gap) == (None, None, None)


def test_eastman_even_and_isaacs_by_hand():
    problem = one_pool(Graph.from_needs([[], []]), [2, 4], 2, [1, 1])
    alone = 2 + 6  # shortest first on one machine
    assert pool_completion_bound(problem, 0, 2) == alone / 2 + (2 - 1) / (2 * 2) * 6


def test_what_takes_no_time_is_the_most_urgent():
    assert smith_ratios(np.array([1.0, 8.0]), np.array([0.0, 2.0])).tolist() == [np.inf, 4]


def test_a_certificate_tells_how_far_a_plan_is_from_the_bound():
    problem = one_pool(Graph.from_needs([[], [], []]), [3, 3, 2], 2, [1, 2, 4])
    poor = Placement([0, 3, 0], [0, 0, 1], 6)
    proof = certificate(problem, poor, least(problem))
    assert (proof.makespan, proof.lower_bound, proof.binding) == (6, 4, "work")
    assert proof.gap == 0.5
    assert proof.weighted_completion == weighted_completion(problem, poor) == 3 + 12 + 8


def test_rounding_is_no_gap_and_nothing_to_do_is_optimal():
    assert relative_excess(0.1 + 0.2, 0.3) == 0
    assert relative_excess(0, 0) == 0
