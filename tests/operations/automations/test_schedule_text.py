from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operations.automations import crontab_text
from operations.automations.occurrences import FixedInterval, WallClock, upcoming
from operations.automations.schedule_text import (
    InvalidSchedule,
    check_usable,
    describe,
    parse,
    units,
)

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
    assert found.times == {(hour, minute)}
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
        ("at dawn", '"dawn" is not a time of day. Write hours and minutes: 03:00, or 7am.'),
        ("at 7", '"7" is not a time of day. Write hours and minutes: 03:00, or 7am.'),
        ("at 13pm", "am and pm go from 1 to 12"),
        ("at 03:00 on the 32nd", '"32nd" is not a day of the month'),
        ("at 03:00 in Smarch", '"smarch" is not a month'),
        ("at 03:00 on 30 February", '"30 february" is not a day of the month'),
        (f"at {' and '.join(f'{each}:00' for each in range(13))}", "13 times a day"),
        ("every 7 minutes on weekdays", "does not fit the clock"),
        ("every 90 minutes on weekdays", "does not fit the clock"),
        ("every 5 minutes from minute 5", "does not fit the clock"),
        ("every hour at minute 60", "does not fit the clock"),
        ("every 30 seconds on weekdays", "does not fit the clock"),
        ("every 30 minutes between 08:30 and 18:00", "must be whole hours of one day"),
        ("every 30 minutes between 18:00 and 08:00", "must be whole hours of one day"),
        ("0 3 * * * *", "this one has 6. There is none for seconds or years."),
        ("0 3 * *", "this one has 4"),
        ("@reboot", '"@reboot" is not known. Known: @annually'),
        ("0 24 * * *", '"24" is not a hour: they go from 0 to 23.'),
        ("0 3 * * moon", '"moon" is not a day of the week'),
        ("0 3 1 * 1", "leave one of them as a star"),
        ("0 5-3 * * *", '"5-3" is no range of a hour'),
        ("0 3/0 * * *", '"3/0" is no range of a hour'),
        ("0 3- * * *", '"3-" is not a hour of a crontab'),
        ("at 03:00 on Freeday", '"freeday" is not a day of the week'),
        ("at 03:00 on m", '"m" is not a day of the week'),
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


TIMES = st.frozensets(st.tuples(st.integers(0, 23), st.integers(0, 59)), min_size=1, max_size=9)
WEEKDAYS = st.frozensets(st.integers(0, 6), min_size=1)


@given(times=TIMES, weekdays=WEEKDAYS, months=st.frozensets(st.integers(1, 12), min_size=1))
def test_times_written_are_read_back(times, weekdays, months):
    schedule = WallClock(times, weekdays, months=months)
    assert parse(describe(schedule), ANCHOR) == schedule


@given(times=TIMES, days=st.frozensets(st.integers(1, 31), min_size=1, max_size=30))
def test_days_of_the_month_written_are_read_back(times, days):
    schedule = WallClock(times, days=days, is_clamped=max(days) > 28)
    assert parse(describe(schedule), ANCHOR) == schedule


def field(low, high):
    number = st.integers(low, high)
    ranges = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.tuples(st.one_of(st.just("*"), ranges), st.integers(1, 12)).map(
        "{0[0]}/{0[1]}".format
    )
    return st.one_of(st.just("*"), number.map(str), ranges, steps)


