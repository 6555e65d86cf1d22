"""Smoothing forecasts where it beats both the line and the week before; else the line does."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.usage.analysis import holt_winters
from enterprise.usage.analysis.holt_winters import SEASON, naive, smooth
from enterprise.usage.analysis.trend import backtest, days_to_limit, trend

MONDAY = date(2027, 1, 4)
WEEKDAYS = [0.0, 5.0, 8.0, 6.0, 4.0, -12.0, -11.0]


def smoothed(days) -> Any:
    return smooth(days)


def weekly(count, level=100.0):
    return [level + WEEKDAYS[place % 7] for place in range(count)]


def test_steady_weeks_go_on_as_they_are():
    found = smoothed(weekly(35))
    assert list(found.forecast(14)) == pytest.approx(weekly(49)[35:])


def test_the_forecast_begins_at_the_weekday_after_the_last_day():
    found = smoothed(weekly(31))
    assert list(found.forecast(7)) == pytest.approx(weekly(38)[31:])
    assert naive(weekly(31)) == weekly(38)[31:]


def test_a_trend_fades():
    found = smoothed([100.0 + 5 * place for place in range(60)])
    ahead = list(found.forecast(400))
    assert ahead[1] > ahead[0]
    assert abs(ahead[-1] - ahead[-8]) < 1e-6  # the same weekday a week before
    assert min(smoothed([100.0 - 5 * place for place in range(20)] * 2).forecast(30)) >= 0


def test_without_two_whole_weeks_there_is_none():
    assert smooth([1.0] * 13) is None
    gap = [None if place % 7 == 3 else 1.0 for place in range(30)]
    assert smooth(gap) is None
    assert naive(gap) is None
    assert backtest(gap, MONDAY) is None
    assert smooth([1.0, None] * 20) is not None


def moved():
    """Weeks whose level wanders, which the median line follows too slowly."""
    draw = np.random.default_rng(3)
    steps = np.cumsum(draw.normal(0, 14, 70))
    return [float(each) for each in np.array(weekly(70, 400.0)) + steps]


def test_it_forecasts_where_it_beat_the_line_and_the_week_before():
    days = moved()
    errors: Any = backtest(days, MONDAY)
    found = trend(days, MONDAY)
    assert (found.smoothed is not None) == (errors.smoothed < min(errors.line, errors.naive))
    assert found.method == "damped Holt-Winters"
    first = MONDAY + timedelta(days=70)
    assert list(islice(found.expected(first), 3)) == list(smoothed(days).forecast(3))


def test_a_growing_line_is_forecast_by_the_line():
    days = [100.0 + 3 * place for place in range(60)]
    found = trend(days, MONDAY)
    assert (found.smoothed, found.method) == (None, "line")
    used = days_to_limit(
        found, Decimal(280), Decimal(400), MONDAY + timedelta(days=60), is_gauge=True
    )
    assert used.earliest == used.days == used.latest


@given(st.lists(st.floats(0, 1e6) | st.none(), max_size=60))
def test_any_days_are_smoothed_to_finite_days(days):
    found = smooth(days)
    if found is not None:
        assert len(found.season) == SEASON
        assert all(0 <= each < 1e9 for each in found.forecast(holt_winters.SEASON * 8))


def test_weeks_of_which_nothing_is_known_judge_no_forecast():
    assert trend([1.0] * 5, MONDAY).method == ""
    days = [*weekly(21), *[None] * 14]
    assert backtest(days, MONDAY) is None
    assert trend(days, MONDAY).method == "line"
