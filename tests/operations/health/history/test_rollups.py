from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.health.history import rollups
from operations.health.history.rollups import CheckPoint, InvalidPeriod, Totals, parse_period

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STATUSES = ["healthy", "degraded", "unhealthy", "unknown", "maintenance"]


def totals(points, start=NOON, end=NOON + HOUR, max_gap=2 * HOUR):
    return rollups.total(points, start, end, max_gap)


def point(minutes, status="healthy", ms=10.0):
    return CheckPoint(NOON + minutes * MINUTE, status, None if status == "unhealthy" else ms)


def test_each_check_counts_until_the_next_one():
    found = totals([point(0), point(30, "unhealthy"), point(45, "degraded")])
    assert (found.up_seconds, found.down_seconds) == (2700, 900)
    assert found.availability_percent == 75
    assert (found.checks, found.failed, found.sum_ms) == (3, 1, 20)


def test_the_time_of_a_check_before_the_hour_counts_into_it_but_the_check_does_not():
    found = totals([point(-30), point(15, "unhealthy")])
    assert (found.up_seconds, found.down_seconds, found.checks) == (900, 2700, 1)


def test_beyond_two_intervals_there_is_a_gap_that_is_no_downtime():
    found = totals([point(-170, "unhealthy")], max_gap=2 * HOUR)
    assert (found.up_seconds, found.down_seconds) == (0, 0)
    assert found.availability_percent is None
    days = totals([point(0)], end=NOON + 48 * HOUR)
    assert days.up_seconds == 7200
    assert days.availability_percent == 100


def test_unknown_and_maintenance_are_left_out():
    found = totals([point(0, "unknown", None), point(20, "maintenance", None), point(40)])
    assert (found.unknown_seconds, found.maintenance_seconds) == (1200, 1200)
    assert found.availability_percent == 100


def test_percentiles_come_of_successes_only_and_are_none_without_any():
    found = totals([point(0, ms=5), point(1, ms=20), point(2, "unhealthy")])
    assert found.percentile(0.5) == pytest.approx(5, rel=0.025)
    assert found.percentile(0.99) == pytest.approx(20, rel=0.025)
    assert Totals().percentile(0.5) is None
    assert Totals(min_ms=1.0).percentile(0.5) is None


@given(
    st.lists(st.tuples(st.integers(-120, 300), st.sampled_from(STATUSES)), max_size=40),
    st.integers(1, 4),
)
def test_hours_add_up_to_the_whole_whatever_was_seen(seen, hours):
    points = [point(minutes, status) for minutes, status in sorted(seen)]
    whole = totals(points, end=NOON + hours * HOUR)
    parts = rollups.merge(
        totals(points, NOON + each * HOUR, NOON + (each + 1) * HOUR) for each in range(hours)
    )
    for name in ("up_seconds", "down_seconds", "unknown_seconds", "maintenance_seconds"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))
    assert (parts.checks, parts.failed, parts.histogram) == (
        whole.checks,
        whole.failed,
        whole.histogram,
    )
    assert (parts.min_ms, parts.max_ms) == (whole.min_ms, whole.max_ms)
    available = parts.availability_percent
    assert available is None or 0 <= available <= 100


def test_nothing_merges_to_nothing():
    assert rollups.merge([]) == Totals()


def test_hours_and_days_are_those_of_utc():
    assert rollups.hour_of(NOON + 59 * MINUTE) == NOON
    assert rollups.day_of(NOON) == NOON.replace(hour=0)
    assert list(rollups.hours(NOON + MINUTE, NOON + 2 * HOUR)) == [NOON, NOON + HOUR]
    assert list(rollups.hours(NOON, NOON + 59 * MINUTE)) == []


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("24h", timedelta(hours=24)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("730d", timedelta(days=730)),
    ],
)
def test_hours_and_days_are_read(text, length):
    assert parse_period(text) == length


@pytest.mark.parametrize(
    "text", ["", "24", "h", "0h", "-1d", "1.5h", "24H", "7 d", "\u0661d", "1w"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidPeriod, match="24h, 7d or 90d"):
        parse_period(text)


@pytest.mark.parametrize("text", ["731d", "17521h", "99999d"])
def test_longer_than_history_is_refused(text):
    with pytest.raises(InvalidPeriod, match="730d"):
        parse_period(text)
