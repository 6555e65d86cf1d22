"""Serializer fields with strict types: "5", true and NaN are not numbers.

The body parser passes numbers with a fraction as Decimal, so that money stays exact; `Number`
returns float. Messages begin with a verb, because the path comes before them:
`historical_data[2].spend: must be 0 or more`.
"""

import math
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from rest_framework import serializers

from aethercrown.api.errors import TooLarge
from aethercrown.currencies import CODES

LARGEST_COUNT = 2**53 - 1  # above it, JavaScript and float lose units
LARGEST_MONEY = Decimal("999999999999.99")  # fits a column of 14 digits
CENT = Decimal("0.01")
FIRST_YEAR, LAST_YEAR = 1900, 2199

PRESENCE = {"required": "is required", "null": "must not be null"}
BOUNDS = {
    "min_value": "must be {min_value} or more",
    "max_value": "must be {max_value} or less",
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)?", re.ASCII
)


def is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


class Number(serializers.FloatField):
    """A finite number, as float; `min_value` and `max_value` bound it."""

    default_error_messages = {
        **PRESENCE,
        **BOUNDS,
        "not_a_number": "must be a number",
        "not_finite": "must be a finite number",
    }

    def to_internal_value(self, data: Any) -> float:
        if not is_number(data):
            self.fail("not_a_number")
        try:
            value = float(data)
        except OverflowError:
            self.fail("not_finite")
        if not math.isfinite(value):
            self.fail("not_finite")
        return value + 0.0  # no negative zero


class Percent(Number):
    """0 to 100."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": 100, **kwargs})


class Probability(Number):
    """0 to 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": 1, **kwargs})


class Money(serializers.DecimalField):
    """An amount of 0 or more with at most two decimals, as Decimal; exact both ways.

    More decimals are refused, or rounded half to even with `rounded=True` (for history
    computed with floats). `min_value` and `max_value` may be given.
    """

    default_error_messages = {
        **PRESENCE,
        **BOUNDS,
        "not_a_number": "must be a number",
        "not_finite": "must be a finite number",
        "max_decimal_places": "must have at most 2 decimals",
    }

    def __init__(self, *, rounded: bool = False, **kwargs: Any) -> None:
        self.rounded = rounded
        limits = {"min_value": Decimal(0), "max_value": LARGEST_MONEY, **kwargs}
        super().__init__(max_digits=None, decimal_places=2, **limits)

    def to_internal_value(self, data: Any) -> Decimal:
        if not is_number(data):
            self.fail("not_a_number")
        value = Decimal(repr(data)) if isinstance(data, float) else Decimal(data)
        if not value.is_finite():
            self.fail("not_finite")
        if abs(value) > LARGEST_MONEY:  # before quantize, which cannot hold any size
            if value < 0:
                self.fail("min_value", min_value=self.min_value)
            self.fail("max_value", max_value=min(LARGEST_MONEY, self.max_value or LARGEST_MONEY))
        cents = value.quantize(CENT, rounding=ROUND_HALF_EVEN)
        if cents != value and not self.rounded:
            self.fail("max_decimal_places")
        return cents + 0  # no negative zero


