import pytest
from hypothesis import given, settings

from operations.scheduling.planner import exact
from operations.scheduling.planner.graph import Graph, bottom_levels
from operations.scheduling.planner.placement import Problem, list_schedule
from operations.scheduling.planner.plan import plan
from operations.scheduling.planner.search import Effort
from tests.operations.scheduling.cases import best, check_feasible, works


@settings(deadline=None)
@given(works(most=6))
def test_trying_every_order_from_a_poor_start_finds_the_best(work):
    levels = bottom_levels(work.graph, work.seconds)
    poor = list_schedule(work, work.durations.argsort())
    found = exact.best(work, levels, poor)
    check_feasible(work, found.start, found.worker)
    assert found.end == pytest.approx(best(work), abs=1e-6)


@settings(deadline=None)
@given(works(most=6, pools=2))
def test_pools_are_kept(work):
    found = exact.best(
        work, bottom_levels(work.graph, work.seconds), list_schedule(work, work.pools.argsort())
    )
    check_feasible(work, found.start, found.worker)


def test_what_no_list_schedule_finds_either_way_is_found_and_proven():
    needs = [[], [0], [], [], [1, 2]]
    work = Problem.of(Graph.from_needs(needs), [1, 3, 4, 2, 0], 2)
    proof = plan(work, objective="makespan", effort=Effort(starts=4)).certificate
    assert (proof.makespan, proof.optimal) == (5, True)


def test_the_best_is_proven_even_where_the_simple_bound_is_lower():
    work = Problem.of(Graph.from_needs([[], [], []]), [3, 3, 3], 2)
    proof = plan(work, objective="makespan", effort=Effort(starts=4)).certificate
    assert (proof.makespan, proof.lower_bound, proof.optimal) == (6, 6, True)
