from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.rotation import advice, retry, schedule
from security.rotation.policy import DEFAULT_GRACE, LEVELS, EffectivePolicy
from security.rotation.schedule import Around

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
days = st.integers(1, 730)
keys = st.uuids()


@given(at=moments, interval=days, key=keys, version=st.integers(1, 1000))
def test_a_turn_is_due_exactly_and_starts_at_most_a_tenth_earlier(at, interval, key, version):
    turn = schedule.turn(at, DAY * interval, key, version)
    assert turn.due_at == at + DAY * interval
    assert turn.due_at - DAY * interval * 0.1 <= turn.eligible_at <= turn.due_at
    assert turn == schedule.turn(at, DAY * interval, key, version)


def test_starts_are_spread_over_the_tenth():
    shares = sorted(schedule.fraction(UUID(int=number), 1) for number in range(2000))
    assert all(abs(share - place / 2000) < 0.05 for place, share in enumerate(shares))


@given(st.integers(0, 10**7))
def test_an_hours_limit_is_at_least_ten_and_at_most_fifty(count):
    assert 10 <= schedule.most_an_hour(count) <= 50


@pytest.mark.parametrize(("count", "most"), [(0, 10), (200, 10), (201, 11), (1000, 50), (9999, 50)])
def test_an_hours_limit_is_one_key_in_twenty(count, most):
    assert schedule.most_an_hour(count) == most


@dataclass
class Row:
    due_at: datetime
    key_id: str = "db"
    level: str = "critical"
    state: str = "active"
    fail_count: int = 0
    created_at: datetime = NOON - 100 * DAY


@pytest.mark.parametrize(
    ("after", "word"),
    [(-DAY, "overdue"), (0 * DAY, "overdue"), (7 * DAY, "due_soon"), (8 * DAY, "healthy")],
)
def test_a_key_stands_as_the_clock_says(after, word):
    assert schedule.standing(Row(NOON + after), NOON) == word


USUAL = Around(100, 50, 0, NOON, NOON, NOON - DAY)


def test_a_pass_may_use_what_is_left_of_the_hour():
    assert schedule.round_of(USUAL).room == 10
    assert schedule.round_of(replace(USUAL, begun_this_hour=7)).room == 3
    assert schedule.round_of(replace(USUAL, begun_this_hour=12)).room == 0


@pytest.mark.parametrize(
    "change",
    [
        {"local_now": NOON + 2 * HOUR},
        {"local_now": NOON - 2 * HOUR},
        {"last_pass_at": NOON + 2 * HOUR},
        {"last_pass_at": NOON - 30 * DAY},
    ],
)
def test_a_crowd_and_a_clock_that_jumped_pause_the_pass(change):
    jumped = replace(USUAL, **change)
    assert "50 of 100 keys are due at once" in schedule.round_of(jumped).paused_because
    assert schedule.round_of(replace(jumped, due=20)).room == 10


def test_a_first_pass_compares_the_clocks_of_two_machines_only():
    assert schedule.round_of(replace(USUAL, last_pass_at=None)).room == 10


def test_a_paused_pass_stays_paused():
    assert "nobody has resumed it" in schedule.round_of(replace(USUAL, paused=True)).paused_because


def test_silence_counts_from_the_last_pass_or_the_first_key():
    assert not schedule.silent(None, None, NOON)
    assert not schedule.silent(None, NOON - 25 * HOUR, NOON)
    assert schedule.silent(None, NOON - 27 * HOUR, NOON)
    assert not schedule.silent(NOON - 25 * HOUR, NOON - 90 * DAY, NOON)
    assert schedule.silent(NOON - 27 * HOUR, NOON - 90 * DAY, NOON)


@given(st.integers(1, 1000))
def test_waits_never_shrink_and_end_at_two_hours(failures):
    assert retry.wait(failures) <= retry.wait(failures + 1) <= 2 * HOUR


def test_there_is_no_wait_before_a_failure():
    with pytest.raises(ValueError, match="failures is 0"):
        retry.wait(0)


def test_a_value_is_given_up_after_three_tests():
    assert [retry.given_up(tries) for tries in range(5)] == [False, False, False, True, True]


def test_dearer_levels_have_no_longer_grace():
    spans = [DEFAULT_GRACE[level] for level in LEVELS]
    assert spans == sorted(spans)
    assert EffectivePolicy(30, 2 * HOUR).interval == 30 * DAY


def test_advice_names_what_is_urgent_first():
    rows = [
        Row(NOON - DAY, "a"),
        Row(NOON - DAY, "b", level="low"),
        Row(NOON - 40 * DAY, "c", level="low"),
        Row(NOON + 90 * DAY, "d", state="failed", fail_count=2),
    ]
    assert advice.of(rows, NOON, None) == [
        "d has no value that works: rotate it, or register a new value.",
        "Rotate c: it is low and overdue since 2026-01-20.",
        "Rotate a: it is critical and overdue since 2026-02-28.",
        "See why rotation fails for d.",
        "Rotate the 1 other overdue key.",
        "No automatic pass has run for 26 hours: see whether beat and a worker run.",
    ]
    others = [Row(NOON - DAY, name, level="low") for name in "xy"]
    assert advice.of(others, NOON, NOON) == ["Rotate the 2 other overdue keys."]


def test_where_all_is_well_there_is_no_advice():
    assert advice.of([], NOON, None) == []
    assert advice.of([Row(NOON + 90 * DAY)], NOON, NOON) == []
