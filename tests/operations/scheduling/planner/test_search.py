from itertools import count
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings

from operations.scheduling.planner.bounds import Bound
from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Placement
from operations.scheduling.planner.plan import make_plan
from operations.scheduling.planner.search import Effort, SearchContext, better, mirrored, search
from tests.benchmarks.scheduling_makespan import makespan_plan
from tests.operations.scheduling.cases import check_feasible, one_pool, optimal_makespan, problems

THOROUGH = Effort(seconds=inf, starts=40)


@settings(deadline=None, max_examples=150)
@given(problems(max_tasks=7))
def test_many_starts_find_what_trying_everything_finds(problem):
    problem.waited[:] = 0
    found = makespan_plan(problem, THOROUGH)
    check_feasible(problem, found.start, found.worker)
    assert found.certificate.makespan == pytest.approx(optimal_makespan(problem), abs=1e-6)


def test_waiting_on_purpose_is_found_where_it_is_best():
    needs = [[], [], [], [], [3], [], [0, 4], [1, 2]]
    problem = one_pool(Graph.from_needs(needs), [0, 5, 6, 4, 4, 2, 1, 10], 3)
    found = makespan_plan(problem, THOROUGH)
    assert found.certificate.makespan == optimal_makespan(problem) == 16


def test_the_same_seed_and_starts_give_the_same_plan():
    problem = one_pool(Graph.from_needs([[] for _ in range(9)]), [7, 5, 5, 4, 4, 3, 3, 2, 2.5], 3)
    effort = Effort(seconds=inf, starts=6, sweeps=1)
    assert make_plan(problem, effort=effort) == make_plan(problem, effort=effort)


def test_the_clock_ends_the_search():
    ticks = count(0.0, 1.0)
    problem = one_pool(Graph.from_needs([[] for _ in range(5)]), [3, 3, 2, 2, 2], 2)
    short = make_plan(problem, effort=Effort(seconds=30, clock=lambda: next(ticks)))
    assert 1 <= short.starts < 12
    none = make_plan(problem, effort=Effort(seconds=0, clock=lambda: next(ticks)))
    assert none.starts == 1


def test_a_proven_plan_ends_the_search():
    problem = one_pool(Graph.from_needs([[], []]), [3, 3], 2)
    assert makespan_plan(problem, THOROUGH).starts == 1


def test_a_placement_turned_round_leaves_everything_as_late_as_it_was_early():
    problem = one_pool(Graph.from_needs([[], [0]]), [2, 3], 2)
    late = mirrored(problem, Placement([3, 0], [1, 0], 5))
    assert late == Placement([0, 2], [1, 0], 5)


@pytest.mark.parametrize(
    ("completion_weight", "late_end", "chosen"),
    [(0.0, 4.0, "late"), (0.0, 6.0, "early"), (9.0, 4.0, "early")],
)
def test_the_better_of_early_and_late_wins(completion_weight, late_end, chosen):
    problem = one_pool(Graph.from_needs([[], []]), [1, 1], 1)
    early, late = (
        Placement([0, 4], [0, 0], 5),
        Placement([late_end - 2, late_end - 1], [0, 0], late_end),
    )
    context = SearchContext(problem, Bound(2, "work", 3), np.zeros(2), 1.0, completion_weight)
    found, _ = better(context, early, late)
    assert found == {"late": late, "early": early}[chosen]
    assert (
        better(SearchContext(problem, context.least, np.array([0.0, -1]), 1.0, 0.0), early, late)[0]
        == early
    )


def test_a_later_start_that_is_better_is_kept():
    lengths = np.array([1.0, 1.0, 2.0])
    problem = one_pool(Graph.from_needs([[], [], []]), lengths.tolist(), 2)
    context = SearchContext(problem, Bound(2, "work", 4), np.zeros(3), 1.0, 0.0)
    shortest, longest = (lambda factors: lengths * factors), (lambda factors: -lengths * factors)
    found, made = search(context, [shortest, longest], Effort(seconds=inf, starts=2, sweeps=0))
    assert (found.end, made) == (2, 2)
    found, _ = search(context, [shortest, longest], Effort(seconds=inf, starts=1, sweeps=0))
    assert found.end == 3
