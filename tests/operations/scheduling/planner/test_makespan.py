import pytest
from hypothesis import given, settings

from operations.scheduling.planner.graph import Graph, bottom_levels
from operations.scheduling.planner.placement import list_schedule
from operations.scheduling.planner.search import Effort
from tests.benchmarks.scheduling_makespan import makespan_plan, optimal_placement
from tests.operations.scheduling.cases import check_feasible, one_pool, optimal_makespan, problems


@settings(deadline=None)
@given(problems(max_tasks=6))
def test_trying_every_order_from_a_poor_start_finds_the_best(problem):
    levels = bottom_levels(problem.graph, problem.seconds)
    poor = list_schedule(problem, problem.durations.argsort())
    found = optimal_placement(problem, levels, poor)
    check_feasible(problem, found.start, found.worker)
    assert found.end == pytest.approx(optimal_makespan(problem), abs=1e-6)


@settings(deadline=None)
@given(problems(max_tasks=6, pools=2))
def test_each_task_stays_in_its_pool(problem):
    found = optimal_placement(
        problem,
        bottom_levels(problem.graph, problem.seconds),
        list_schedule(problem, problem.pools.argsort()),
    )
    check_feasible(problem, found.start, found.worker)


def test_what_no_list_schedule_finds_either_way_is_found_and_proven():
    needs = [[], [0], [], [], [1, 2]]
    problem = one_pool(Graph.from_needs(needs), [1, 3, 4, 2, 0], 2)
    proof = makespan_plan(problem, Effort(starts=4)).certificate
    assert (proof.makespan, proof.gap) == (5, 0)


def test_the_best_is_proven_even_where_the_simple_bound_is_lower():
    problem = one_pool(Graph.from_needs([[], [], []]), [3, 3, 3], 2)
    proof = makespan_plan(problem, Effort(starts=4)).certificate
    assert (proof.makespan, proof.lower_bound, proof.gap) == (6, 6, 0)
