"""The trend of daily use: the worked figures, what is missing, and days to a limit."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprise.usage.analysis import trend as trends
from enterprise.usage.analysis.trend import NO_TREND, Slope, TrendVerdict, UsageTrend, trend

MONDAY = date(2027, 1, 4)
GROWING = """308 293 298 302 304 166 168 323 312 317 326 331 171 168 336 336 353 357 342 168 179
360 376 369 370 373 193 192"""
UNCLEAR = """386 375 380 383 380 384 388 370 368 379 375 381 404 391 394 401 396 396 403 393 430
422 421 418 393 402 396 408"""


def numbers(text):
    return [float(each) for each in text.split()]


def made(days) -> Any:
    """The trend of some days from a Monday."""
    return trend(days, MONDAY)


def test_the_worked_growing_series():
    found = made(numbers(GROWING))
    assert found.slope.estimate == pytest.approx(2.6447, abs=5e-5)
    assert found.correlation == pytest.approx(0.4137, abs=5e-5)
    assert trends._spread(28, found.correlation) == pytest.approx(182.84, abs=1e-2)
    assert trends._spread(28, 0) == pytest.approx(117.75, abs=5e-3)
    assert found.slope.low == pytest.approx(1.7105, abs=5e-5)
    assert found.slope.high == pytest.approx(3.6579, abs=5e-5)
    assert found.percent.estimate == pytest.approx(0.841, abs=5e-4)
    assert found.growth_percent == pytest.approx(25.3, abs=0.05)
    assert found.verdict is TrendVerdict.GROWING


def test_the_worked_series_that_only_looks_like_growing():
    found = made(numbers(UNCLEAR))
    assert found.slope.estimate == pytest.approx(1.1974, abs=5e-5)
    assert found.correlation == pytest.approx(0.5395, abs=5e-5)
    assert found.slope.low == pytest.approx(-0.354, abs=5e-4)
    assert found.slope.high == pytest.approx(3.140, abs=5e-4)
    assert found.verdict is TrendVerdict.UNCLEAR


def test_a_falling_series_is_declining():
    noise = np.random.default_rng(1).normal(0, 1, 40)
    found = trend([200 - 2 * day + each for day, each in enumerate(noise)], MONDAY)
    assert found.verdict is TrendVerdict.DECLINING


def test_below_two_weeks_nothing_is_said():
    assert trend([1.0] * 13, MONDAY) is NO_TREND
    assert trend([1.0, None] * 7, MONDAY) is NO_TREND  # seven values


def test_two_to_four_weeks_give_a_number_without_a_verdict():
    found = made([100.0 + day for day in range(20)])
    assert found.slope.estimate == pytest.approx(1)
    assert found.verdict is TrendVerdict.WEAK


def test_too_few_neighbouring_days_are_weak():
    found = trend([float(day) if day % 2 else None for day in range(60)], MONDAY)
    assert found.verdict is TrendVerdict.WEAK
    assert found.correlation == 0


def test_few_days_leave_the_interval_open():
    found = made([5.0, 7.0, 4.0, 6.0, 9.0, 5.0, 8.0, 6.0] + [None] * 6)
    assert found.slope.low is None or found.slope.high is None or found.slope.low <= 0


def test_flat_use_has_no_percent_of_nothing():
    assert trend([0.0] * 30, MONDAY).percent is None
    assert trend([0.0] * 30, MONDAY).growth_percent is None
    flat = trend([4.0] * 30, MONDAY)
    assert flat.percent == Slope(0, 0, 0)
    assert flat.verdict is TrendVerdict.UNCLEAR


def test_a_weekday_that_is_never_used_is_not_divided_by():
    days = [0.0 if day % 7 == 6 else 10.0 for day in range(35)]
    found = trend(days, MONDAY)
    assert found.factors == (1.0,) * 7


@given(st.lists(st.integers(0, 10**9).map(float) | st.none(), max_size=80))
def test_any_days_have_a_trend_or_none(days):
    found = trend(days, MONDAY)
    if found.slope is not None and found.slope.low is not None and found.slope.high is not None:
        assert found.slope.low <= found.slope.estimate <= found.slope.high


def steady(level, slope=0.0, low=None, high=None):
    return UsageTrend(TrendVerdict.WEAK, Slope(slope, low, high), level=level)


def test_a_counter_starts_again_with_each_month():
    found = trends.days_to_limit(
        steady(500.0), Decimal(6000), Decimal(10000), date(2027, 6, 26), is_gauge=False
    )
    assert found.days == 25  # a straight line says 8


def test_a_gauge_is_at_its_limit_on_the_first_day_that_reaches_it():
    found = trends.days_to_limit(
        steady(90.0, 1.0, 0.5, 2.0), Decimal(90), Decimal(100), date(2027, 6, 26), is_gauge=True
    )
    assert (found.earliest, found.days, found.latest) == (5, 10, 20)


@pytest.mark.parametrize(
    ("level", "used", "limit", "days", "reason"),
    [
        (5.0, 10, 10, 0, ""),
        (5.0, 0, 0, 1, ""),
        (5.0, 0, None, None, trends.NO_LIMIT),
        (5.0, 0, 10_000, None, trends.NOT_SO_FAR),
    ],
)
def test_days_to_a_limit_or_why_there_are_none(level, used, limit, days, reason):
    found = trends.days_to_limit(
        steady(level),
        Decimal(used),
        None if limit is None else Decimal(limit),
        date(2027, 6, 26),
        is_gauge=False,
    )
    assert (found.days, found.reason) == (days, reason)


def test_without_history_there_is_no_day():
    found = trends.days_to_limit(NO_TREND, Decimal(1), Decimal(9), MONDAY, is_gauge=True)
    assert found.reason == trends.NO_HISTORY
    assert trends.forecast_sum(NO_TREND, MONDAY, 5) is None


def test_the_forecast_of_some_days_is_their_sum():
    assert trends.forecast_sum(steady(10.0, 1.0), MONDAY, 3) == pytest.approx(11 + 12 + 13)
