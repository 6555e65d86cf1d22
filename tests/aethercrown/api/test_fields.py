"""Fields that take a JSON value only as what it is."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from aethercrown.api import fields
from aethercrown.api.errors import TooLarge

NO_NUMBERS = ["5", "", True, False, [], {}, float("nan"), float("inf"), Decimal("NaN")]


def refusal(field, value):
    """The code and message of the first error; fails where the value is taken."""
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(value)
    detail = caught.value.get_full_details()
    while not isinstance(detail, dict) or "message" not in detail:
        detail = detail[0] if isinstance(detail, list) else next(iter(detail.values()))
    return detail["code"], detail["message"]


@pytest.mark.parametrize("value", [*NO_NUMBERS, 10**400])
@pytest.mark.parametrize("make", [fields.Number, fields.Money, fields.Count, fields.Percent])
def test_what_is_no_number_is_refused(make, value):
    assert refusal(make(), value)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (fields.Number(), 5, 5.0),
        (fields.Number(), Decimal("-1.5"), -1.5),
        (fields.Percent(), 100, 100.0),
        (fields.Probability(), Decimal("0.25"), 0.25),
        (fields.Money(), 5, Decimal("5.00")),
        (fields.Money(), 0.1, Decimal("0.10")),
        (fields.Money(rounded=True), Decimal("1.005"), Decimal("1.00")),
        (fields.Money(rounded=True), 1234.5678, Decimal("1234.57")),
        (fields.Money(min_value=None), Decimal("-2.5"), Decimal("-2.50")),
        (fields.Count(), 7, 7),
        (fields.Count(), Decimal("3.0"), 3),
        (fields.Flag(), True, True),
        (fields.Flag(), False, False),
        (fields.Text(), "  Ünïcode \n", "Ünïcode"),
        (fields.Identifier(), 12, "12"),
        (fields.Identifier(), "u-1", "u-1"),
        (fields.Option(choices=["a", "b"]), "a", "a"),
        (fields.Currency(), "EUR", "EUR"),
        (fields.Date(), "2024-02-29", date(2024, 2, 29)),
        (fields.Instant(), "2026-12-31T23:59:00Z", datetime(2026, 12, 31, 23, 59, tzinfo=UTC)),
        (fields.Instant(), "2026-12-31 23:59:00.5+02:00", None),
        (fields.ScalarMap(), {"a": 1, "b": "x", "c": None, "d": True}, None),
        (fields.ItemList(child=fields.Count()), [1, 2], [1, 2]),
        (fields.ValueMap(child=fields.Count()), {"a": 1}, {"a": 1}),
    ],
)
def test_a_good_value_is_taken(field, value, expected):
    taken = field.run_validation(value)
    if expected is not None:
        assert taken == expected
        assert type(taken) is type(expected)


@pytest.mark.parametrize(
    ("field", "value", "code", "words"),
    [
        (fields.Number(min_value=0), -1, "min_value", "must be 0 or more"),
        (fields.Number(max_value=9), 10, "max_value", "must be 9 or less"),
        (fields.Number(), "5", "not_a_number", "must be a number"),
        (fields.Percent(), 100.5, "max_value", "100"),
        (fields.Probability(), -0.1, "min_value", "0"),
        (fields.Money(), Decimal("1.005"), "max_decimal_places", "2 decimals"),
        (fields.Money(), -0.01, "min_value", "must be 0 or more"),
        (fields.Money(), -(10**30), "min_value", "must be 0 or more"),
        (fields.Money(), Decimal("1e300"), "max_value", "999999999999.99"),
        (fields.Money(max_value=Decimal(5)), Decimal("1e300"), "max_value", "5"),
        (fields.Count(), 1.5, "not_whole", "whole"),
        (fields.Count(), -1, "min_value", "0"),
        (fields.Count(), Decimal("1e300"), "max_value", "9007199254740991"),
        (fields.Count(), Decimal("-1e300"), "min_value", "0"),
        (fields.Flag(), "true", "not_a_flag", "true or false"),
        (fields.Flag(), 1, "not_a_flag", "true or false"),
        (fields.Flag(), None, "null", "null"),
        (fields.Text(), 5, "invalid", "string"),
        (fields.Text(), " ", "blank", "blank"),
        (fields.Text(max_length=3), "abcd", "max_length", "3"),
        (fields.Text(), "a\0", "null_characters_not_allowed", "Null"),
        (fields.Text(), "\ud800", "surrogate_characters_not_allowed", "Surrogate"),
        (fields.Identifier(), True, "invalid", "whole number"),
        (fields.Identifier(), 1.5, "invalid", "whole number"),
        (fields.Option(choices=["a", "b"]), "c", "invalid_choice", "a, b"),
        (fields.Option(choices=["True"]), True, "invalid_choice", "True"),
        (fields.Currency(), "usd", "unknown_currency", "ISO 4217"),
        (fields.Currency(), 7, "unknown_currency", "ISO 4217"),
        (fields.Date(), "2026-02-30", "not_a_date", "2026-12-31"),
        (fields.Date(), "2026-1-1", "not_a_date", "2026-12-31"),
        (fields.Date(), 20260101, "not_a_date", "2026-12-31"),
        (fields.Date(), "1066-10-14", "out_of_range", "1900"),
        (fields.Instant(), "2026-12-31", "not_a_time", "Z"),
        (fields.Instant(), "2026-13-31T00:00:00Z", "not_a_time", "Z"),
        (fields.Instant(), "2026-12-31T23:59:00", "no_offset", "offset"),
        (fields.Instant(), "0001-01-01T00:00:00+14:00", "out_of_range", "1900"),
        (fields.ItemList(child=fields.Count()), {"0": 1}, "not_a_list", "list"),
        (fields.ItemList(child=fields.Count(), least=2), [1], "min_length", "2"),
        (fields.ItemList(child=fields.Count(), allow_empty=False), [], "empty", "empty"),
        (fields.ValueMap(child=fields.Count()), [1], "not_a_dict", "object"),
        (fields.ValueMap(child=fields.Count()), {"": 1}, "long_name", "255"),
        (fields.ValueMap(child=fields.Count()), {"n" * 256: 1}, "long_name", "255"),
        (fields.ScalarMap(), {"a": [1]}, "invalid", "number"),
        (fields.ScalarMap(), {"a": "x" * 1_001}, "max_length", "1000"),
        (fields.ScalarMap(), {"a": float("nan")}, "not_finite", "finite"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(field, value, code, words):
    found, message = refusal(field, value)
    assert found == code
    assert words in message


@given(st.integers(min_value=0, max_value=99_999_999_999_999))
def test_money_is_exact_to_the_cent(cents):
    amount = Decimal(cents).scaleb(-2)
    assert fields.Money().run_validation(amount) == amount
    assert fields.Money().run_validation(float(amount)) == amount


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_float(value):
    assert fields.Number().run_validation(value) == value


def test_a_list_over_its_limit_is_too_large_and_says_both_sizes():
    class Inner(serializers.Serializer):
        rows = fields.ItemList(child=fields.Count(), most=2)

    class Outer(serializers.Serializer):
        tests = fields.ItemList(child=Inner())

    with pytest.raises(TooLarge) as caught:
        Outer(data={"tests": [{"rows": [1, 2, 3]}]}).is_valid()
    assert caught.value.detail == {"tests.rows": ["has 3 entries; at most 2 are taken"]}


def test_a_mapping_over_its_limit_is_too_large():
    with pytest.raises(TooLarge) as caught:
        fields.ValueMap(child=fields.Count(), most=1).run_validation({"a": 1, "b": 2})
    assert caught.value.detail == {"non_field_errors": ["has 2 entries; at most 1 are taken"]}


def test_facts_give_back_what_they_hold():
    assert fields.ScalarMap().to_representation({"a": 1.5, "b": None}) == {"a": 1.5, "b": None}
