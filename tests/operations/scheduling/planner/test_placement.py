import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import NEVER, NO_WORKER, Problem, list_schedule
from tests.operations.scheduling.cases import check_feasible, one_pool, running_problems


@given(running_problems(max_tasks=12, pools=3), st.randoms(use_true_random=False))
def test_every_task_is_placed_once_in_time_and_on_a_worker_of_its_pool(problem, rng):
    order = list(range(problem.size))
    rng.shuffle(order)
    found = list_schedule(problem, np.array(order, dtype=np.int64))
    check_feasible(problem, found.start, found.worker)
    ends = [a + b for a, b in zip(found.start, problem.seconds, strict=True)]
    assert found.end == max(ends, default=0.0)
    for task, slot in problem.running.items():
        assert (found.start[task], found.worker[task]) == (0.0, slot)


def test_the_first_in_line_goes_first_and_the_rest_wait_for_a_worker():
    problem = one_pool(Graph.from_needs([[], [], []]), [5, 3, 4], 2)
    found = list_schedule(problem, np.array([2, 0, 1]))
    assert found.start == [0, 4, 0]
    assert found.worker == [1, 0, 0]
    assert found.end == 7


def test_what_takes_no_time_frees_its_worker_at_once():
    problem = one_pool(Graph.from_needs([[], [0], [1]]), [0, 0, 0], 1)
    assert list_schedule(problem, np.arange(3)).start == [0, 0, 0]


def test_a_task_waits_for_its_own_pool_only():
    graph = Graph.from_needs([[], [], []])
    problem = Problem(
        graph, np.array([9.0, 9, 1]), np.ones(3), [0, 1], np.array([0, 0, 1]), np.zeros(3)
    )
    assert list_schedule(problem, np.arange(3)).start == [0, 9, 0]


@pytest.mark.parametrize("workers", [[], [0]])
def test_without_workers_a_task_and_what_waits_for_it_never_start(workers):
    graph = Graph.from_needs([[], [0]])
    problem = Problem(graph, np.ones(2), np.ones(2), workers, np.array([1, 0]), np.zeros(2))
    found = list_schedule(problem, np.arange(2))
    assert found.start == [NEVER, NEVER]
    assert found.worker == [NO_WORKER, NO_WORKER]
    assert found.end == 0


def test_no_tasks_end_now():
    assert list_schedule(one_pool(Graph.from_needs([]), [], 3), np.arange(0)).end == 0


def test_what_runs_keeps_its_worker_for_what_remains():
    graph = Graph.from_needs([[], [], [0]])
    problem = Problem(
        graph, np.array([4.0, 1, 2]), np.ones(3), [0], np.zeros(3, np.int64), np.zeros(3), {0: 0}
    )
    assert list_schedule(problem, np.array([2, 1, 0])).start == [0, 6, 4]
