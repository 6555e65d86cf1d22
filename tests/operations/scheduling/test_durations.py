from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.scheduling.durations import HALF_LIFE_RUNS, LearnedDuration


def learned(*seconds):
    found = LearnedDuration()
    for each in seconds:
        found = found.after(each)
    return found


def test_without_runs_the_caller_is_believed():
    assert LearnedDuration().estimate(12.5) == 12.5
    assert LearnedDuration().estimate(0) == 0


def test_the_caller_weighs_as_five_runs():
    found = learned(100.0)
    assert found.estimate(10) == pytest.approx(exp((5 * log(10) + log(100)) / 6))


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=80))
def test_mean_and_variance_are_those_of_decayed_weights(seconds):
    found = learned(*seconds)
    weights = 0.5 ** (np.arange(len(seconds))[::-1] / HALF_LIFE_RUNS)
    logs = np.log(seconds)
    mean = np.average(logs, weights=weights)
    assert found.weight == pytest.approx(weights.sum())
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.variance == pytest.approx(
        np.average((logs - mean) ** 2, weights=weights), abs=1e-9
    )


def test_a_95th_percentile_takes_eight_runs():
    assert learned(*[60.0] * 7).p95() is None
    assert learned(*[60.0] * 8).p95() == pytest.approx(60)


def test_what_came_lately_counts_most():
    old_then_new = learned(*[10.0] * 200, *[1000.0] * 200)
    assert old_then_new.estimate(10) > 500


def test_a_run_of_no_time_teaches_a_millisecond():
    assert learned(0.0).mean == pytest.approx(log(0.001))
    assert learned(0.0).estimate(0) == pytest.approx(0.001)
