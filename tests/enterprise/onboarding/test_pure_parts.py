"""Progress, reminders, the hash chain, states, and who gets which bundle."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.onboarding import hash_chain, states
from enterprise.onboarding.assignment import (
    UNASSIGNED,
    Bundle,
    CostWeights,
    TeamCandidate,
    assign,
    cost_parts,
)
from enterprise.onboarding.kaplan_meier import ObservedTime, median_time
from enterprise.onboarding.progress import (
    StepProgress,
    current_step,
    days_elapsed,
    days_remaining,
    progress_of,
)
from enterprise.onboarding.reminder_times import (
    LastReminder,
    ReminderRule,
    reminder_at,
    silent_at,
)
from tests.enterprise.oracle import week

OFFICE = week("09:00-17:00")
WEIGHTS = CostWeights()


def may(day, hour=0, minute=0):
    return datetime(2027, 5, day, hour, minute, tzinfo=UTC)


def steps(*found):
    return [StepProgress(order, name, state, 1) for order, (name, state) in enumerate(found, 1)]


def test_skipped_steps_count_nowhere_and_nothing_is_all():
    found = progress_of(steps(("a", "done"), ("b", "skipped"), ("c", "ready")))
    assert (found.completed_steps, found.total_steps) == (1, 2)
    assert (found.overall_progress, found.effort_progress) == (50.0, 50.0)
    assert progress_of([]).overall_progress == 100.0


def test_the_current_step_is_in_progress_else_ready_else_stuck():
    assert current_step(steps(("a", "ready"), ("b", "in_progress"))) == "b"
    assert current_step(steps(("a", "blocked"), ("b", "ready"), ("c", "ready"))) == "b"
    assert current_step(steps(("a", "pending"), ("b", "waiting_customer"))) == "b"
    assert current_step(steps(("a", "done"))) is None


def test_days_are_calendar_days_of_the_zone():
    assert days_elapsed(may(6, 23), may(7, 1), "UTC") == 1
    assert days_elapsed(may(6, 23), may(7, 1), "Asia/Tokyo") == 0
    assert days_remaining(may(6, 9), may(7, 10)) == 2
    assert days_remaining(may(6, 9), may(5, 10)) == 0
    assert days_remaining(may(6, 9), None) is None


def test_reminders_come_after_two_business_days_then_each_three():
    rule, since = ReminderRule(), may(6, 10)
    last, days = None, []
    for _ in range(3):
        due = reminder_at(rule, since, last, OFFICE)
        days.append(due)
        last = LastReminder(due, due + timedelta(minutes=4))  # the follow-up comes each 5 minutes
    assert days == [may(10, 10), may(13, 10), may(18, 10)]
    assert last is not None
    assert silent_at(rule, last, OFFICE) == may(21, 10)
    assert reminder_at(rule, may(6, 20), None, OFFICE) == may(11, 9)  # held to opening hours


def test_a_reminder_that_caps_held_back_moves_the_next_and_the_silence():
    rule, late = ReminderRule(), LastReminder(may(10, 10), may(13, 9))
    assert reminder_at(rule, may(6, 10), late, OFFICE) == may(18, 9)
    assert silent_at(rule, late, OFFICE) == may(18, 9)
    assert reminder_at(rule, may(17, 10), late, OFFICE) == may(19, 10)  # it waits anew since then


def observed(*pairs):
    return [ObservedTime(duration, has_event) for duration, has_event in pairs]


def test_the_median_time_counts_those_who_still_wait():
    """By hand: after 3 days 3/4 are without; two are looked at on day 5, of whom one goes."""
    assert median_time(observed((3, True), (4, False), (5, True), (9, True))) == 5
    assert median_time(observed((3, True), (9, False), (9, False))) is None
    assert median_time(observed((4, True), (2, True))) == 2
    assert median_time([]) is None
    assert median_time(observed((0, True))) == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_without_anybody_who_waits_it_is_the_lower_median(days):
    expected = sorted(days)[(len(days) - 1) // 2]
    assert median_time(observed(*((each, True) for each in days))) == expected


def test_a_changed_or_missing_entry_is_found():
    entries, last = [], ""
    for number in range(1, 5):
        values = {"event": number}
        own = hash_chain.entry_hash(last, values)
        entries.append((number, last, own, values))
        last = own
    assert hash_chain.first_fault(entries) is None
    assert hash_chain.first_fault([*entries[:2], *entries[3:]]) == 3
    changed = (2, entries[1][1], entries[1][2], {"event": 9})
    assert hash_chain.first_fault([entries[0], changed, *entries[2:]]) == 2


def test_the_events_of_a_state_are_those_of_the_table():
    assert states.allowed_events(states.DONE) == (states.REVERT,)
    assert states.COMPLETE in states.allowed_events(states.READY)
    assert states.allowed_events(states.PENDING) == (states.MAKE_READY, states.SKIP, states.REMOVE)


def bundle(key, hours, role="account_manager", **more):
    return Bundle(key, hours, role, **more)


def member(key, free, *roles, **more):
    return TeamCandidate(key, free, 40, roles or ("account_manager",), **more)


def test_a_bundle_goes_to_who_has_the_role_and_the_hours():
    found = assign(
        [bundle("1", 5)], [member(1, 4), member(2, 8, "support_team"), member(3, 8)], WEIGHTS
    )
    assert [(each.bundle, each.member) for each in found] == [("1", 3)]
    assert found[0].cost == {"overload": 0.625, "skill": 0.0, "zone": 0.0, "change": 0.0}


def test_nobody_gets_more_than_is_free():
    found = assign([bundle("1", 5), bundle("2", 5)], [member(1, 8)], WEIGHTS)
    assert len(found) == 1
    assert assign([bundle("1", 5)], [member(1, 4)], WEIGHTS) == []
    assert assign([bundle("1", 5, forbidden=[1])], [member(1, 8)], WEIGHTS) == []


def test_equal_costs_go_to_the_lowest_id_and_the_owner_stays():
    pair = [member(2, 8), member(1, 8)]
    assert assign([bundle("1", 4)], pair, WEIGHTS)[0].member == 1
    assert assign([bundle("1", 4, present_owner=2)], pair, WEIGHTS)[0].member == 2


def test_zones_are_near_round_the_globe():
    far = cost_parts(bundle("1", 1, zone_offset=11), member(1, 8, zone_offset=-11), WEIGHTS)
    assert far["zone"] == pytest.approx(0.2)


def brute_force(bundles, members):
    """The lowest cost of all assignments within everyone's hours."""
    best = float("inf")
    for chosen in itertools.product([None, *members], repeat=len(bundles)):
        load: dict[int, float] = {}
        for each, owner in zip(bundles, chosen, strict=True):
            if owner is not None:
                load[owner.id] = load.get(owner.id, 0) + each.hours
        if all(load.get(each.id, 0) <= each.free_hours for each in members):
            best = min(best, cost_of(bundles, chosen))
    return best


