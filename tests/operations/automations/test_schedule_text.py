from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.automations.occurrences import FixedInterval, WallClock
from operations.automations.schedule_text import InvalidSchedule, crontab, describe, parse, units

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("every 30 minutes", timedelta(minutes=30)),
        ("Every  2 Hours ", timedelta(hours=2)),
        ("every minute", timedelta(minutes=1)),
        ("every day", timedelta(days=1)),
        ("every 2 weeks", timedelta(weeks=2)),
        ("every 2 seconds", timedelta(seconds=2)),
        ("every 366 days", timedelta(days=366)),
    ],
)
def test_intervals_are_read(text, span):
    assert parse(text, ANCHOR) == FixedInterval(span, ANCHOR)


@pytest.mark.parametrize(
    ("text", "hour", "minute", "weekdays"),
    [
        ("at 03:00", 3, 0, range(7)),
        ("at 3:05", 3, 5, range(7)),
        ("daily at 23:59", 23, 59, range(7)),
        ("every day at 03:00", 3, 0, range(7)),
        ("at 07:30 on weekdays", 7, 30, range(1, 6)),
        ("at 07:30 on weekends", 7, 30, [0, 6]),
        ("at 07:30 on every day", 7, 30, range(7)),
        ("at 07:30 on Monday", 7, 30, [1]),
        ("at 07:30 on Mon, Wed and Fri", 7, 30, [1, 3, 5]),
        ("at 07:30 on mondays, tuesdays, and sundays", 7, 30, [0, 1, 2]),
    ],
)
def test_times_of_day_are_read(text, hour, minute, weekdays):
    found = parse(text, ANCHOR)
    assert isinstance(found, WallClock)
    assert (found.hours, found.minutes) == (frozenset({hour}), frozenset({minute}))
    assert found.weekdays == set(weekdays)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a schedule"),
        ("tomorrow", '"tomorrow" is not a schedule. Write for example "every 30 minutes"'),
        ("every 0 minutes", '"0" is not a whole number from 1'),
        ("every -5 minutes", '"-5" is not a whole number'),
        ("every 1.5 hours", '"1.5" is not a whole number'),
        ("every \u00b2 hours", "is not a whole number"),
        ("every 5 fortnights", '"fortnight" is not a unit of time here. Known: seconds'),
        ("every 367 days", "more than the longest interval, 366 days"),
        ("every 99999999999999 seconds", "more than the longest interval"),
        ("every 30000000000 days", "more than the longest interval"),
        ("at 24:00", "they go from 00:00 to 23:59"),
        ("at 12:60", "they go from 00:00 to 23:59"),
        ("at noon", '"noon" is not a time of day. Write hours and minutes'),
        ("at 03:00 on Freeday", '"freeday" is not a day of the week'),
        ("at 03:00 on m", '"m" is not a day of the week'),
        ("at 03:00 on 30 February", '"30 february" is not a day of the week'),
    ],
)
def test_an_invalid_text_is_refused_with_the_reason(text, why):
    with pytest.raises(InvalidSchedule) as refusal:
        parse(text, ANCHOR)
    assert why in str(refusal.value)


@given(count=st.integers(1, 8_783), unit=st.sampled_from(["second", "minute", "hour"]))
def test_an_interval_written_is_read_back(count, unit):
    schedule = parse(f"every {count} {unit}s", ANCHOR)
    assert parse(describe(schedule), ANCHOR) == schedule


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
)
def test_a_time_written_is_read_back(hour, minute, weekdays):
    schedule = WallClock(
        minutes=frozenset({minute}),
        hours=frozenset({hour}),
        weekdays=weekdays,
        days=frozenset(range(1, 32)),
        months=frozenset(range(1, 13)),
    )
    assert parse(describe(schedule), ANCHOR) == schedule


def test_one_unit_is_said_without_its_count():
    assert describe(FixedInterval(timedelta(hours=1), ANCHOR)) == "every hour"
    assert describe(FixedInterval(timedelta(minutes=90), ANCHOR)) == "every 90 minutes"


def test_a_crontab_beyond_the_words_says_so():
    schedule = parse("at 03:00", ANCHOR)
    assert isinstance(schedule, WallClock)
    twice = WallClock(
        minutes=frozenset({0, 30}),
        hours=schedule.hours,
        weekdays=schedule.weekdays,
        days=schedule.days,
        months=schedule.months,
    )
    assert describe(twice) == "at times set outside this form"


def test_spans_are_written_in_their_largest_unit():
    assert units(timedelta(days=14)) == (14, "days")
    assert units(timedelta(minutes=90)) == (90, "minutes")
    assert units(timedelta(seconds=61)) == (61, "seconds")


def test_a_time_becomes_the_five_fields_of_a_crontab():
    schedule = parse("at 07:30 on weekdays", ANCHOR)
    assert isinstance(schedule, WallClock)
    assert crontab(schedule) == {
        "minute": "30",
        "hour": "7",
        "day_of_week": "1,2,3,4,5",
        "day_of_month": "*",
        "month_of_year": "*",
    }
