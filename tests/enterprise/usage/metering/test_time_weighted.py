"""A gauge is averaged over the time for which it holds each reading."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.usage.metering.time_weighted import GaugeReading, average

START = datetime(2027, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)


def reading(hour, value):
    return GaugeReading(START + timedelta(hours=hour), Decimal(value))


@pytest.mark.parametrize(
    ("opening", "readings", "expected"),
    [
        (None, [], None),
        (10, [], 10),
        (10, [(12, 20)], 15),
        (None, [(12, 20)], 20),
        (None, [(12, 20), (18, 40)], 30),
        (10, [(18, 40), (12, 20)], Decimal("17.5") + Decimal("2.5")),
        (10, [(0, 30)], 30),
        (1, [(8, 2)], Decimal("1.666667")),
        (10, [(24, 30)], 10),
        (None, [(24, 30)], 30),
    ],
)
def test_each_reading_is_held_until_the_next(opening, readings, expected):
    known = None if opening is None else Decimal(opening)
    assert average(known, [reading(*each) for each in readings], START, END) == expected


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 10**6)), min_size=1), st.randoms())
def test_the_order_of_arrival_does_not_matter_and_the_average_lies_between(found, random):
    readings = [reading(*each) for each in found]
    shuffled = random.sample(readings, len(readings))
    whole = average(None, readings, START, END)
    assert whole == average(None, shuffled, START, END)
    values = [each.value for each in readings]
    assert min(values) <= whole <= max(values)
