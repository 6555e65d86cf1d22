"""Readings of a counter become rises within their period."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from enterprise.usage.metering import readings
from enterprise.usage.metering.readings import CounterReading

LISBON = ZoneInfo("Europe/Lisbon")


def rise(quantity, *, is_reset=False):
    return readings.Rise(Decimal(quantity), is_reset)


def month(at):
    return at.astimezone(LISBON).date().replace(day=1)


def reading(text, value):
    return CounterReading(datetime.fromisoformat(text).replace(tzinfo=LISBON), Decimal(value))


def counted(stored, new):
    """The quantities by period once `new` arrives after `stored`, as the service books them."""
    before = max((each for each in stored if each.recorded_at < new.recorded_at), default=None,
                 key=lambda each: each.recorded_at)  # fmt: skip
    after = min((each for each in stored if each.recorded_at > new.recorded_at), default=None,
                key=lambda each: each.recorded_at)  # fmt: skip
    return readings.insert(before, new, after, month)


def test_the_worked_readings():
    february = reading("2027-02-28T23:50", 412)
    first = reading("2027-03-01T00:10", 7)
    nine, late = reading("2027-03-01T09:00", 31), reading("2027-03-01T08:00", 20)
    ten, later = reading("2027-03-01T10:00", 12), reading("2027-03-01T09:30", 40)

    assert counted([february], first) == readings.LateReading(readings.Rise(Decimal(7)))
    assert counted([february, first], nine).rise == (24, False)
    between = counted([first, nine], late)
    assert between == readings.LateReading(readings.Rise(Decimal(13)), Decimal(-13), rise(11))
    assert counted([first, late, nine], ten).rise == (12, True)
    assert counted([first, late, nine, ten], later) == readings.LateReading(
        readings.Rise(Decimal(9)), None, rise(12, is_reset=True)
    )
    every = [first, late, nine, later, ten]
    assert sum(each.quantity for each in readings.rises(every, month)) == 52


def test_a_reading_at_a_periods_start_belongs_to_the_new_period():
    found = counted([reading("2027-02-28T23:00", 400)], reading("2027-03-01T00:00", 402))
    assert found.rise == (402, False)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(0, 10_000))
def test_any_order_counts_as_reading_all_from_the_start(values, seed):
    start = datetime(2027, 2, 28, 12, tzinfo=UTC)
    every = [
        CounterReading(start + timedelta(hours=5 * place), Decimal(value))
        for place, value in enumerate(values)
    ]
    arriving = random.Random(seed).sample(every, len(every))  # noqa: S311 - a test's order
    total: dict[date, Decimal] = {}
    for place, each in enumerate(arriving):
        found = counted(arriving[:place], each)
        period = month(each.recorded_at)
        quantity = found.rise.quantity + (found.correction or 0)
        total[period] = total.get(period, Decimal(0)) + quantity

    whole: dict[date, Decimal] = {}
    for each, found in zip(every, readings.rises(every, month), strict=True):
        period = month(each.recorded_at)
        whole[period] = whole.get(period, Decimal(0)) + found.quantity
    assert total == whole
