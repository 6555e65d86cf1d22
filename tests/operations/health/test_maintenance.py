"""Windows by the wall clock of a zone, across changes of the clock, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from operations.automations.schedule_text import InvalidSchedule
from operations.health import maintenance

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def utc(year, month, day, hour=0, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "zone", "at", "ends"),
    [
        ("at 02:00 on Sunday", "", utc(2026, 11, 22, 2), utc(2026, 11, 22, 4)),
        ("at 02:00 on Sunday", "", utc(2026, 11, 22, 1, 59), None),
        ("at 02:00 on Sunday", "", utc(2026, 11, 22, 4), None),
        ("at 23:00 on the last day", "", utc(2027, 3, 1, 0, 30), utc(2027, 3, 1, 1)),
        # spring: 02:30 does not exist and begins at 03:00 summer time, 01:00 in UTC
        ("at 02:30 on Sunday", BERLIN, utc(2026, 3, 29, 2, 59), utc(2026, 3, 29, 3)),
        ("at 02:30 on Sunday", BERLIN, utc(2026, 3, 29, 0, 59), None),
        # autumn: 02:30 comes twice, and counts the first time; it lasts two real hours
        ("at 02:30 on Sunday", BERLIN, utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 2, 30)),
        ("at 02:30 on Sunday", BERLIN, utc(2026, 10, 25, 2, 30), None),
    ],
)
def test_a_window_begins_by_the_wall_clock_and_lasts_its_minutes(times, zone, at, ends):
    assert maintenance.ends_at(times, zone, 120, at) == ends


def test_the_next_window_is_known():
    assert maintenance.next_at("at 02:00 on the 31st", BERLIN, NOW) == utc(2026, 11, 30, 1)


@pytest.mark.parametrize(
    ("window", "found"),
    [
        (("", "", None), {}),
        (("at 02:00", BERLIN, 60), {}),
        (("at 02:00", "Berlin", None), {"maintenance_zone": "time zone Berlin",
                                        "maintenance_minutes": "how long"}),
        (("", "", 60), {"maintenance_times": "when it begins"}),
        (("every 30 minutes", "", 60), {"maintenance_times": "Name the time of day"}),
        (("0 2 30 2 *", "", 60), {"maintenance_times": "never due"}),
        (("0 2 * * * *", "", 60), {"maintenance_times": "five"}),
        (("on Sundays", "", 60), {"maintenance_times": "is not a schedule"}),
    ],
)  # fmt: skip
def test_what_is_no_window_is_told_by_field(window, found):
    times, zone, minutes = window
    told = maintenance.problems(times, zone, minutes, NOW)
    assert told.keys() == found.keys()
    assert all(words in told[field] for field, words in found.items()), told


def test_an_interval_names_no_time():
    with pytest.raises(InvalidSchedule, match="time of day"):
        maintenance.read_times("every 2 days")


def test_a_week_is_the_longest():
    assert timedelta(minutes=maintenance.MAX_MINUTES) == timedelta(days=7)
