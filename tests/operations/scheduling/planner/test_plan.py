from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.scheduling.planner.graph import CyclicDependency, Graph
from operations.scheduling.planner.plan import make_plan, precedence, repeatable_effort
from operations.scheduling.planner.search import ONE_PASS, Effort
from tests.benchmarks.scheduling_makespan import makespan_plan
from tests.operations.scheduling.cases import check_feasible, one_pool, running_problems

FEW = Effort(seconds=inf, starts=5, sweeps=2)


@settings(deadline=None)
@given(
    running_problems(max_tasks=9, pools=2),
    st.sampled_from(["aged", "strict"]), st.sampled_from([ONE_PASS, FEW]),
)  # fmt: skip
def test_any_plan_is_feasible_and_never_below_its_bounds(problem, policy, effort):
    for made in (
        make_plan(problem, policy=policy, effort=effort), makespan_plan(problem, effort)
    ):  # fmt: skip
        check_feasible(problem, made.start, made.worker)
        check_certificate(made.certificate)


def check_certificate(proof):
    assert proof.makespan is not None
    assert proof.lower_bound is not None
    assert proof.weighted_completion is not None
    assert proof.weighted_completion_bound is not None
    assert proof.makespan >= proof.lower_bound * (1 - 1e-9)
    assert proof.weighted_completion >= proof.weighted_completion_bound * (1 - 1e-9) - 1e-9


def test_nothing_to_do_is_done_at_once():
    made = make_plan(one_pool(Graph.from_needs([]), [], 4))
    assert (made.start, made.certificate.makespan, made.certificate.gap) == ([], 0, 0)


def test_tasks_in_a_cycle_have_no_plan():
    with pytest.raises(CyclicDependency, match="0 -> 1 -> 0"):
        make_plan(one_pool(Graph.from_needs([[1], [0]]), [1, 1], 2))


def test_without_workers_there_is_a_plan_without_an_end():
    made = make_plan(one_pool(Graph.from_needs([[]]), [1], 0), effort=Effort())
    assert made.certificate.binding == "no_workers"
    assert made.start == [inf]


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="policy is 'fair'; it can be"):
        make_plan(one_pool(Graph.from_needs([]), [], 1), policy="fair")


def test_independent_work_goes_by_weight_over_duration():
    problem = one_pool(Graph.from_needs([[], [], []]), [10, 1, 8], 1, [1, 1, 8])
    assert make_plan(problem).start == [9, 0, 1]


def test_strict_puts_the_class_before_the_ratio():
    problem = one_pool(Graph.from_needs([[], []]), [100, 1], 1, [8, 1])
    assert make_plan(problem).start == [1, 0]
    assert make_plan(problem, policy="strict").start == [0, 100]


def test_the_longest_chain_goes_first_where_only_the_end_counts():
    problem = one_pool(Graph.from_needs([[], [], [1]]), [2, 2, 5], 1, [8, 1, 1])
    assert makespan_plan(problem).start == [7, 0, 2]


def test_what_waited_past_its_bound_goes_first_in_any_plan():
    graph = Graph.from_needs([[], [], [], [2]])
    problem = one_pool(graph, [50, 40, 10, 90], 1, [1, 1, 8, 8])
    problem.waited[:2] = [30_000, 40_000]
    for made in (make_plan(problem, effort=FEW), makespan_plan(problem, FEW)):
        assert made.start == [40, 0, 90, 100]


def test_equals_that_waited_less_than_an_hour_may_be_reordered():
    problem = one_pool(Graph.from_needs([[], []]), [10, 10], 1)
    problem.waited[:] = [100, 200]
    assert not precedence(problem, np.array([0.1, 0.1]), "aged").any()


def test_no_tasks_have_no_precedence():
    assert precedence(one_pool(Graph.from_needs([]), [], 1), np.zeros(0), "strict").size == 0


def test_many_tasks_get_one_pass_and_fewer_some_starts_without_a_clock():
    assert repeatable_effort(2001) is ONE_PASS
    assert repeatable_effort(2000).seconds == inf
