from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.health import state_machine
from operations.health.state_machine import (
    DEGRADED,
    DOWN,
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
    UP,
    Observation,
    Standing,
    step,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD, BAD, NOTHING = Observation(HEALTHY), Observation(UNHEALTHY), Observation(UNKNOWN)
TIMED_OUT = Observation(UNHEALTHY, kind="timeout")


NEW = Standing()


def after(*seen, standing=NEW):
    """The standing after observations a minute apart."""
    for minute, each in enumerate(seen):
        standing = step(standing, each, NOON + timedelta(minutes=minute))
    return standing


def test_a_first_success_sets_up_at_once():
    assert after(GOOD).state == UP
    assert after(Observation(DEGRADED)).state == UP


def test_two_failures_are_no_outage_and_the_third_is_from_the_first_on():
    assert after(GOOD, BAD, BAD).state == UP
    assert after(GOOD, BAD, BAD, BAD) == Standing(DOWN, 0, NOON + timedelta(minutes=1))
    assert after(BAD, BAD, BAD).state == DOWN


def test_a_success_in_between_starts_the_count_again():
    assert after(GOOD, BAD, BAD, GOOD, BAD, BAD).state == UP


def test_one_success_ends_no_outage_and_the_second_does_from_the_first_on():
    down = after(BAD, BAD, BAD)
    assert after(GOOD, standing=down).state == DOWN
    assert after(GOOD, BAD, GOOD, standing=down).state == DOWN
    assert after(GOOD, GOOD, standing=down) == Standing(UP, 0, NOON)


def test_a_confirmed_change_does_not_date_the_next_one():
    down = after(BAD, BAD, BAD)
    late = step(down, GOOD, NOON + timedelta(hours=5))
    assert late.against_since == NOON + timedelta(hours=5)


def test_the_unknown_changes_nothing():
    held = after(GOOD, BAD, BAD)
    assert step(held, NOTHING, NOON) == held


@given(st.lists(st.sampled_from([GOOD, BAD, NOTHING]), max_size=60))
def test_it_goes_down_only_after_three_failures_and_up_only_after_two_successes(seen):
    standing, known = Standing(), []
    for each in seen:
        before, standing = standing, step(standing, each, NOON)
        if each != NOTHING:
            known.append(each)
        if before.state == UP and standing.state == DOWN:
            assert known[-3:] == [BAD] * 3
        if before.state == DOWN and standing.state == UP:
            assert known[-2:] == [GOOD] * 2
    assert (standing.state == UNKNOWN) <= (GOOD not in known and known[-3:] != [BAD] * 3)


def test_slow_is_the_95th_percentile_of_the_last_twenty_with_room_to_recover():
    assert not state_machine.slow([], 1000, was=False)
    assert state_machine.slow([], 1000, was=True)
    assert not state_machine.slow([900] * 19 + [5000], 1000, was=False)
    assert state_machine.slow([900] * 18 + [5000] * 2, 1000, was=False)
    assert state_machine.slow([900] * 20, 1000, was=True)
    assert not state_machine.slow([5000] * 30 + [700] * 20, 1000, was=True)


def test_flapping_begins_at_half_the_changes_and_ends_below_a_quarter():
    restless, calm = [True, False] * 11, [True] * 21
    assert state_machine.flaps(restless, was=False)
    assert not state_machine.flaps(calm, was=True)
    some = [True] * 12 + [False, True] * 3 + [True] * 3
    assert not state_machine.flaps(some, was=False)
    assert state_machine.flaps(some, was=True)
    assert not state_machine.flaps([], was=False)


@pytest.mark.parametrize(
    ("outside", "ours"),
    [
        ([], False),
        ([("a", True, TIMED_OUT)], False),
        ([("a", True, TIMED_OUT), ("a", True, TIMED_OUT)], False),
        ([("a", True, TIMED_OUT), ("b", True, TIMED_OUT)], True),
        ([("a", True, TIMED_OUT), ("b", True, GOOD)], False),
        ([("a", True, TIMED_OUT), ("b", True, Observation(UNHEALTHY, kind="refused"))], False),
        ([("a", True, TIMED_OUT), ("b", False, TIMED_OUT)], False),
    ],
)
def test_our_own_network_is_to_blame_where_all_that_were_up_fail_alike(outside, ours):
    assert state_machine.own_fault(outside) is ours


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], HEALTHY),
        ([HEALTHY, HEALTHY], HEALTHY),
        ([HEALTHY, UNKNOWN], DEGRADED),
        ([DEGRADED, HEALTHY], DEGRADED),
        ([DEGRADED, UNHEALTHY, UNKNOWN], UNHEALTHY),
    ],
)
def test_the_whole_is_as_its_worst_required_part(statuses, whole):
    assert state_machine.overall(statuses) == whole


@pytest.mark.parametrize(
    ("standing", "since", "expected"),
    [
        (Standing(DOWN), NOON - timedelta(days=1), True),
        (Standing(UP, 1, NOON), NOON - timedelta(days=1), True),
        (Standing(UP), NOON - timedelta(seconds=179), True),
        (Standing(UP), NOON - timedelta(seconds=180), False),
        (Standing(UP), None, False),
        (Standing(), None, False),
    ],
)
def test_a_parent_is_to_blame_until_three_minutes_after_its_return(standing, since, expected):
    assert state_machine.to_blame(standing, since, NOON) is expected
