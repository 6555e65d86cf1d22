from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.health import state_machine
from operations.health.state_machine import (
    DEGRADED,
    DOWN,
    HEALTHY,
    NOT_LOOKED_AT,
    OFF,
    UNHEALTHY,
    UNKNOWN,
    UP,
    ComponentState,
    Observation,
    next_state,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD, BAD, NOTHING = Observation(HEALTHY), Observation(UNHEALTHY), Observation(UNKNOWN)
TIMED_OUT = Observation(UNHEALTHY, error_kind="timeout")


NEW = ComponentState()


def after(*seen, current=NEW):
    """The state after observations a minute apart."""
    for minute, each in enumerate(seen):
        current = next_state(current, each, NOON + timedelta(minutes=minute))
    return current


def test_a_first_success_sets_up_at_once():
    assert after(GOOD).state == UP
    assert after(Observation(DEGRADED)).state == UP


def test_two_failures_are_no_outage_and_the_third_is_from_the_first_on():
    assert after(GOOD, BAD, BAD).state == UP
    assert after(GOOD, BAD, BAD, BAD) == ComponentState(DOWN, 0, NOON + timedelta(minutes=1))
    assert after(BAD, BAD, BAD).state == DOWN


def test_a_success_in_between_starts_the_count_again():
    assert after(GOOD, BAD, BAD, GOOD, BAD, BAD).state == UP


def test_one_success_ends_no_outage_and_the_second_does_from_the_first_on():
    down = after(BAD, BAD, BAD)
    assert after(GOOD, current=down).state == DOWN
    assert after(GOOD, BAD, GOOD, current=down).state == DOWN
    assert after(GOOD, GOOD, current=down) == ComponentState(UP, 0, NOON)


def test_a_confirmed_change_does_not_date_the_next_one():
    down = after(BAD, BAD, BAD)
    late = next_state(down, GOOD, NOON + timedelta(hours=5))
    assert late.contrary_since == NOON + timedelta(hours=5)


def test_an_unknown_observation_changes_nothing():
    held = after(GOOD, BAD, BAD)
    assert next_state(held, NOTHING, NOON) == held


@given(st.lists(st.sampled_from([GOOD, BAD, NOTHING]), max_size=60))
def test_it_goes_down_only_after_three_failures_and_up_only_after_two_successes(seen):
    current, known = ComponentState(), []
    for each in seen:
        before, current = current, next_state(current, each, NOON)
        if each != NOTHING:
            known.append(each)
        if before.state == UP and current.state == DOWN:
            assert known[-3:] == [BAD] * 3
        if before.state == DOWN and current.state == UP:
            assert known[-2:] == [GOOD] * 2
    assert (current.state == UNKNOWN) <= (GOOD not in known and known[-3:] != [BAD] * 3)


def test_slow_is_the_95th_percentile_of_the_last_twenty_with_room_to_recover():
    assert not state_machine.is_slow([], 1000, was=False)
    assert state_machine.is_slow([], 1000, was=True)
    assert not state_machine.is_slow([900] * 19 + [5000], 1000, was=False)
    assert state_machine.is_slow([900] * 18 + [5000] * 2, 1000, was=False)
    assert state_machine.is_slow([900] * 20, 1000, was=True)
    assert not state_machine.is_slow([5000] * 30 + [700] * 20, 1000, was=True)


def test_flapping_begins_at_half_the_changes_and_ends_below_a_quarter():
    restless, calm = [True, False] * 11, [True] * 21
    assert state_machine.is_flapping(restless, was=False)
    assert not state_machine.is_flapping(calm, was=True)
    some = [True] * 12 + [False, True] * 3 + [True] * 3
    assert not state_machine.is_flapping(some, was=False)
    assert state_machine.is_flapping(some, was=True)
    assert not state_machine.is_flapping([], was=False)


@pytest.mark.parametrize(
    ("outside", "ours"),
    [
        ([], False),
        ([("a", True, TIMED_OUT)], False),
        ([("a", True, TIMED_OUT), ("a", True, TIMED_OUT)], False),
        ([("a", True, TIMED_OUT), ("b", True, TIMED_OUT)], True),
        ([("a", True, TIMED_OUT), ("b", True, GOOD)], False),
        (
            [("a", True, TIMED_OUT), ("b", True, Observation(UNHEALTHY, error_kind="refused"))],
            False,
        ),
        ([("a", True, TIMED_OUT), ("b", False, TIMED_OUT)], False),
        ([("a", True, TIMED_OUT), ("b", True, TIMED_OUT), ("c", False, GOOD)], False),
        ([("a", True, TIMED_OUT), ("b", True, TIMED_OUT), ("c", False, TIMED_OUT)], True),
    ],
)
def test_our_own_network_is_down_where_all_that_were_up_fail_alike(outside, ours):
    assert state_machine.is_own_network_down(outside) is ours


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], UNKNOWN),
        ([OFF, NOT_LOOKED_AT, UNKNOWN], UNKNOWN),
        ([OFF, HEALTHY], HEALTHY),
        ([HEALTHY, HEALTHY], HEALTHY),
        ([HEALTHY, UNKNOWN], DEGRADED),
        ([DEGRADED, HEALTHY], DEGRADED),
        ([DEGRADED, UNHEALTHY, UNKNOWN], UNHEALTHY),
    ],
)
def test_the_overall_status_is_that_of_the_worst_required_component(statuses, whole):
    assert state_machine.overall(statuses) == whole


def test_a_streak_does_not_begin_at_a_time_that_has_not_come():
    """Its first failure was seen by a clock that was ahead."""
    ahead = ComponentState(UP, 1, NOON + timedelta(hours=2))
    assert next_state(ahead, Observation(UNHEALTHY), NOON).contrary_since == NOON


def test_who_leads_back_to_itself_is_in_a_ring():
    assert state_machine.ringed({1: 2, 2: 3, 3: 1, 4: 2, 5: 5, 6: 7, 8: None}) == {1, 2, 3, 5}


@given(st.dictionaries(st.integers(0, 9), st.none() | st.integers(0, 12)))
def test_parents_come_first(parents):
    ordered = state_machine.parents_first(parents)
    assert sorted(ordered) == sorted(parents)
    place = {each: number for number, each in enumerate(ordered)}

    def above(one):
        found = []
        while (one := parents.get(one)) in parents and one not in found:
            found.append(one)
        return found

    for one in parents:
        if one not in above(one):  # else a ring, which is refused when saved
            line = [each for each in above(one) if each not in above(each)]
            assert all(place[each] < place[one] for each in line)


@pytest.mark.parametrize(
    ("current", "since", "expected"),
    [
        (ComponentState(DOWN), NOON - timedelta(days=1), True),
        (ComponentState(UP, 1, NOON), NOON - timedelta(days=1), True),
        (ComponentState(UP, 1, NOON - timedelta(seconds=599)), NOON - timedelta(days=1), True),
        (ComponentState(UP, 1, NOON - timedelta(minutes=10)), NOON - timedelta(days=1), False),
        (ComponentState(UP), NOON - timedelta(seconds=179), True),
        (ComponentState(UP), NOON - timedelta(seconds=180), False),
        (ComponentState(UP), None, False),
        (ComponentState(), None, False),
    ],
)
def test_a_parent_explains_its_children_until_three_minutes_after_its_return(
    current, since, expected
):
    assert state_machine.explains_children(current, since, NOON) is expected
