"""How far a file's totals are off those of the last one."""

import pytest

from operations.imports.guard import largest_change_percent


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        ({"a": "100", "b": "10"}, {"a": "130", "b": "9"}, 30.0),
        ({"a": "100"}, {"a": "60.5"}, 39.5),
        ({"a": "0"}, {"a": "0.00"}, 0.0),
        ({"a": "-100"}, {"a": "-150"}, 50.0),
        ({}, {}, 0.0),
        ({"a": "0"}, {"a": "1"}, None),
        ({"a": "1"}, {"a": "1", "b": "1"}, None),
        ({"a": "1", "b": "1"}, {"a": "1"}, None),
        (None, {"a": "1"}, None),
    ],
)
def test_the_largest_change_counts_and_what_cannot_be_compared_is_unknown(before, now, change):
    assert largest_change_percent(before, now) == change
