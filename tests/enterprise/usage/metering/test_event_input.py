"""Events as callers send them: every bad field is named, with its reason."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.usage.metering.event_input import (
    MAX_CLOCK_AHEAD,
    MAX_UNKNOWN,
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


def test_a_cloud_event_may_have_extensions_and_a_long_source():
    item = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "https://api.example.com/orders/" + "x" * 60,
        "type": "api_calls",
        "subject": "acme",
        "time": "2027-03-01T11:00:00Z",
        "traceparent": "00-1",
        "partitionkey": 7,
        "data": {"quantity": 5},
    }
    assert read_event(item, NOW).quantity == 5
    assert codes({**item, "data": {"quantity": 5, "amount": 1}}) == {"amount": "unknown"}


def test_many_unknown_names_are_counted_and_each_named_one_has_the_nearest():
    found = codes({**GOOD, **{f"extra-{place}": 1 for place in range(50)}})
    assert len(found) == MAX_UNKNOWN + 1
    with pytest.raises(InvalidEvent, match="quantitty is not known here; the nearest is quantity"):
        read_event({**GOOD, "quantitty": 1}, NOW)
    with pytest.raises(InvalidEvent, match="has 30 more unknown names"):
        read_event({**GOOD, **{f"extra-{place}": 1 for place in range(50)}}, NOW)


def test_a_backfill_takes_events_from_a_day_on():
    old = {**GOOD, "timestamp": "2025-01-01T00:00:00Z"}
    assert (
        read_event(old, NOW, window=None, earliest=datetime(2025, 1, 1, tzinfo=UTC)).at.year == 2025
    )
    assert codes(old, window=None, earliest=datetime(2025, 1, 2, tzinfo=UTC)) == {
        "timestamp": "too_old"
    }


def test_the_value_is_part_of_the_content_only_where_there_is_one():
    one, other = (read_event({**GOOD, "value": each}, NOW) for each in ("ann", "bob"))
    assert one.value == "ann"
    assert len({one.content, other.content, read_event(GOOD, NOW).content}) == 3
    assert codes({**GOOD, "value": "x" * 101}) == {"value": "max_length"}


@given(
    st.sampled_from(["e-1", " e-1", "e\t1", "x" * 100]),
    st.integers(-2, 10**13),
    st.sampled_from([
        "2027-03-01T11:00:00Z", "2027-03-01T11:00:00+00:00", "2027-03-01T09:00:00-02:00",
        "2027-03-01T11:00:00", "2027-03-01T11:00:00z", "2027-03-01 11:00Z",
        "0001-01-01T00:00:00+05:00",
    ]),
)  # fmt: skip
def test_the_short_way_reads_what_the_full_check_reads(event_id, quantity, timestamp):
    item = {**GOOD, "event_id": event_id, "quantity": quantity, "timestamp": timestamp}

    def read(given):
        try:
            return read_event(given, NOW)
        except InvalidEvent as error:
            return error.problems

    assert read(item) == read({**item, "source": "api"})


def test_contents_are_told_apart_whatever_their_parts_begin_with():
    one, other = ({**GOOD, "client_id": client, "metric": metric}
                  for client, metric in (("ab", "c"), ("a", "bc")))  # fmt: skip
    assert read_event(one, NOW).content != read_event(other, NOW).content
