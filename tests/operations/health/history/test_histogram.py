import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.health.history import histogram

times = st.lists(st.floats(0, 70_000), min_size=1, max_size=200)


@given(times, st.floats(0.01, 1))
def test_a_quantile_is_within_two_and_a_half_percent_of_the_true_one(values, q):
    found = histogram.quantile(histogram.from_times(values), q, min(values), max(values))
    true = sorted(values)[max(1, int(np.ceil(q * len(values)))) - 1]
    if 0.1 <= true <= 60_000:
        assert found == pytest.approx(true, rel=0.025)
    assert min(values) <= found <= max(values)


@given(st.lists(times, max_size=8))
def test_merging_is_counting_together_in_any_order(parts):
    together = histogram.from_times([each for part in parts for each in part])
    assert histogram.merge(map(histogram.from_times, parts)) == together
    assert histogram.merge(map(histogram.from_times, reversed(parts))) == together


@given(times)
def test_what_is_stored_comes_back(values):
    counts = histogram.from_times(values)
    assert histogram.from_json(histogram.to_json(counts)) == counts


def test_the_ends_have_buckets_of_their_own():
    assert histogram.bucket(0) == 0
    assert histogram.bucket(0.1) == 1
    assert histogram.bucket(60_000) == histogram.bucket(1e9) == 273


def test_nothing_has_no_quantile():
    assert histogram.quantile({}, 0.5, 0, 0) is None
