"""A clock as its events: the worked examples, and random events against the minute oracle."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.sla.timeline import (
    PAUSE,
    RECALENDAR,
    RESUME,
    RETARGET,
    START,
    STOP,
    Timeline,
    TimelineEvent,
    next_threshold_at,
    open_thresholds,
    passed,
    rebased,
)
from tests.enterprise.oracle import HOUR, is_open, week

OFFICE = week("09:00-17:00")
ALL = (50, 75, 90, 100)


def may(day, hour=0, minute=0):
    return datetime(2027, 5, day, hour, minute, tzinfo=UTC)


def started(at, hours, calendar=OFFICE):
    return Timeline((TimelineEvent(START, at, hours * HOUR, calendar, at),))


@pytest.fixture
def paused_once():
    """Started Thursday 10:00 with 8 h, paused at 15:00, resumed Friday 11:00."""
    first = rebased(started(may(6, 10), 8), TimelineEvent(PAUSE, may(6, 15)))
    return rebased(first, TimelineEvent(RESUME, may(7, 11)))


def test_a_pause_counts_nothing(paused_once):
    assert paused_once.elapsed(may(7, 11)) == 5 * HOUR
    assert paused_once.due_at(may(7, 11)) == may(7, 14)
    assert paused_once.percent(may(7, 13)) == Decimal("87.5")
    paused = Timeline(paused_once.events[:2])
    assert paused.state == "paused"
    assert paused.due_at(may(6, 20)) is None
    assert paused.reached_at(6 * HOUR, may(6, 20)) is None
    assert next_threshold_at(paused, ALL, may(6, 20)) is None


@pytest.mark.parametrize(
    ("target", "percent", "due", "recorded"),
    [
        (10, "70.0", may(7, 16), []),
        (12, "58.3", may(10, 10), []),
        (6, "116.7", may(7, 12), [90, 100]),
    ],
)
def test_a_new_target_keeps_elapsed_time(paused_once, target, percent, due, recorded):
    now = may(7, 13)
    changed = rebased(paused_once, TimelineEvent(RETARGET, now, target * HOUR))
    assert changed.percent(now) == Decimal(percent)
    assert changed.due_at(now) == due
    left = open_thresholds(changed, ALL, (), {50, 75})
    assert passed(changed, left, now) == recorded


def test_thresholds_above_a_longer_target_are_open_again(paused_once):
    now = may(7, 13)
    changed = rebased(paused_once, TimelineEvent(RETARGET, now, 10 * HOUR))
    left = open_thresholds(changed, ALL, (), {50, 75})
    assert left == [75, 90, 100]
    assert next_threshold_at(changed, left, now) == may(7, 13, 30)
    assert next_threshold_at(changed, [90, 100], now) == may(7, 15)
    assert next_threshold_at(changed, [], now) is None


@pytest.mark.parametrize(("tuesday", "due"), [("", may(12, 14)), ("09:00-13:00", may(12, 10))])
def test_a_holiday_added_later_moves_the_due_date(tuesday, due):
    clock = started(may(7, 14), 16)
    assert clock.due_at(may(7, 14)) == may(11, 14)
    changed = week("09:00-17:00", special={date(2027, 5, 11): tuesday})
    moved = rebased(clock, TimelineEvent(RECALENDAR, may(7, 15), None, changed, may(7, 15)))
    assert moved.due_at(may(7, 15)) == due


def test_a_calendar_counts_from_the_chosen_time():
    """A holiday for yesterday takes its hours away only where the move counts from then."""
    clock = started(may(5, 9), 24)
    holiday = week("09:00-17:00", special={date(2027, 5, 6): ""})
    now = may(7, 9)
    later = rebased(clock, TimelineEvent(RECALENDAR, now, None, holiday, now))
    earlier = rebased(clock, TimelineEvent(RECALENDAR, now, None, holiday, may(6, 0)))
    assert later.elapsed(now) == 16 * HOUR
    assert earlier.elapsed(now) == 8 * HOUR
    again = rebased(earlier, TimelineEvent(RECALENDAR, now, None, OFFICE, may(5, 0)))
    assert again.elapsed(now) == 16 * HOUR


def test_a_stopped_clock_is_due_no_more():
    clock = rebased(started(may(6, 10), 8), TimelineEvent(STOP, may(6, 12)))
    assert clock.state == "stopped"
    assert clock.elapsed(may(7, 12)) == 2 * HOUR
    assert clock.due_at(may(7, 12)) is None
    assert clock.reached_at(HOUR, may(7, 12)) == may(6, 11)


def test_an_overdue_clock_says_when_it_was_due():
    assert started(may(6, 10), 2).due_at(may(7, 12)) == may(6, 12)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["toggle", "retarget", "calendar"]), st.integers(1, 600)),
    max_size=6,
)


@given(steps=EVENTS, lunch=st.booleans())
def test_elapsed_time_equals_a_walk_through_the_events(steps, lunch):
    """Random pauses, new targets and calendars, each span by the calendar in force."""
    calendars = [
        week("09:00-12:30, 13:30-18:00" if lunch else "08:00-20:00", days=range(7)),
        week("10:00-16:00", days=range(6), zone="Australia/Lord_Howe"),
    ]
    now = may(3, 9)
    events = [TimelineEvent(START, now, 10 * HOUR, calendars[0], now)]
    runs, used, expected = True, calendars[0], timedelta(0)
    for kind, minutes in steps:
        for minute in range(minutes):
            if runs and is_open(used, now + timedelta(minutes=minute)):
                expected += timedelta(minutes=1)
        now += timedelta(minutes=minutes)
        if kind == "toggle":
            events.append(TimelineEvent(PAUSE if runs else RESUME, now))
            runs = not runs
        elif kind == "retarget":
            events.append(TimelineEvent(RETARGET, now, minutes * HOUR))
        else:
            used = calendars[minutes % 2]
            events.append(TimelineEvent(RECALENDAR, now, None, used, now))
    clock = Timeline(tuple(events))
    assert clock.elapsed(now) == expected
    if runs:
        due = clock.reached_at(expected + HOUR, now)
        assert due is not None
        assert clock.elapsed(due) == expected + HOUR
