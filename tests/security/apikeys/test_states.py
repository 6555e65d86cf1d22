from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from security.apikeys import states

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
times = st.none() | st.integers(-50, 50).map(lambda hours: NOON + hours * HOUR)


def test_the_gravest_reason_is_named():
    assert states.state(NOON, None, None, None) == states.ACTIVE
    assert states.state(NOON, None, None, NOON + HOUR) == states.RETIRING
    assert states.state(NOON, None, None, NOON) == states.RETIRED
    assert states.state(NOON, None, NOON, NOON) == states.EXPIRED
    assert states.state(NOON, NOON, NOON, NOON) == states.REVOKED


@given(times, times, times, st.integers(0, 100))
def test_a_key_that_has_ended_never_works_again(revoked, expires, retires, hours):
    before = states.state(NOON, revoked, expires, retires)
    after = states.state(NOON + hours * HOUR, revoked, expires, retires)
    assert before in states.LIVE or after not in states.LIVE


def test_a_key_ends_soon_in_the_last_quarter_of_its_lifetime_and_at_most_a_week():
    week = timedelta(days=7)
    for days, left, soon in ((90, 7, True), (90, 8, False), (8, 2, True), (8, 3, False)):
        end = NOON + timedelta(days=left)
        assert states.ends_soon(end - timedelta(days=days), end, NOON, week) == soon


def test_a_key_is_still_used_where_it_was_shown_after_its_successor_and_within_a_day():
    rotated = NOON - 100 * HOUR
    assert not states.still_used(None, rotated, NOON)
    assert states.still_used(NOON - HOUR, rotated, NOON)
    assert not states.still_used(NOON - 24 * HOUR, rotated, NOON)
    assert not states.still_used(NOON - 2 * HOUR, NOON - HOUR, NOON)
