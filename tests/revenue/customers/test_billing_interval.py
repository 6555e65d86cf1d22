from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.customers.billing_interval import month_of, monthly, months_before, rounded


@pytest.mark.parametrize(
    ("amount", "every", "expected"),
    [
        ("120", "year", "10"),
        ("100", "year", "8.333333"),
        ("3", "quarter", "1"),
        ("12", "week", "52"),
        ("7.5", "month", "7.5"),
        ("0", "year", "0"),
        ("0.000006", "year", "0"),  # half of a millionth goes to the even one
        ("0.000018", "year", "0.000002"),
    ],
)
def test_a_price_becomes_monthly(amount, every, expected):
    assert monthly(Decimal(amount), every) == Decimal(expected)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 1, 15), 72, date(2020, 1, 15)),
        (date(2026, 12, 1), -1, date(2027, 1, 1)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_months_ago(day, count, expected):
    assert months_before(day, count) == expected


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(-200, 500))
def test_months_ago_is_so_many_months_ago(day, count):
    then = months_before(day, count)
    assert (day.year - then.year) * 12 + day.month - then.month == count
    assert then.day <= day.day


def test_the_month_begins_on_its_first():
    assert month_of(date(2026, 2, 28)) == date(2026, 2, 1)


def test_rounding_is_half_even_at_six_decimals():
    assert rounded(Decimal("0.0000005")) == Decimal("0.000000")
    assert rounded(Decimal("0.0000015")) == Decimal("0.000002")
