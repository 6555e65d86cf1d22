"""Daily rows become weeks; weekly ones stay as they are."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from marketing.budget.model import weeks

MONDAY = date(2026, 1, 5)


def days(count, start=MONDAY):
    return [start + timedelta(days=n) for n in range(count)]


def test_weekly_dates_are_their_own_periods():
    by = weeks.calendar([MONDAY, MONDAY + weeks.WEEK])
    assert not by.daily
    assert by.period(MONDAY) == MONDAY


def test_one_date_alone_is_no_daily_row():
    assert not weeks.calendar([MONDAY]).daily


def test_daily_amounts_are_summed_into_weeks_from_monday():
    by = weeks.calendar(days(14))
    found = weeks.by_period([(on, 1.0) for on in days(14)], by)
    assert found == {MONDAY: 7.0, MONDAY + weeks.WEEK: 7.0}


def test_weeks_that_are_not_complete_are_left_out():
    by = weeks.calendar(days(14, start=date(2026, 1, 7)))
    assert list(weeks.by_period([(on, 1.0) for on in days(14, date(2026, 1, 7))], by)) == [
        date(2026, 1, 12)
    ]


def test_daily_rows_beside_weekly_totals_take_the_weekday_of_the_totals():
    wednesday = date(2026, 1, 7)
    by = weeks.calendar(days(30), [wednesday + n * weeks.WEEK for n in range(3)])
    found = weeks.by_period([(on, 1.0) for on in days(30)], by)
    assert list(found) == [wednesday, wednesday + weeks.WEEK, wednesday + 2 * weeks.WEEK]
    assert set(found.values()) == {7.0}


def test_daily_totals_end_where_they_end():
    by = weeks.calendar(days(21), days(13))
    assert by.last == days(13)[-1]


def test_rows_that_all_lie_before_the_totals_are_still_a_calendar():
    by = weeks.calendar([MONDAY], [MONDAY + 5 * weeks.WEEK])
    assert by.first == MONDAY


def test_the_strongest_day_of_a_flag_counts():
    by = weeks.calendar(days(14))
    flags = {MONDAY: 0.5, MONDAY + timedelta(days=1): 1.0, MONDAY - weeks.WEEK: 1.0}
    assert weeks.by_period(flags.items(), by, max) == {MONDAY: 1.0}


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 6))
def test_a_week_starts_on_its_weekday_and_holds_its_day(on, weekday):
    start = weeks.week_of(on, weekday)
    assert start.weekday() == weekday
    assert start <= on < start + weeks.WEEK


@given(st.integers(1, 60), st.integers(0, 6))
def test_no_money_is_lost_inside_complete_weeks(count, shift):
    span = days(count, MONDAY + timedelta(days=shift))
    by = weeks.calendar(span)
    inside = [on for on in span if by.period(on) is not None]
    assert sum(weeks.by_period([(on, 1.0) for on in span], by).values()) == len(inside)
