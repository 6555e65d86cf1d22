"""Forecasts of daily series: known series, odd series, and intervals that hold 90 of 100."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.upsell.forecasting import daily_forecast
from revenue.upsell.forecasting.daily_forecast import MIN_DAYS, MetricForecast
from tests.benchmarks import forecasts


def total(days, ahead=30) -> MetricForecast:
    found = daily_forecast.forecast_total(days, ahead)
    assert found is not None
    return found


def reading(days, ahead=30) -> MetricForecast:
    found = daily_forecast.forecast_level(days, ahead)
    assert found is not None
    return found


def line(days, level=100.0, slope=0.0):
    return [level + slope * place for place in range(days)]


def test_weekly_use_is_not_nothing():
    found = total(([0] * 6 + [700]) * 8)
    assert found.estimate == pytest.approx(2800)  # four of the next 30 days
    assert found.low < 2800
    assert found.high > 3000


def test_a_straight_line_goes_on_and_its_interval_is_narrow():
    found = total(line(56, slope=1.0))
    assert found.estimate == pytest.approx(sum(156 + place for place in range(30)), rel=0.001)
    assert found.low == pytest.approx(found.high, rel=0.1)


def test_growth_in_percent_goes_on_as_growth():
    draw = np.random.default_rng(3)
    days = 50 * np.exp(0.008 * np.arange(100) + draw.normal(0, 0.05, 100))
    truth = (50 * np.exp(0.008 * np.arange(100, 130))).sum()
    assert total(days.tolist()).estimate == pytest.approx(truth, rel=0.1)


def test_a_reading_goes_on_from_its_last_value():
    assert reading([*line(40, slope=2.0), None]).estimate == pytest.approx(178 + 60, rel=0.01)
    seats = reading([10.0] * 30 + [12.0] * 30)
    assert seats.estimate == pytest.approx(12, rel=0.01)
    assert seats.low < 11


def test_fewer_than_28_days_or_four_with_use_give_no_forecast():
    days = [None, *line(MIN_DAYS - 1)]
    assert daily_forecast.forecast_total(days, 30) is None
    assert daily_forecast.forecast_level(days, 30) is None
    assert total([*days, 100.0]).estimate == pytest.approx(3000)
    assert daily_forecast.forecast_total([0.0] * 60 + [9.0] * 3, 30) is None
    assert daily_forecast.forecast_total([0.0] * 60, 30) is None


def test_single_large_days_are_taken_to_come_as_often_as_they_did():
    days = line(56)
    days[10] = days[40] = 5000.0
    found = total(days)
    assert found.low < 3000
    assert found.high > 8000


def test_weekdays_without_use_stay_without_it():
    days = [0.0 if place % 7 >= 5 else 70.0 for place in range(56)]
    assert total(days, 28).estimate == pytest.approx(20 * 70)
    assert total(days[:-2], 2) == MetricForecast(0, 0, 0)


def test_known_days_of_some_weekdays_only_have_no_weekday_factors():
    days = [None if place % 7 == 3 else 100.0 for place in range(56)]
    assert total(days).estimate == pytest.approx(3000)


def test_a_fall_ends_at_nothing():
    assert total(line(50, slope=-2.0), 60).low >= 0


def test_readings_that_never_changed_may_change():
    found = reading([10.0] * 60)
    assert found.low < found.estimate < found.high


def test_use_that_began_late_on_two_weekdays_has_a_forecast():
    """Fifteen values on the used weekdays, of which neighbours depend on each other."""
    weeks = [[0, 0, *[0] * 5]] * 3 + [[100 + n, 90 + n, *[0] * 5] for n in range(4)]
    found = total([day for week in weeks for day in week] + [104])
    assert 0 <= found.low < found.estimate < found.high < 5000


def test_corrections_that_outweigh_the_use_leave_nothing_to_expect():
    days = [0.0] * 40
    days[3:20:4] = [10.0] * 5
    days[35] = -50.0
    assert total(days).estimate == pytest.approx(0, abs=0.01)


def test_few_large_days_among_tiny_ones_are_no_growth():
    """A line through their logarithms once promised 92 billion times as much."""
    days = [1.0] * 8 + [
        4e8,
        1,
        1,
        2,
        1,
        5e8,
        1,
        1,
        7e8,
        7e8,
        2e8,
        3e8,
        6e8,
        1,
        1,
        8e8,
        6e8,
        1,
        1,
        5e8,
    ]
    found = daily_forecast.forecast_total(days, 26)
    assert found
    assert found.high < 26 * 1e9


def test_doubling_does_not_go_on_for_ever():
    found = daily_forecast.forecast_total([2.0**day for day in range(40)], 30)
    assert found
    assert found.high < 30 * 10 * 2.0**39


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=60), st.integers(1, 40))
def test_an_estimate_lies_in_its_interval_and_none_is_negative(days, ahead):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (
            daily_forecast.forecast_total(days, ahead),
            daily_forecast.forecast_level(days, ahead),
        ):
            assert found is None or 0 <= found.low <= found.estimate <= found.high < 1e15


@pytest.mark.parametrize("kind", forecasts.BANK)
def test_intervals_hold_what_they_promise(kind):
    """A small form of the benchmark, which has 1,000 series a kind."""
    draw = np.random.default_rng(12)
    series = np.array([forecasts.BANK[kind](draw, 121) for _ in range(40)])
    low, high = forecasts.ours(series[:, :91])
    covered, _ = forecasts.judged(low, high, series[:, 91:].sum(axis=1))
    assert covered >= 70