def cost_of(bundles, chosen):
    return sum(
        UNASSIGNED if owner is None else sum(cost_parts(each, owner, WEIGHTS).values())
        for each, owner in zip(bundles, chosen, strict=True)
    )


@given(
    hours=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    free=st.lists(st.integers(4, 16), min_size=1, max_size=3),
)
def test_the_assignment_is_near_the_optimum_and_never_over_capacity(hours, free):
    bundles = [bundle(str(place), each) for place, each in enumerate(hours)]
    members = [member(place, each) for place, each in enumerate(free, 1)]
    found = {each.bundle: members[each.member - 1] for each in assign(bundles, members, WEIGHTS)}
    load: dict[int, float] = {}
    for each in bundles:
        if each.key in found:
            load[found[each.key].id] = load.get(found[each.key].id, 0) + each.hours
    assert all(load.get(each.id, 0) <= each.free_hours for each in members)
    cost = cost_of(bundles, [found.get(each.key) for each in bundles])
    assert cost // UNASSIGNED <= brute_force(bundles, members) // UNASSIGNED + 1


def test_what_is_left_out_finds_room_where_another_moves():
    """The long bundle fits only with the first member, once the short one went to the second."""
    bundles = [bundle("a", 5), bundle("b", 6)]
    found = assign(bundles, [member(1, 6), member(2, 5, "support_team")], WEIGHTS)
    assert {each.bundle: each.member for each in found} == {"a": 2, "b": 1}


def test_what_was_taken_away_too_soon_comes_back_where_there_is_room():
    """The short bundle is the dearest, so it goes first; the long ones do not fit together."""
    bundles = [bundle("a", 6), bundle("b", 6), bundle("c", 1, "support_team")]
    found = assign(bundles, [member(1, 8)], WEIGHTS)
    assert [each.bundle for each in found] == ["a", "c"]


def test_a_moved_bundle_goes_to_nobody_who_must_not_have_it():
    bundles = [bundle("a", 2, forbidden=[2]), bundle("b", 3, forbidden=[2]), bundle("c", 4)]
    found = assign(bundles, [member(1, 6), member(2, 3)], WEIGHTS)
    assert all(each.member == 1 for each in found)
    assert len(found) == 2
