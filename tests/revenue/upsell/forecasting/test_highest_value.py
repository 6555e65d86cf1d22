"""The highest of the next days: what the interval holds, and its edges."""

import numpy as np
import pytest

from revenue.upsell.forecasting.highest_value import forecast_highest

KNOWN, AHEAD, SERIES = 91, 30, 40


def walk(draw, days):
    return np.maximum(300 + np.cumsum(draw.normal(0, 5, days)), 0)


def autoregression(draw, days):
    found = draw.normal(0, 10, days)
    for day in range(1, days):
        found[day] += 0.8 * found[day - 1]
    return 100 + found


KINDS = {
    "exponential": lambda draw, days: draw.exponential(50, days),
    "poisson": lambda draw, days: draw.poisson(20, days).astype(float),
    "trend": lambda draw, days: 50 + np.arange(days) + draw.normal(0, 8, days),
    "bursts": lambda draw, days: draw.poisson(10, days) + 400.0 * (draw.random(days) < 0.03),
    "level shift": lambda draw, days: 100 + 80 * (np.arange(days) >= 40) + draw.normal(0, 10, days),
    "walk": walk,
    "autoregression": autoregression,
}


def test_the_interval_holds_nine_of_ten_highest_values():
    draw, inside = np.random.default_rng(20261129), {}
    for kind, make in KINDS.items():
        held = 0
        for _ in range(SERIES):
            days = make(draw, KNOWN + AHEAD)
            found = forecast_highest(days[:KNOWN].tolist(), AHEAD)
            assert found is not None
            held += found.low <= days[KNOWN:].max() <= found.high
        inside[kind] = held / SERIES
    assert min(inside.values()) >= 0.78, inside
    assert 0.86 <= sum(inside.values()) / len(inside) <= 0.95, inside


def test_the_same_days_have_the_same_forecast_and_unknown_ones_are_left_out():
    days = np.random.default_rng(1).exponential(50, KNOWN).tolist()
    with_gaps = [each for day in days for each in (day, None)]
    assert forecast_highest(days, AHEAD) == forecast_highest(with_gaps, AHEAD)


@pytest.mark.parametrize("days", [[5.0] * 20, [0.0] * 60, [0.0] * 57 + [3.0] * 3, [None] * 90])
def test_too_few_days_or_too_little_use_give_none(days):
    assert forecast_highest(days, AHEAD) is None


def test_a_value_that_never_changed_may_change():
    found = forecast_highest([7.0] * 60, AHEAD)
    assert found is not None
    assert found.low < found.estimate == 7 < found.high
