"""The forecast: the worked example, running steps, few references."""

from datetime import UTC, datetime

import numpy as np
import pytest

from enterprise.onboarding import states
from enterprise.onboarding.forecast import (
    Forecast,
    RemainingStep,
    finish_in,
    forecast,
    interval,
    is_reliable,
)
from enterprise.sla.business_time import add
from tests.enterprise.oracle import HOUR, week

FINISHES = [
    *(31, 33, 34, 36, 38, 39, 40, 41, 42, 44, 45, 47),
    *(48, 50, 52, 55, 57, 60, 64, 66, 71, 78, 90, 120),
]


def test_the_interval_is_taken_by_rank():
    found = interval(FINISHES)
    assert found == Forecast(33, 47.5, 90, 24)
    monday, office = datetime(2027, 5, 3, 9, tzinfo=UTC), week("09:00-17:00")
    dates = [add(office, monday, each * HOUR) for each in (found.low, found.estimate, found.high)]
    assert [(each.day, each.hour, each.minute) for each in dates] == [
        (7, 10, 0), (10, 16, 30), (18, 11, 0),
    ]  # fmt: skip


def test_few_reference_flows_scale_the_planned_hours():
    steps = [RemainingStep("a", 4), RemainingStep("b", 6, {"a": 2})]
    found = forecast(steps, [{"a": 9.0}] * 19, 0.7, 2.0)
    assert found.low == pytest.approx(8.4)
    assert (found.estimate, found.high) == (12, 24)
    assert found.reference_flows == 19
    assert not found.has_history


def test_whole_flows_are_drawn():
    steps = [
        RemainingStep("a", 4, state=states.DONE, ended=3),
        RemainingStep("b", 6, {"a": 0}),
        RemainingStep("c", 2, {"b": 0}),
    ]
    slow, quick = {"b": 2.0, "c": 3.0}, {"b": 0.5}
    assert finish_in([slow, quick], steps) == [18, 4]  # c has no ratio: the mean of its flow
    assert forecast(steps, [slow, quick] * 10, 0.7, 2.0).has_history


def test_a_lag_after_a_finished_step_has_partly_passed():
    done = RemainingStep("a", 4, state=states.DONE, ended=3)
    assert finish_in([{"b": 1.0}], [done, RemainingStep("b", 1, {"a": 5})]) == [3]


def test_a_running_step_is_compared_with_slower_flows_only():
    running = [RemainingStep("a", 10, state=states.IN_PROGRESS, spent=12)]
    references = [{"a": 1.0}] * 10 + [{"a": 2.0}] * 10
    assert set(finish_in(references, running)) == {8.0}
    few = [{"a": 1.0}] * 10 + [{"a": 2.0}] * 5
    assert sorted(set(finish_in(few, running))) == [5.0, 8.0]  # half the planned hours at least


def test_the_history_is_counted_whole_though_a_running_step_leaves_flows_out():
    running = [RemainingStep("a", 10, state=states.IN_PROGRESS, spent=12)]
    found = forecast(running, [{"a": 1.0}] * 12 + [{"a": 2.0}] * 12, 0.7, 2.0)
    assert (found.estimate, found.reference_flows, found.has_history) == (8, 24, True)


def test_nothing_left_is_finished_now():
    done = [RemainingStep("a", 4, state=states.DONE, ended=1)]
    assert finish_in([{"a": 1.0}], done) == [0]
    assert finish_in([{}], []) == [0]


def test_a_forecast_that_misses_too_often_is_not_reliable():
    assert is_reliable([False] * 19)
    assert is_reliable([False] * 30 + [True] * 12 + [False] * 8)
    assert not is_reliable([True] * 11 + [False] * 9)


def test_the_interval_holds_80_percent_of_simulated_flows():
    """Flows are slow as a whole (sd .4), and each step for itself (sd .5), on the log."""
    random = np.random.default_rng(5)
    hours = random.uniform(1, 8, 8)
    steps = [RemainingStep(str(p), hours[p], {str(p - 1): 0} if p else {}) for p in range(8)]

    def ratios():
        return dict(
            zip(
                map(str, range(8)),
                np.exp(random.normal(0, 0.4) + random.normal(0, 0.5, 8)),
                strict=True,
            )
        )

    inside = 0
    for _ in range(100):
        found = forecast(steps, [ratios() for _ in range(50)], 0.7, 2.0)
        truth = sum(hours[int(name)] * ratio for name, ratio in ratios().items())
        inside += found.low <= truth <= found.high
    assert 72 <= inside <= 92
