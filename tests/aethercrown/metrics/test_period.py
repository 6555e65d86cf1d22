from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.metrics.period import Period, days_to, months_to

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


def test_whole_months_are_compared_with_as_many_whole_months():
    quarter = Period(date(2026, 1, 1), date(2026, 3, 31))
    assert quarter.before() == Period(date(2025, 10, 1), date(2025, 12, 31))
    assert quarter.year_before() == Period(date(2025, 1, 1), date(2025, 3, 31))


def test_other_days_are_compared_with_as_many_days():
    assert Period(date(2026, 3, 2), date(2026, 3, 8)).before() == Period(
        date(2026, 2, 23), date(2026, 3, 1)
    )


def test_a_leap_day_has_the_28th_a_year_before():
    leap = date(2024, 2, 29)
    assert Period(leap, leap).year_before() == Period(date(2023, 2, 28), date(2023, 2, 28))


def test_the_last_months_and_days_end_on_the_day():
    day = date(2026, 3, 20)
    assert months_to(day, 12) == Period(date(2025, 4, 1), day)
    assert days_to(day, 30) == Period(date(2026, 2, 19), day)


def test_a_period_that_ends_before_it_starts_is_none():
    with pytest.raises(ValueError, match="before it starts"):
        Period(date(2026, 3, 2), date(2026, 3, 1))


@pytest.mark.parametrize("days", [(date(1, 1, 1), date(1, 1, 31)), (date(1, 1, 1), date(1, 2, 3))])
def test_there_is_nothing_before_the_first_year(days):
    with pytest.raises(ValueError, match=r"year|day"):
        Period(*days).before()


def test_open_months_are_compared_with_the_same_part_of_the_months_before():
    assert Period(date(2025, 12, 1), date(2026, 11, 29)).before() == Period(
        date(2024, 12, 1), date(2025, 11, 29)
    )
    assert Period(date(2026, 3, 1), date(2026, 3, 30)).before().last == date(2026, 2, 28)


@given(DAYS, DAYS)
def test_the_period_before_is_as_long_and_over_before_this_one_begins(one, two):
    period = Period(min(one, two), max(one, two))
    before = period.before()
    assert before.last < period.first
    assert period.first.day == 1 or before.days == period.days
    assert abs(before.days - period.days) <= 3 + period.days // 100
