import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.decisions.digest import canonical, digest, to_json_values

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)


def test_the_order_of_keys_does_not_matter():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_the_digest_is_the_known_one_of_canonical_json():
    assert canonical({"b": [Decimal("1.50")], "a": "é"}) == '{"a":"é","b":["1.50"]}'
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_one_instant_has_one_form():
    berlin = timezone(timedelta(hours=1))
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert digest(noon) == digest(noon.astimezone(berlin))
    assert to_json_values(datetime(2026, 1, 1, 12)) == "2026-01-01T12:00:00"  # noqa: DTZ001 - a naive one keeps its form
    assert to_json_values(date(2026, 1, 1)) == "2026-01-01"
    assert to_json_values(timedelta(minutes=1)) == "60.0 s"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), "\ud800"])
def test_what_has_no_digest_is_refused(value):
    with pytest.raises(ValueError, match=r"not|surrogates"):
        digest([value])


@pytest.mark.parametrize("value", [{1, 2}, {1: 2}, object()])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(TypeError, match=r"cannot be part|not text"):
        digest(value)


@given(values)
def test_the_plain_form_is_json_and_its_own_plain_form(value):
    assert to_json_values(to_json_values(value)) == to_json_values(value)
    assert digest(json.loads(canonical(value))) == digest(value)
