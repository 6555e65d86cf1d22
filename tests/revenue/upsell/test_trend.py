"""What a metric comes to: known series, wild days, weekends, and intervals that hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.upsell import trend
from revenue.upsell.trend import MIN_DAYS, MetricForecast, fit_trend


def total(days, ahead) -> MetricForecast:
    found = trend.forecast_total(days, ahead)
    assert found is not None
    return found


def reading(days, ahead) -> MetricForecast:
    found = trend.forecast_level(days, ahead)
    assert found is not None
    return found


def line(days, level=100.0, slope=0.0):
    return [level + slope * place for place in range(days)]


def test_a_straight_line_goes_on_and_its_interval_is_narrow():
    found = total(line(56, slope=1.0), 30)
    assert found.estimate == pytest.approx(sum(156 + place for place in range(30)), rel=0.01)
    assert found.low == pytest.approx(found.high, rel=0.1)


def test_a_reading_goes_on_from_its_last_value():
    found = reading([*line(40, slope=2.0), None], 30)
    assert found.estimate == pytest.approx(178 + 60, rel=0.01)


def test_fewer_than_fourteen_days_say_nothing():
    days = [None, *line(MIN_DAYS - 1)]
    assert trend.forecast_total(days, 30) is None
    assert trend.forecast_level(days, 30) is None
    assert total([*days, 100.0], 30).estimate == pytest.approx(3000)


def test_single_wild_days_bend_nothing():
    days = line(56)
    days[10] = days[40] = 5000.0
    assert total(days, 30).estimate == pytest.approx(3000, rel=0.01)


def test_days_on_which_nothing_happens_keep_to_their_weekday():
    days = [0.0 if place % 7 >= 5 else 70.0 for place in range(56)]
    found = total(days, 28)
    assert found.estimate == pytest.approx(20 * 70)
    apart = fit_trend(days)
    assert apart is not None
    assert apart.slope == 0


def test_nothing_used_stays_nothing():
    found = total([0.0] * 40, 30)
    assert (found.low, found.estimate, found.high) == (0, 0, 0)


def test_a_fall_ends_at_nothing():
    assert total(line(50, slope=-2.0), 60).low >= 0


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=60), st.integers(1, 40))
def test_an_estimate_lies_in_its_interval_and_none_is_negative(days, ahead):
    for found in (trend.forecast_total(days, ahead), trend.forecast_level(days, ahead)):
        assert found is None or 0 <= found.low <= found.estimate <= found.high


@pytest.mark.parametrize("shape", ["plain", "weekend", "gaps and wild days"])
def test_intervals_hold_what_they_promise(shape):
    draw, inside = np.random.default_rng(11), 0
    for _ in range(150):
        place = np.arange(86)
        values = 100 * (1 + 0.005 * place) * np.exp(draw.normal(0, 0.1, 86))
        if shape != "plain":
            values = values * np.where(place % 7 >= 5, 0.5, 1)
        known: list[float | None] = [float(value) for value in values[:56]]
        if shape == "gaps and wild days":
            known = [None if draw.random() < 0.2 else each for each in known]
            known = [10 * e if e and draw.random() < 0.05 else e for e in known]
        found = total(known, 30)
        inside += found.low <= values[56:].sum() <= found.high
    assert 0.83 <= inside / 150 <= 0.98
