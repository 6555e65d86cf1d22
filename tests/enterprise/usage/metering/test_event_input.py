"""Events as callers send them: every bad field is named, with its reason."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.usage.metering.event_input import (
    MAX_CLOCK_AHEAD,
    WINDOW,
    EventInput,
    InvalidEvent,
    read_event,
)

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
GOOD = {
    "event_id": "e-1",
    "client_id": "acme",
    "metric": "api_calls",
    "quantity": 5,
    "timestamp": "2027-03-01T11:00:00Z",
}


def codes(item, **options):
    with pytest.raises(InvalidEvent) as raised:
        read_event(item, NOW, **options)
    return {each.field: each.code for each in raised.value.problems}


def test_a_good_event():
    at = datetime(2027, 3, 1, 11, tzinfo=UTC)
    assert read_event(GOOD, NOW) == EventInput("e-1", "acme", "api_calls", Decimal(5), at)


def test_whole_numbers_are_ids_and_an_offset_is_converted():
    found = read_event(
        {**GOOD, "event_id": 7, "client_id": 9, "timestamp": "2027-03-01T12:00+01:00"}, NOW
    )
    assert (found.event_id, found.client_id, found.at.hour) == ("7", "9", 11)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"quantity": float("nan")}, "quantity", "invalid"),
        ({"quantity": Decimal("Infinity")}, "quantity", "invalid"),
        ({"quantity": "5"}, "quantity", "invalid"),
        ({"quantity": True}, "quantity", "invalid"),
        ({"quantity": -1}, "quantity", "min_value"),
        ({"quantity": 10**12 + 1}, "quantity", "invalid"),
        ({"quantity": Decimal("0.0000001")}, "quantity", "invalid"),
        ({"quantity": None}, "quantity", "null"),
        ({"timestamp": "yesterday"}, "timestamp", "invalid"),
        ({"timestamp": 5}, "timestamp", "invalid"),
        ({"timestamp": None}, "timestamp", "null"),
        ({"timestamp": "2027-03-01T11:00:00"}, "timestamp", "invalid"),
        ({"timestamp": "0027-03-01T11:00:00Z"}, "timestamp", "invalid"),
        ({"timestamp": "2027-03-01T12:05:01Z"}, "timestamp", "in_the_future"),
        ({"timestamp": "2027-01-26T11:59:59Z"}, "timestamp", "too_old"),
        ({"event_id": ""}, "event_id", "blank"),
        ({"event_id": "x" * 101}, "event_id", "max_length"),
        ({"event_id": "a\x00b"}, "event_id", "invalid"),
        ({"metric": 5}, "metric", "invalid"),
        ({"client_id": None}, "client_id", "null"),
        ({"metrik": "x"}, "metrik", "unknown"),
        ({"source": "x" * 101}, "source", "max_length"),
        ({"source": "readings"}, "source", "reserved"),
    ],
)
def test_a_bad_field_is_named(change, field, code):
    assert codes({**GOOD, **change}) == {field: code}


def test_every_bad_field_is_named_at_once():
    assert codes({"quantity": "x", "timestamp": "y"}) == {
        "event_id": "required",
        "client_id": "required",
        "metric": "required",
        "quantity": "invalid",
        "timestamp": "invalid",
    }
    assert codes({}).keys() == {"event_id", "client_id", "metric", "quantity", "timestamp"}
    assert codes("text") == {"": "not_a_dict"}


def test_the_window_is_inclusive_and_a_backfill_has_none():
    for at in (NOW - WINDOW, NOW + MAX_CLOCK_AHEAD):
        assert read_event({**GOOD, "timestamp": at.isoformat()}, NOW).at == at
    old = (NOW - timedelta(days=900)).isoformat()
    assert read_event({**GOOD, "timestamp": old}, NOW, window=None).at.year == 2024


def test_a_correction_is_negative():
    found = read_event({**GOOD, "quantity": -2.5, "corrects": "e-0"}, NOW)
    assert (found.quantity, found.corrects) == (Decimal("-2.5"), "e-0")


def test_a_cloud_event():
    found = read_event(
        {
            "specversion": "1.0",
            "id": "e-1",
            "source": "billing",
            "type": "api_calls",
            "subject": "acme",
            "time": "2027-03-01T11:00:00Z",
            "datacontenttype": "application/json",
            "data": {"quantity": 5},
        },
        NOW,
    )
    assert (found.source, found.client_id, found.quantity) == ("billing", "acme", Decimal(5))
    assert codes({"specversion": "1.0", "data": 5}).keys() >= {"event_id", "quantity"}


def test_identity_is_source_and_id_and_content_is_the_rest():
    one = read_event(GOOD, NOW)
    other_time = read_event({**GOOD, "timestamp": "2027-03-01T10:00:00Z"}, NOW)
    same = read_event({**GOOD, "quantity": Decimal("5.0")}, NOW)
    assert one.key == other_time.key
    assert one.content != other_time.content
    assert one.content == same.content
    assert one.key != read_event({**GOOD, "source": "other"}, NOW).key


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


@given(st.dictionaries(st.sampled_from([*GOOD, "corrects", "other"]), values) | values)
def test_any_value_is_read_or_refused(item):
    with suppress(InvalidEvent):
        assert read_event(item, NOW).at <= NOW + MAX_CLOCK_AHEAD
