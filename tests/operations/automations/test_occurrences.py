"""Slots against an oracle that walks minute by minute through the changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.automations.occurrences import (
    FixedInterval,
    WallClock,
    between,
    latest,
    tolerance,
    upcoming,
)

MINUTE = timedelta(minutes=1)
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("Africa/Cairo", date(2026, 4, 24)),  # the gap begins at midnight
    ("Africa/Cairo", date(2026, 10, 30)),  # the repeat reaches back over midnight
]
ALL = {"weekdays": frozenset(range(7)), "days": frozenset(range(1, 32))}


def wall(minutes, hours, *, each_hour=False, months=range(1, 13), **days):
    return WallClock(
        times=frozenset((hour, minute) for hour in hours for minute in minutes),
        months=frozenset(months),
        each_hour=each_hour,
        **{**ALL, **days},
    )


def walked(zone, day):
    """Each minute of three days of real time, with what the clock on the wall shows then."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    minutes = [begin + each * MINUTE for each in range(-1, 3 * 24 * 60)]
    return [(at, at.astimezone(zone).replace(tzinfo=None, fold=0)) for at in minutes]


def oracle(schedule, walk):
    """Follow the clock on the wall from minute to minute, and fire as a person would."""
    fired, known = [], set()
    furthest = walk[0][1]
    for at, shown in walk[1:]:
        if schedule.each_hour:
            due = matches(schedule, shown)
        else:
            due = False
            while furthest < shown:  # more than one step only where the clock jumped on
                furthest += MINUTE
                due = due or (matches(schedule, furthest) and furthest not in known)
                known.add(furthest)
        if due:
            fired.append(at)
    return fired


def matches(schedule, shown):
    return (
        (shown.hour, shown.minute) in schedule.times
        and shown.isoweekday() % 7 in schedule.weekdays
        and shown.day in schedule.days
        and shown.month in schedule.months
    )


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_minute_of_a_change_agrees_with_a_minute_walk(zone, day):
    clock = ZoneInfo(zone)
    walk = walked(clock, day)
    for hour in range(24):
        for minute in (0, 30, 59):
            fixed = wall([minute], [hour])
            found = list(between(fixed, clock, walk[0][0], walk[-1][0]))
            assert found == oracle(fixed, walk), f"{hour:02}:{minute:02}"


@settings(max_examples=40, deadline=None)
@given(
    change=st.sampled_from(CHANGES),
    minutes=st.sets(st.integers(0, 59), min_size=1),
    hours=st.sets(st.integers(0, 23), min_size=1),
    each_hour=st.booleans(),
    weekdays=st.sets(st.integers(0, 6), min_size=1),
)
def test_any_schedule_agrees_with_a_minute_walk(change, minutes, hours, each_hour, weekdays):
    zone, day = change
    clock = ZoneInfo(zone)
    walk = walked(clock, day)
    schedule = wall(minutes, hours, each_hour=each_hour, weekdays=frozenset(weekdays))
    found = list(between(schedule, clock, walk[0][0], walk[-1][0]))
    assert found == oracle(schedule, walk)


def test_a_fixed_hour_in_the_spring_gap_is_due_once_right_after_it():
    berlin = ZoneInfo("Europe/Berlin")
    night = datetime(2026, 3, 28, 12, tzinfo=UTC)
    found = list(between(wall([0, 30], [2]), berlin, night, night + timedelta(days=1)))
    assert found == [datetime(2026, 3, 29, 1, tzinfo=UTC)]  # 03:00 there


def test_a_fixed_hour_in_the_autumn_repeat_fires_the_first_time_only():
    berlin = ZoneInfo("Europe/Berlin")
    night = datetime(2026, 10, 24, 12, tzinfo=UTC)
    found = list(between(wall([30], [2]), berlin, night, night + timedelta(days=1)))
    assert found == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def test_each_real_hour_fires_on_a_day_of_25_hours():
    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC) - MINUTE
    hourly = wall([0], range(24), each_hour=True)
    assert len(list(between(hourly, berlin, begin, begin + timedelta(hours=25)))) == 25


spans = st.timedeltas(timedelta(seconds=1), timedelta(days=40))
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(0), timedelta(days=364)).map(lambda span: YEAR + span)


@given(every=spans, anchor=moments, after=moments)
def test_an_interval_is_elapsed_time_from_its_anchor(every, anchor, after):
    until = after + 5 * every
    found = list(between(FixedInterval(every, anchor), ZoneInfo("UTC"), after, until))
    assert all(after < slot <= until and slot > anchor for slot in found)
    assert all(not (slot - anchor) % every for slot in found)
    if after >= anchor:
        assert len(found) == 5


@given(after=moments, length=st.timedeltas(timedelta(0), timedelta(days=9)), most=st.integers(1, 9))
def test_the_latest_are_the_tail_of_all(after, length, most):
    berlin = ZoneInfo("Europe/Berlin")
    until = after + length
    for schedule in [
        wall([0], [3, 9]),
        FixedInterval(timedelta(hours=7), after - timedelta(days=2)),
    ]:
        everything = list(between(schedule, berlin, after, until))
        assert latest(schedule, berlin, after, until, most) == everything[-most:]


def test_what_never_comes_has_no_next():
    never = wall([0], [3], days=frozenset({30}), months=[2])
    assert upcoming(never, ZoneInfo("UTC"), datetime(2026, 1, 1, tzinfo=UTC), 3) == []


def test_29_february_is_found_across_the_years():
    leap = wall([0], [3], days=frozenset({29}), months=[2])
    found = upcoming(leap, ZoneInfo("UTC"), datetime(2026, 1, 1, tzinfo=UTC), 2)
    assert [slot.year for slot in found] == [2028, 2032]


def test_a_message_may_come_a_little_too_early():
    anchor = datetime(2026, 1, 1, tzinfo=UTC)
    assert tolerance(FixedInterval(timedelta(seconds=2), anchor)) == timedelta(seconds=0.5)
    assert tolerance(FixedInterval(timedelta(days=1), anchor)) == timedelta(seconds=5)
    assert tolerance(wall([0], [3])) == timedelta(seconds=5)
