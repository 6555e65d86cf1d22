from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings

from operations.scheduling.bottlenecks import (
    QueueLoad,
    critical_tasks,
    load_bottlenecks,
    plan_bottlenecks,
    unknown_dependencies,
    worker_gains,
)
from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Problem
from operations.scheduling.planner.plan import make_plan, repeatable_effort
from tests.benchmarks.scheduling_makespan import makespan_plan
from tests.operations.scheduling.cases import one_pool, problems

CALM = QueueLoad(queued=0, blocked=0, workers=4, completed=0, failed=0, busy=None)


def types_and_severities(**changed):
    return [(each.type, each.severity) for each in load_bottlenecks(replace(CALM, **changed))]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"queued": 20}, []),
        ({"queued": 21}, [("high_queue_length", "high")]),
        ({"queued": 80}, [("high_queue_length", "high")]),
        ({"queued": 81}, [("high_queue_length", "critical")]),
        ({"queued": 81, "workers": 0}, []),
        ({"queued": 1, "busy": 0.5}, []),
        ({"queued": 1, "busy": 0.49}, [("low_worker_utilization", "medium")]),
        ({"queued": 0, "busy": 0.1}, []),
        ({"failed": 1, "completed": 9}, []),
        ({"failed": 2, "completed": 8}, [("high_failure_rate", "high")]),
        ({"failed": 9, "completed": 0}, []),
        ({"queued": 7, "blocked": 3}, []),
        ({"queued": 6, "blocked": 3}, [("dependency_blocking", "medium")]),
    ],
)
def test_thresholds_are_strict(changed, expected):
    assert types_and_severities(**changed) == expected


def problem_of(needs, durations, workers):
    return one_pool(Graph.from_needs(needs), durations, workers)


def found(problem):
    return plan_bottlenecks(problem, make_plan(problem), list("abcdefgh"))


def test_nothing_holds_up_what_can_all_start_at_once():
    assert found(problem_of([[], []], [5, 5], 2)) == []


def test_the_longest_chain_is_named():
    (only,) = found(problem_of([[], [0], [], [1]], [5, 6, 1, 7], 2))
    assert (only.type, only.severity, only.tasks) == ("critical_path", "low", ("a", "b", "d"))
    assert "at least 18 s: a, b, d" in only.description


def test_at_most_five_tasks_are_named():
    assert critical_tasks(problem_of([[v - 1] if v else [] for v in range(9)], [1] * 9, 1)) == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_the_work_of_all_workers_is_named_where_it_binds():
    (only,) = found(problem_of([[], [], []], [5, 5, 5], 2))
    assert only.type == "work"
    assert "The work of all workers takes at least 8 s" in only.description


def two_pools(workers):
    graph = Graph.from_needs([[], [], []])
    durations, pools, named = np.array([5.0, 9, 9]), np.array([0, 1, 1]), ("default", "gpu")
    return Problem(graph, durations, np.ones(3), workers, pools, np.zeros(3), pool_names=named)


def test_the_pool_that_binds_is_named():
    (only,) = found(two_pools([0, 1]))
    assert only.type == "pool"
    assert "The work of the workers of pool gpu takes at least 18 s" in only.description


def test_a_pool_without_workers_is_critical():
    (only,) = found(two_pools([0]))
    assert (only.type, only.severity) == ("no_workers", "critical")
    assert "Tasks wait where there are no workers (2 in pool gpu)." in only.description


def test_unknown_dependencies_are_a_bottleneck():
    assert unknown_dependencies([]) == []
    (only,) = unknown_dependencies([("a", "x"), ("b", "y")])
    assert "on tasks that do not exist: a waits for x, b waits for y." in (only.description)


def test_one_more_worker_where_it_helps_and_how_much():
    (only,) = worker_gains(two_pools([0, 1]), make_plan)
    assert (only.type, only.severity, only.seconds_saved) == ("worker_gain", "medium", 9)
    assert only.description == "One more worker in pool gpu would save 9 s of 18 s (50%)."


def test_a_small_gain_is_low_and_no_gain_is_omitted():
    (small,) = worker_gains(problem_of([[] for _ in range(6)], [1] * 6, 5), make_plan)
    assert (small.severity, small.seconds_saved) == ("medium", 1)
    (small,) = worker_gains(problem_of([[] for _ in range(60)], [1] * 60, 9), make_plan)
    assert (small.severity, small.seconds_saved) == ("low", 1)
    assert list(worker_gains(problem_of([[], [0]], [1, 1], 1), make_plan)) == []
    assert list(worker_gains(problem_of([[]], [1], 0), make_plan)) == []
    assert list(worker_gains(problem_of([[]], [0], 1), make_plan)) == []


@settings(deadline=None, max_examples=50)
@given(problems(max_tasks=8, pools=2))
def test_a_gain_is_what_a_fresh_plan_with_that_worker_saves(problem):
    replan = partial(makespan_plan, effort=repeatable_effort(problem.size))
    before = replan(problem).certificate.makespan or 0.0
    types_and_severities = {
        each.suggestion: each.seconds_saved for each in worker_gains(problem, replan)
    }
    for pool in set(problem.workers):
        larger = replace(problem, workers=[*problem.workers, pool])
        saved = before - (replan(larger).certificate.makespan or 0.0)
        name = "Add a worker" + (f" in pool {pool}." if problem.pool_count > 1 else ".")
        assert (name in types_and_severities) == (before > 0 and saved >= 0.05 * before)
        assert types_and_severities.get(name, saved) == saved
