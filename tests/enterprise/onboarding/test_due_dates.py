"""Due dates: the worked example, and random graphs against the longest of all paths."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.onboarding import states
from enterprise.onboarding.due_dates import PlannedStep, due_dates
from operations.scheduling.planner.graph import CyclicDependency
from tests.enterprise.oracle import HOUR, week

OFFICE = week("09:00-17:00")
ALWAYS = week("00:00-24:00", days=range(7))
NONE = timedelta(0)


def may(day, hour=0, minute=0):
    return datetime(2027, 5, day, hour, minute, tzinfo=UTC)


def step(name, hours, *after, **more):
    return PlannedStep(name, hours * HOUR, dict.fromkeys(after, NONE), **more)


CHAIN = [step("a", 4), step("b", 8, "a"), step("c", 2, "a"), step("d", 4, "b", "c")]


def test_the_forward_pass_gives_finishes_and_the_backward_pass_slack():
    found = due_dates(CHAIN, may(6, 14), may(6, 14), OFFICE)
    ends = {name: each.finish for name, each in found.items()}
    assert ends == {"a": may(7, 10), "b": may(10, 10), "c": may(7, 12), "d": may(10, 14)}
    assert {name: each.slack / HOUR for name, each in found.items()} == {
        "a": 0, "b": 0, "c": 6, "d": 0,
    }  # fmt: skip
    assert found["c"].due_at == may(10, 10)
    assert [name for name, each in found.items() if each.is_critical] == ["a", "b", "d"]


def test_what_is_late_counts_from_now_and_done_steps_keep_their_dates():
    steps = [
        step("a", 4, state=states.DONE, ready_at=may(6, 14), finished_at=may(7, 15)),
        step("b", 2, "a", state=states.IN_PROGRESS, ready_at=may(7, 15)),
        step("c", 2, "b"),
        step("d", 9, "a", state=states.SKIPPED, finished_at=may(7, 16)),
    ]
    found = due_dates(steps, may(6, 14), may(11, 12), OFFICE)
    assert found["a"].finish == may(7, 15)
    assert found["b"].finish == may(11, 12)
    assert found["c"].finish == may(11, 14)
    assert found["d"].finish == may(7, 16)


def test_a_step_ends_when_its_clock_is_used_up():
    """Ready since Thursday with 8 h, of which a wait for the customer counts nothing."""
    steps = [
        step("a", 8, state=states.IN_PROGRESS, ready_at=may(6, 9), ends_at=may(12, 11)),
        step("b", 2, "a"),
    ]
    found = due_dates(steps, may(6, 9), may(11, 12), OFFICE)
    assert (found["a"].due_at, found["b"].due_at) == (may(12, 11), may(12, 13))
    late = due_dates(steps, may(6, 9), may(13, 10), OFFICE)
    assert late["b"].due_at == may(13, 12)


def test_a_lag_is_business_time_too():
    later = PlannedStep("b", 2 * HOUR, {"a": 8 * HOUR})
    found = due_dates([step("a", 1), later], may(7, 16), may(7, 16), OFFICE)
    assert found["b"].finish == may(11, 11)


def test_a_skipped_step_without_a_time_takes_none():
    found = due_dates(
        [step("a", 5, state=states.SKIPPED), step("b", 1, "a")], may(6, 9), may(6, 9), OFFICE
    )
    assert found["b"].finish == may(6, 10)


def test_nothing_planned_has_no_dates():
    assert due_dates([], may(6, 9), may(6, 9), OFFICE) == {}


def test_a_cycle_is_named_in_order():
    steps = [step("a", 1, "c"), step("b", 1, "a"), step("c", 1, "b")]
    with pytest.raises(CyclicDependency, match="a -> b -> c -> a"):
        due_dates(steps, may(6, 9), may(6, 9), OFFICE)


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 8))
    hours = draw(st.lists(st.integers(1, 20), min_size=count, max_size=count))
    needs = [[each for each in range(place) if draw(st.booleans())] for place in range(count)]
    return hours, needs


def longest(hours, needs, place):
    """The longest of all paths that end with a step."""
    before = [longest(hours, needs, each) for each in needs[place]]
    return hours[place] + max(before, default=0)


@given(graph=graphs())
def test_finishes_are_the_longest_paths(graph):
    hours, needs = graph
    steps = [step(str(place), hours[place], *map(str, needs[place])) for place in range(len(hours))]
    found = due_dates(steps, may(6, 9), may(6, 9), ALWAYS)
    ends = [longest(hours, needs, place) for place in range(len(hours))]
    assert [(found[str(p)].finish - may(6, 9)) / HOUR for p in range(len(hours))] == ends
    tails: dict[int, int] = {}
    for place in reversed(range(len(hours))):
        after = [tails[each] for each in range(place, len(hours)) if place in needs[each]]
        tails[place] = hours[place] + max(after, default=0)
    slack = [max(ends) - ends[p] - tails[p] + hours[p] for p in range(len(hours))]
    assert [found[str(p)].slack / HOUR for p in range(len(hours))] == slack
