"""Reading events, and what the events of one visitor add up to."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from marketing.experiments.tracking.contribution import Span, VisitorEvent, contribution
from marketing.experiments.tracking.event_input import (
    EventClock,
    EventKind,
    InvalidTrackedEvent,
    read_event,
)

NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
CLOCK = EventClock("t1", NOW - timedelta(days=3), NOW, {"A": 0, "B": 1})
WEEK = timedelta(days=7)


def read(**fields):
    return read_event({"variant_id": "A", **fields}, CLOCK)


def problems(item):
    with pytest.raises(InvalidTrackedEvent) as raised:
        read_event(item, CLOCK)
    return {each.field: each.code for each in raised.value.problems}


def test_an_event_is_a_conversion_at_its_receipt_unless_it_says_otherwise():
    found = read()
    assert (found.kind, found.place, found.at, found.is_dated) == ("conversion", 0, NOW, False)
    assert (found.value, found.times, found.source) == (0, 1, "api")
    dated = read(event="impression", occurred_at="2026-03-02T09:00:00+01:00", source="snippet 1")
    assert (dated.at.hour, dated.is_dated, dated.source) == (8, True, "snippet 1")
    assert read(value=2.5).value == 2_500_000
    assert read(occurred_at="2020-01-01T00:00:00Z").at == CLOCK.started_at


def test_every_bad_field_is_named():
    assert problems([]) == {"": "not_a_dict"}
    bad = {
        "variant_id": "C", "event": "click", "visitor_id": " ", "value": float("nan"), "count": 0,
        "event_id": "x" * 201, "occurred_at": "2026-03-02T10:26:00Z", "source": "a\0b", "extra": 1,
    }  # fmt: skip
    assert problems(bad) == {
        "variant_id": "unknown_variant", "event": "invalid_choice", "visitor_id": "invalid",
        "value": "invalid", "count": "min_value", "event_id": "max_length",
        "occurred_at": "in_future", "source": "invalid", "extra": "unknown",
    }  # fmt: skip
    worse = {"event": 3, "visitor_id": 3, "value": -1, "count": True, "occurred_at": "2026-03-02"}
    assert problems(worse) == {
        "variant_id": "required", "event": "invalid_choice", "visitor_id": "invalid",
        "value": "min_value", "count": "invalid", "occurred_at": "invalid",
    }  # fmt: skip
    assert problems({"variant_id": 1, "value": True, "occurred_at": 5}) == {
        "variant_id": "invalid", "value": "invalid", "occurred_at": "invalid",
    }  # fmt: skip


def test_the_same_event_has_the_same_key():
    with_id = [read(event_id="e", visitor_id="v", value=each) for each in (1, 2)]
    assert with_id[0].key == with_id[1].key
    assert with_id[0].content != with_id[1].content
    assert read(visitor_id="v").key == read(visitor_id="v").key != read(visitor_id="w").key
    assert read(visitor_id="v").key != read(visitor_id="v", event="impression").key
    assert read().key != read().key
    assert read(visitor_id="v", value=2).key != read(visitor_id="v", value=2).key
    at = "2026-03-02T09:00:00Z"
    paid = [read(visitor_id="v", value=2, occurred_at=at) for _ in range(2)]
    assert paid[0].key == paid[1].key
    assert read(visitor_id="v", count=5).key != read(visitor_id="v", count=5).key


def event(kind, minutes, place=0, **changes):
    usual = {"has_id": False, "is_dated": True, "value": 0}
    return VisitorEvent(kind, place, NOW + timedelta(minutes=minutes), **usual | changes)


def summed(*events, place=0, **span):
    return contribution(events, place, Span(WEEK, **span))


IMPRESSION, CONVERSION = EventKind.IMPRESSION, EventKind.CONVERSION


def test_the_order_of_arrival_does_not_matter():
    events = [
        event(IMPRESSION, 0),
        event(IMPRESSION, -90, has_id=True),
        event(CONVERSION, 30, value=3_000_000),
        event(CONVERSION, 60, value=4_000_000),
        event(CONVERSION, 60 * 24 * 8),
    ]
    found = {summed(*each) for each in permutations(events)}
    assert len(found) == 1
    one = found.pop()
    assert one.bucket == NOW.replace(hour=8, minute=0)
    assert (one.visitors, one.impressions, one.converters, one.late) == (1, 2, 1, 1)
    assert (one.value, one.squares) == (7_000_000, 49)


def test_what_is_without_an_exposure_in_time_is_kept_apart():
    alone = summed(event(CONVERSION, 0), event(CONVERSION, 5))
    assert (alone.visitors, alone.converters, alone.unexposed_conversions) == (0, 0, 2)
    closed = summed(event(IMPRESSION, 0), closed_until=NOW + timedelta(hours=1))
    assert (closed.visitors, closed.late_exposures) == (0, 1)
    ended = summed(event(IMPRESSION, 0), ended_at=NOW - timedelta(hours=1))
    assert (ended.visitors, ended.ignored) == (0, 1)
    both = summed(event(IMPRESSION, -90), event(IMPRESSION, 0), closed_until=NOW.replace(minute=0))
    assert (both.bucket, both.late_exposures) == (NOW.replace(minute=0), 1)


def test_an_event_of_another_arm_is_contamination():
    found = summed(event(IMPRESSION, 0), event(CONVERSION, 1, place=1))
    assert (found.converters, found.is_contaminated) == (1, True)
    assert not summed(event(IMPRESSION, 0, place=1), place=1).is_contaminated
