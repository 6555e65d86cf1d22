"""Waits between tries, and which answers are final."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.messaging import retry

MINUTE = timedelta(minutes=1)


def test_the_waits_are_those_that_were_promised():
    waits = [retry.delay(tries, 0.5) for tries in range(1, 8)]
    assert waits == [MINUTE, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE, 720 * MINUTE, None, None]


@given(tries=st.integers(1, 5), random=st.floats(0, 1, exclude_max=True))
def test_jitter_changes_a_wait_by_a_tenth_at_most(tries, random):
    whole = retry.DELAYS[tries - 1]
    wait = retry.delay(tries, random)
    assert wait is not None
    assert 0.9 * whole <= wait < 1.1 * whole + timedelta(microseconds=2)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_2xx_means_taken(status):
    assert retry.is_delivered(status)
    assert not retry.is_final(status)


@pytest.mark.parametrize("status", [301, 308, 400, 401, 404, 410, 422])
def test_redirects_and_refusals_are_final(status):
    assert retry.is_final(status)


@pytest.mark.parametrize("status", [100, 408, 429, 500, 503])
def test_what_may_pass_is_tried_again(status):
    assert not retry.is_final(status)
    assert not retry.is_delivered(status)
