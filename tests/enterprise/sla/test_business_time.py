"""Business time: the worked examples, the laws, and the minute oracle."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.sla import business_time
from enterprise.sla.business_time import (
    BusinessHours,
    NoOpenHours,
    OpenInterval,
    add,
    between,
    holidays_of,
    later_day,
    read_intervals,
    subtract,
)
from tests.enterprise.oracle import HOUR, at, walked, week

NONE = timedelta(0)
OFFICE = week("09:00-17:00")
TWO = week("09:00-12:30, 13:30-18:00", zone="Europe/Lisbon")
ZONES = [
    "UTC",
    "Europe/Lisbon",
    "America/St_Johns",
    "Pacific/Chatham",
    "Australia/Adelaide",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Asia/Kathmandu",
    "America/Sao_Paulo",
]


@pytest.mark.parametrize(
    ("zone", "day", "hours", "minutes"),
    [
        ("America/St_Johns", (2027, 3, 14), "01:00-02:30", 60),
        ("America/St_Johns", (2027, 3, 14), "02:30-10:00", 420),
        ("America/St_Johns", (2027, 3, 14), "02:45-03:45", 45),
        ("America/St_Johns", (2027, 11, 7), "01:00-01:30", 60),
        ("Pacific/Chatham", (2027, 9, 26), "02:00-03:00", 45),
        ("Pacific/Chatham", (2027, 4, 4), "02:00-03:00", 75),
        ("Australia/Adelaide", (2027, 4, 4), "01:00-02:30", 120),
        ("Europe/Lisbon", (2027, 3, 28), "01:00-01:30", 0),
    ],
)
def test_a_skipped_hour_counts_nothing_and_a_repeated_one_twice(zone, day, hours, minutes):
    shift = week(hours, days=[date(*day).weekday()], zone=zone)
    noon = at(zone, *day) + timedelta(hours=12)
    span = (noon - timedelta(days=1), noon + timedelta(days=1))
    assert between(shift, *span) == timedelta(minutes=minutes) == walked(shift, *span)


@pytest.mark.parametrize(("day", "hours"), [((2027, 10, 30), 9), ((2027, 3, 27), 7)])
def test_a_night_shift_runs_through_a_change(day, hours):
    weekly = [()] * 5 + [read_intervals("22:00-24:00"), read_intervals("00:00-06:00")]
    night = BusinessHours("Europe/Lisbon", tuple(weekly))
    start = at("Europe/Lisbon", *day) + timedelta(hours=20)
    assert between(night, start, start + timedelta(hours=12)) == hours * HOUR


@pytest.mark.parametrize(
    ("clock", "hours", "expected"),
    [
        ((11, 45), 3, (2027, 5, 6, 15, 45)),
        ((11, 45), 0.75, (2027, 5, 6, 12, 30)),
        ((11, 45), 8, (2027, 5, 7, 11, 45)),
        ((12, 30), 0, (2027, 5, 6, 13, 30)),
    ],
)
def test_two_intervals_a_day(clock, hours, expected):
    start = at("Europe/Lisbon", 2027, 5, 6, *clock)
    assert add(TWO, start, hours * HOUR) == at("Europe/Lisbon", *expected)


@pytest.mark.parametrize(
    ("hours", "start", "amount", "expected"),
    [
        (OFFICE, (3, 9), 24, (5, 17)),
        (OFFICE, (5, 15, 30), 24, (10, 15, 30)),
        (week("09:00-17:00", special={date(2027, 5, 10): ""}), (5, 15, 30), 24, (11, 15, 30)),
        (OFFICE, (7, 16), 4, (10, 12)),
        (week("09:00-17:00", special={date(2027, 5, 10): ""}), (7, 16), 4, (11, 12)),
        (week("09:00-17:00", special={date(2027, 5, 11): ""}), (7, 14), 16, (12, 14)),
        (week("09:00-17:00", special={date(2027, 5, 11): "09:00-13:00"}), (7, 14), 16, (12, 10)),
    ],
)
def test_targets_count_working_hours(hours, start, amount, expected):
    found = add(hours, at("UTC", 2027, 5, *start), amount * HOUR)
    assert found == at("UTC", 2027, 5, *expected)


def test_extended_hours_reach_into_saturday_and_monday():
    days = [read_intervals("07:00-22:00")] * 5 + [read_intervals("09:00-17:00"), ()]
    extended = BusinessHours("UTC", tuple(days))
    friday, saturday = (
        datetime(2027, 5, day, hour, tzinfo=UTC) for day, hour in ((7, 20), (8, 15))
    )
    assert add(extended, friday, 4 * HOUR) == datetime(2027, 5, 8, 11, tzinfo=UTC)
    assert add(extended, saturday, 4 * HOUR) == datetime(2027, 5, 10, 9, tzinfo=UTC)


def test_around_the_clock_is_wall_time():
    always = week("00:00-24:00", days=range(7), zone="Europe/Berlin")
    start = at("Europe/Berlin", 2027, 10, 31, 0)
    assert between(always, start, start.astimezone(UTC) + 30 * HOUR) == 30 * HOUR
    assert add(always, start, 400 * 24 * HOUR) == start.astimezone(UTC) + 400 * 24 * HOUR


def test_public_holidays_of_a_country_are_closed_unless_the_day_has_hours():
    labour_day = datetime(2026, 5, 1, tzinfo=UTC)
    german = week("09:00-17:00", country="DE", subdivision="BE")
    assert between(german, labour_day, labour_day + timedelta(days=1)) == NONE
    opened = week("09:00-17:00", special={date(2026, 5, 1): "10:00-12:00"}, country="DE")
    assert between(opened, labour_day, labour_day + timedelta(days=1)) == 2 * HOUR
    with pytest.raises(ValueError, match="No holidays are known of XX"):
        holidays_of("XX", "", 2027)


def test_no_open_hours_are_refused_and_five_closed_years_give_up():
    with pytest.raises(ValueError, match="at least one open interval"):
        BusinessHours("UTC", ((),) * 7)
    closed = {date(2027, 1, 1) + timedelta(days=day): "" for day in range(8 * 366)}
    never = week("09:00-17:00", special=closed)
    with pytest.raises(NoOpenHours, match="Nothing is open in UTC for 5 years"):
        add(never, datetime(2027, 6, 1, tzinfo=UTC), HOUR)
    with pytest.raises(NoOpenHours):
        subtract(never, datetime(2034, 6, 1, tzinfo=UTC), HOUR)
    with pytest.raises(NoOpenHours):
        later_day(never, datetime(2027, 6, 1, tzinfo=UTC), 1)


@pytest.mark.parametrize(
    "text", ["9-17", "17:00-09:00", "09:00", "09:00-12:00, 11:00-13:00", "09:00Z-10:00", "a-b"]
)
def test_intervals_that_make_no_sense_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        read_intervals(text)


def test_intervals_are_written_as_they_are_read():
    found = read_intervals("00:00-06:00, 22:00:30-24:00")
    assert [business_time.interval_text(each) for each in found] == [
        "00:00-06:00",
        "22:00:30-24:00",
    ]
    assert OpenInterval(NONE, HOUR) == read_intervals("00:00-01:00")[0]


def test_later_days_keep_the_local_time_and_skip_closed_dates():
    thursday = datetime(2027, 5, 6, 10, tzinfo=UTC)
    days = [later_day(OFFICE, thursday, count).day for count in (2, 5, 8, 11)]
    assert days == [10, 13, 18, 21]
    lisbon = week("00:00-24:00", days=range(7), zone="Europe/Lisbon")
    skipped = at("Europe/Lisbon", 2027, 3, 27, 1, 30)
    assert later_day(lisbon, skipped, 1) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


intervals = st.lists(st.integers(0, 48), min_size=2, max_size=4, unique=True).map(sorted)


@st.composite
def calendars(draw):
    """A week with one or two intervals on most days, in a zone that changes its clocks."""

    def day():
        marks = draw(intervals)
        return tuple(
            OpenInterval(a * HOUR / 2, b * HOUR / 2)
            for a, b in zip(marks[::2], marks[1::2], strict=False)
        )

    weekly = tuple(day() if draw(st.booleans()) else () for _ in range(7))
    weekly = weekly if any(weekly) else (*weekly[:6], day())
    special = (
        {date(2027, month, 28): day() for month in (3, 4, 9, 10)} if draw(st.booleans()) else {}
    )
    return BusinessHours(draw(st.sampled_from(ZONES)), weekly, special)


CHANGES = [
    datetime(2027, *day, tzinfo=UTC) for day in ((3, 13), (3, 27), (4, 3), (9, 25), (10, 30))
]
starts = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(0, 2 * 1440),
)
amounts = st.integers(0, 6_000).map(lambda minutes: timedelta(minutes=minutes))


@given(hours=calendars(), start=starts, length=st.integers(0, 1800))
def test_a_span_equals_a_walk_minute_by_minute(hours, start, length):
    end = start + timedelta(minutes=length)
    assert between(hours, start, end) == walked(hours, start, end)


@given(hours=calendars(), start=starts, amount=amounts)
def test_what_is_added_lies_between(hours, start, amount):
    end = add(hours, start, amount)
    assert between(hours, start, end) == amount
    assert between(hours, start, end - timedelta(seconds=1)) < amount or not amount


@given(hours=calendars(), start=starts, amount=amounts)
def test_subtracting_takes_back_what_was_added_to_an_open_instant(hours, start, amount):
    opened = add(hours, start, NONE)
    assert subtract(hours, add(hours, opened, amount), amount) == opened


@given(hours=calendars(), start=starts, later=st.integers(0, 3000), first=amounts, more=amounts)
def test_adding_is_monotone(hours, start, later, first, more):
    assert add(hours, start, first) <= add(hours, start, first + more)
    assert add(hours, start, first) <= add(hours, start + timedelta(minutes=later), first)


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_change_where_the_zone_says(zone):
    for year in (2026, 2027):
        for change in business_time.offset_changes(zone, year):
            before, after = (change - timedelta(seconds=1), change)
            offsets = [each.astimezone(ZoneInfo(zone)).utcoffset() for each in (before, after)]
            assert offsets[0] != offsets[1]