@settings(max_examples=60)
@example(minute="*", hour="6-7/3", day="*", month="*", weekday="*")  # a step of one hour
@given(
    minute=field(0, 59),
    hour=field(0, 23),
    day=field(1, 31),
    month=field(1, 12),
    weekday=field(0, 7),
)
def test_a_crontab_written_in_words_is_read_back(minute, hour, day, month, weekday):
    by_day = f"{minute} {hour} {day} {month} *", f"{minute} {hour} * {month} {weekday}"
    for text in by_day:
        schedule = parse(text, ANCHOR)
        assert parse(describe(schedule), ANCHOR) == schedule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at 7am", "at 07:00"),
        ("at 7:30 p.m. on Mon-Fri", "at 19:30 on weekdays"),
        ("at 12am and noon", "at 00:00 and 12:00"),
        ("at 12pm on friday to monday", "at 12:00 on Monday, Friday, Saturday and Sunday"),
        ("at 6:00, 12:30, and 18:00 on sat", "at 06:00, 12:30 and 18:00 on Saturday"),
        ("at 06:00 on the 1st", "at 06:00 on the 1st"),
        ("at 06:00 on 22, 11 and 3 of each month", "at 06:00 on the 3rd, the 11th and the 22nd"),
        ("at 06:00 on the 31st", "at 06:00 on the last day"),
        ("at 06:00 on last day of the month", "at 06:00 on the last day"),
        ("at 06:00 on the 15th and the last day", "at 06:00 on the 15th and the last day"),
        ("at 06:00 on the 1st in Jan and july", "at 06:00 on the 1st in January and July"),
        ("every 15 min on weekdays", "every 15 minutes on weekdays"),
        (
            "every 20 minutes between 8am and 18:00 on Sat",
            "every 20 minutes between 08:00 and 18:00 on Saturday",
        ),
        ("every 2 hours from minute 30", "every 2 hours at minute 30"),
        ("every 60 minutes between 20:00 and midnight", "every hour between 20:00 and 24:00"),
        ("*/15 * * * *", "every 15 minutes from minute 0"),
        ("0 */2 * * *", "every 2 hours at minute 0"),
        ("0 3 * * 1-5", "at 03:00 on weekdays"),
        ("30 7 * * MON,fri", "at 07:30 on Monday and Friday"),
        ("0 0 * * 7", "at 00:00 on Sunday"),
        ("0 6 1,15 * *", "at 06:00 on the 1st and the 15th"),
        ("@daily", "at 00:00"),
        ("@hourly", "every hour at minute 0"),
        ("0 6 31 * *", "crontab 0 6 31 * *"),
        ("crontab 1,2 * * * *", "crontab 1,2 * * * *"),
        ("1 */5 * * *", "crontab 1 0-20/5 * * *"),
        ("0 8-20 * * *", "crontab 0 8,9,10,11,12,13,14,15,16,17,18,19,20 * * *"),
    ],
)
def test_what_people_write_is_shown_in_words(text, words):
    schedule = parse(text, ANCHOR)
    assert describe(schedule) == words
    assert parse(words, ANCHOR) == schedule


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("every 9 seconds", "every 9 seconds is too often: at least 10 seconds apart."),
        ("0 0 30 2 *", "It is never due: no year has such a day."),
    ],
)
def test_what_never_or_always_runs_is_refused(text, why):
    with pytest.raises(InvalidSchedule, match=why):
        check_usable(parse(text, ANCHOR), ANCHOR)
    check_usable(parse("every 10 seconds", ANCHOR), ANCHOR)
    check_usable(parse("0 0 29 2 *", ANCHOR), ANCHOR)


def test_the_last_day_is_that_of_each_month_and_its_crontab_wakes_up_before():
    last = parse("at 06:00 on the last day", ANCHOR)
    found = upcoming(last, ZoneInfo("UTC"), ANCHOR, 4)
    assert [(each.month, each.day) for each in found] == [(1, 31), (2, 28), (3, 31), (4, 30)]
    assert isinstance(last, WallClock)
    assert crontab_text.write(last)["day_of_month"] == "28,29,30,31"
    fifteenth = parse("at 06:00 on the 30th", ANCHOR)
    found = upcoming(fifteenth, ZoneInfo("UTC"), ANCHOR, 3)
    assert [(each.month, each.day) for each in found] == [(1, 30), (2, 28), (3, 30)]


def test_one_unit_is_said_without_its_count():
    assert describe(FixedInterval(timedelta(hours=1), ANCHOR)) == "every hour"
    assert describe(FixedInterval(timedelta(minutes=90), ANCHOR)) == "every 90 minutes"


def test_spans_are_written_in_their_largest_unit():
    assert units(timedelta(days=14)) == (14, "days")
    assert units(timedelta(minutes=90)) == (90, "minutes")
    assert units(timedelta(seconds=61)) == (61, "seconds")


def test_a_time_becomes_the_five_fields_of_a_crontab():
    schedule = parse("at 07:30 on weekdays", ANCHOR)
    assert isinstance(schedule, WallClock)
    assert crontab_text.write(schedule) == {
        "minute": "30",
        "hour": "7",
        "day_of_week": "1,2,3,4,5",
        "day_of_month": "*",
        "month_of_year": "*",
    }