class Count(serializers.IntegerField):
    """A whole number, 0 or more unless `min_value` is given; 3.0 is one too, as in JSON."""

    default_error_messages = {**PRESENCE, **BOUNDS, "not_whole": "must be a whole number"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": LARGEST_COUNT, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if not is_number(data) or not (isinstance(data, int) or math.isfinite(data)):
            self.fail("not_whole")
        if abs(data) > 2**63:  # before int(), which would write all digits of 1e300 out
            bound = "min_value" if data < 0 else "max_value"
            self.fail(bound, **{bound: getattr(self, bound)})
        if data != int(data):
            self.fail("not_whole")
        return int(data)


class Flag(serializers.BooleanField):
    """true or false only."""

    default_error_messages = {**PRESENCE, "not_a_flag": "must be true or false"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("not_a_flag")
        return data


class Text(serializers.CharField):
    """A string of 1 to `max_length` characters (255), trimmed."""

    default_error_messages = {
        **PRESENCE,
        "invalid": "must be a string",
        "blank": "must not be blank",
        "max_length": "must have {max_length} characters or fewer",
        "min_length": "must have {min_length} characters or more",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 255, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Identifier(Text):
    """A caller's own id: a string, or a whole number that becomes one."""

    default_error_messages = {"invalid": "must be a string or a whole number"}

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        return super().to_internal_value(data)


class Option(serializers.ChoiceField):
    """Exactly one of `choices`."""

    default_error_messages = {**PRESENCE, "invalid_choice": "must be one of {options}"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", options=", ".join(str(each) for each in self.choices))
        return data


class Currency(serializers.CharField):
    """An ISO 4217 code in use, such as USD."""

    default_error_messages = {
        **PRESENCE,
        "unknown_currency": "must be an ISO 4217 code such as USD",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=3, max_length=3, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and data not in CODES:
            self.fail("unknown_currency")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("unknown_currency")
        return data


class Date(serializers.DateField):
    """A date such as 2026-12-31."""

    default_error_messages = {
        **PRESENCE,
        "not_a_date": "must be a date such as 2026-12-31",
        "out_of_range": f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}",
    }

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not _DAY.fullmatch(data):
            self.fail("not_a_date")
        try:
            day = date.fromisoformat(data)
        except ValueError:
            self.fail("not_a_date")
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.fail("out_of_range")
        return day


class Instant(serializers.DateTimeField):
    """A time with an offset, such as 2026-12-31T23:59:00Z; converted to UTC."""

    default_error_messages = {
        **PRESENCE,
        "not_a_time": "must be a time such as 2026-12-31T23:59:00Z",
        "no_offset": "must end in its offset from UTC, such as Z or +02:00",
        "out_of_range": f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}",
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not _INSTANT.fullmatch(data):
            self.fail("not_a_time")
        try:
            instant = datetime.fromisoformat(data.upper())
        except ValueError:
            self.fail("not_a_time")
        if instant.tzinfo is None:
            self.fail("no_offset")
        if not FIRST_YEAR <= instant.year <= LAST_YEAR:
            self.fail("out_of_range")
        return instant.astimezone(UTC)


class ItemList(serializers.ListField):
    """A list of `least` (0) to `most` items, each validated by `child`; longer ones are a 413.

    The path of an item's error has its index: `rows[2].spend`.
    """

    default_error_messages = {
        **PRESENCE,
        "not_a_list": "must be a list",
        "min_length": "has fewer entries than the {min_length} needed",
        "empty": "must not be empty",
    }

    def __init__(self, *, most: int = 1_000, least: int = 0, **kwargs: Any) -> None:
        self.most = most
        super().__init__(min_length=least or None, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        refuse_if_longer(self, data, self.most)
        return super().to_internal_value(data)


class ValueMap(serializers.DictField):
    """An object with names of the caller's choice; each value is validated by `child`."""

    default_error_messages = {
        **PRESENCE,
        "not_a_dict": "must be an object",
        "empty": "must not be empty",
        "long_name": "must have names of 1 to {longest} characters",
    }
    longest = 255

    def __init__(self, *, most: int = 1_000, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> dict[Any, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict")
        refuse_if_longer(self, data, self.most)
        if any(not 1 <= len(name) <= self.longest for name in data):
            self.fail("long_name", longest=self.longest)
        return super().to_internal_value(data)


class ScalarMap(ValueMap):
    """An object of scalars: numbers as float, strings, true, false and null; nothing nested."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"child": Scalar(allow_null=True), **kwargs})


class Scalar(serializers.Field[Any, Any, Any, Any]):
    """A number (as float), a string of up to 1,000 characters, true or false."""

    default_error_messages = {
        **PRESENCE,
        "invalid": "must be a number, a string, true, false or null",
        "max_length": "must have 1000 characters or fewer",
    }

    def to_internal_value(self, data: Any) -> float | str | bool:
        if isinstance(data, bool):
            return data
        if isinstance(data, str):
            if len(data) > 1_000:
                self.fail("max_length")
            return data
        if not is_number(data):
            self.fail("invalid")
        return Number().to_internal_value(data)

    def to_representation(self, value: Any) -> Any:
        return value


def refuse_if_longer(field: serializers.Field[Any, Any, Any, Any], many: Any, most: int) -> None:
    """TooLarge, naming the field, its size and the limit."""
    if len(many) > most:
        sentence = f"has {len(many):,} entries; at most {most:,} are taken"
        raise TooLarge({path_of(field): [sentence]})


def path_of(field: Any) -> str:
    """The field's path in the body, without indexes: `tests.variants`."""
    names: list[str] = []
    while field is not None:
        names = [field.field_name, *names] if field.field_name else names
        field = field.parent
    return ".".join(names) or "non_field_errors"
