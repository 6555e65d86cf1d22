from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.scheduling.planner.graph import CyclicDependency, Graph
from operations.scheduling.planner.placement import Problem
from operations.scheduling.planner.plan import plan, precedence, repeatable_effort, usual_effort
from operations.scheduling.planner.search import ONE_PASS, Effort
from tests.operations.scheduling.cases import begun, check_feasible

FEW = Effort(seconds=inf, starts=5, sweeps=2)


@settings(deadline=None)
@given(
    begun(most=9, pools=2), st.sampled_from(["auto", "makespan"]),
    st.sampled_from(["aged", "strict"]), st.sampled_from([ONE_PASS, FEW]),
)  # fmt: skip
def test_any_plan_is_feasible_and_never_below_its_bounds(work, objective, policy, effort):
    made = plan(work, objective=objective, policy=policy, effort=effort)
    check_feasible(work, made.start, made.worker)
    proof = made.certificate
    assert proof.makespan is not None
    assert proof.lower_bound is not None
    assert proof.flow is not None
    assert proof.flow_bound is not None
    assert proof.makespan >= proof.lower_bound * (1 - 1e-9)
    assert proof.flow >= proof.flow_bound * (1 - 1e-9) - 1e-9
    assert proof.optimal == (proof.gap == 0)


def test_nothing_to_do_is_done_at_once():
    made = plan(Problem.of(Graph.from_needs([]), [], 4))
    assert (made.start, made.certificate.makespan, made.certificate.gap) == ([], 0, 0)


def test_tasks_in_a_ring_have_no_plan():
    with pytest.raises(CyclicDependency, match="0 -> 1 -> 0"):
        plan(Problem.of(Graph.from_needs([[1], [0]]), [1, 1], 2))


def test_without_workers_there_is_a_plan_without_an_end():
    made = plan(Problem.of(Graph.from_needs([[]]), [1], 0), effort=Effort())
    assert made.certificate.binding == "no_workers"
    assert made.start == [inf]


@pytest.mark.parametrize(("name", "given"), [("objective", "speed"), ("policy", "fair")])
def test_unknown_choices_are_refused(name, given):
    with pytest.raises(ValueError, match=f"{name} is '{given}'; it can be"):
        plan(Problem.of(Graph.from_needs([]), [], 1), **{name: given})


def test_independent_work_goes_by_weight_over_duration():
    work = Problem.of(Graph.from_needs([[], [], []]), [10, 1, 8], 1, [1, 1, 8])
    assert plan(work).start == [9, 0, 1]


def test_strict_puts_the_class_before_the_ratio():
    work = Problem.of(Graph.from_needs([[], []]), [100, 1], 1, [8, 1])
    assert plan(work).start == [1, 0]
    assert plan(work, policy="strict").start == [0, 100]


def test_the_longest_chain_goes_first_where_only_the_end_counts():
    work = Problem.of(Graph.from_needs([[], [], [1]]), [2, 2, 5], 1, [8, 1, 1])
    assert plan(work, objective="makespan").start == [7, 0, 2]


def test_what_waited_past_its_bound_goes_first_in_any_plan():
    graph = Graph.from_needs([[], [], [], [2]])
    work = Problem.of(graph, [50, 40, 10, 90], 1, [1, 1, 8, 8])
    work.waited[:2] = [30_000, 40_000]
    for objective in ("auto", "makespan"):
        made = plan(work, objective=objective, effort=FEW)
        assert made.start == [40, 0, 90, 100]


def test_equals_that_waited_less_than_an_hour_may_be_reordered():
    work = Problem.of(Graph.from_needs([[], []]), [10, 10], 1)
    work.waited[:] = [100, 200]
    assert not precedence(work, np.array([0.1, 0.1]), "aged").any()


def test_no_tasks_have_no_leads():
    assert precedence(Problem.of(Graph.from_needs([]), [], 1), np.zeros(0), "strict").size == 0


def test_many_tasks_get_one_pass_where_a_request_waits():
    assert usual_effort(2001, in_request=True) is ONE_PASS
    assert usual_effort(2000, in_request=True).seconds == 0.25
    assert usual_effort(2001, in_request=False).seconds == 0.25
    assert repeatable_effort(2001) is ONE_PASS
    assert repeatable_effort(2000).seconds == inf
