"""Which conversions count and when a bucket closes: the worked example and its edges."""

from datetime import UTC, datetime, timedelta

import pytest

from marketing.experiments import windows

WEEK, DAY = timedelta(hours=168), timedelta(hours=24)
MONDAY = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
NEXT = MONDAY + timedelta(days=7)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("converted_at", "are_both_dated", "counts"),
    [
        (MONDAY, True, True),
        (NEXT, True, True),
        (NEXT + SECOND, True, False),
        (NEXT + SECOND, False, False),
        (MONDAY.replace(minute=19), True, False),
        (MONDAY.replace(minute=19), False, True),
        (MONDAY - timedelta(minutes=61), False, False),
    ],
)
def test_a_conversion_counts_within_its_window(converted_at, are_both_dated, counts):
    found = windows.is_within(MONDAY, converted_at, WEEK, are_both_dated=are_both_dated)
    assert found is counts


def test_a_bucket_closes_when_window_and_an_hour_have_passed():
    bucket = windows.bucket_start(MONDAY, WEEK)
    assert bucket == MONDAY.replace(minute=0)
    closing = NEXT.replace(hour=12, minute=0)
    assert windows.closes_at(bucket, WEEK) == closing
    assert not windows.is_closed(bucket, WEEK, closing - SECOND, MONDAY)
    assert windows.is_closed(bucket, WEEK, closing, MONDAY)
    assert not windows.is_closed(bucket, WEEK, closing, closing - timedelta(minutes=59))
    assert windows.is_closed(bucket, timedelta(0), MONDAY, MONDAY)


def test_buckets_are_a_minute_where_the_window_is_under_a_day():
    at = MONDAY + timedelta(seconds=42)
    assert windows.bucket_start(at, timedelta(hours=23)) == MONDAY
    assert windows.bucket_start(at, DAY) == MONDAY.replace(minute=0)
    assert windows.bucket_length(timedelta(hours=1)) == timedelta(minutes=1)


def test_the_time_of_an_event_stays_inside_the_test():
    started, received = MONDAY, MONDAY + timedelta(hours=2)
    assert windows.event_time(None, received, started) == received
    assert windows.event_time(MONDAY - SECOND, received, started) == started
    assert windows.event_time(received + timedelta(minutes=5), received, started) == received
    assert windows.event_time(received + timedelta(minutes=5, seconds=1), received, started) is None
    assert windows.event_time(MONDAY + SECOND, received, started) == MONDAY + SECOND
