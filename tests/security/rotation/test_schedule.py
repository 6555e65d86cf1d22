from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.rotation import schedule, system_clock
from security.rotation.models import ManagedSecret
from security.rotation.reports.status import recommendations
from security.rotation.schedule import (
    DEFAULT_GRACE,
    LEVELS,
    ClockReading,
    EffectivePolicy,
    RunConditions,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
days = st.integers(1, 730)
keys = st.uuids()


@given(at=moments, interval=days, key=keys, version=st.integers(1, 1000))
def test_a_key_is_due_after_the_interval_and_eligible_at_most_a_tenth_earlier(
    at, interval, key, version
):
    window = schedule.rotation_window(at, DAY * interval, key, version)
    assert window.due_at == at + DAY * interval
    assert window.due_at - DAY * interval * 0.1 <= window.eligible_at <= window.due_at
    assert window == schedule.rotation_window(at, DAY * interval, key, version)


def test_the_jitter_is_uniform():
    shares = sorted(schedule.jitter(UUID(int=number), 1) for number in range(2000))
    assert all(abs(share - place / 2000) < 0.05 for place, share in enumerate(shares))


@given(st.integers(0, 10**7))
def test_the_hourly_limit_is_between_ten_and_fifty(count):
    assert 10 <= schedule.hourly_limit(count) <= 50


@pytest.mark.parametrize(("count", "most"), [(0, 10), (200, 10), (201, 11), (1000, 50), (9999, 50)])
def test_the_hourly_limit_is_one_key_in_twenty(count, most):
    assert schedule.hourly_limit(count) == most


def row(due_at, key_id="db", **columns):
    same = {"level": "critical", "created_at": NOON - 30 * DAY, "interval_days": 30}
    return ManagedSecret(due_at=due_at, key_id=key_id, **{**same, **columns})


@pytest.mark.parametrize(
    ("after", "interval_days", "word"),
    [
        (-DAY, 90, "overdue"),
        (0 * DAY, 90, "overdue"),
        (7 * DAY, 90, "due_soon"),
        (8 * DAY, 90, "healthy"),
        (5 * DAY, 20, "due_soon"),
        (6 * DAY, 20, "healthy"),
        (6 * HOUR, 1, "due_soon"),
        (7 * HOUR, 1, "healthy"),
    ],
)
def test_the_due_status_follows_the_due_time_and_the_interval(after, interval_days, word):
    assert schedule.due_status(NOON + after, interval_days, NOON) == word


def test_a_key_is_long_overdue_after_an_interval_and_at_most_30_days():
    assert not schedule.is_long_overdue(NOON - 30 * DAY, 90, NOON)
    assert schedule.is_long_overdue(NOON - 31 * DAY, 90, NOON)
    assert schedule.is_long_overdue(NOON - 2 * DAY, 1, NOON)


HERE = ClockReading(NOON, "boot-1", 30 * DAY)
USUAL = RunConditions(100, 50, 0, NOON, HERE, last_run_at=NOON - DAY)


def test_a_run_may_use_what_is_left_of_the_hourly_limit():
    assert schedule.run_allowance(USUAL).limit == 10
    assert schedule.run_allowance(replace(USUAL, begun_this_hour=7)).limit == 3
    assert schedule.run_allowance(replace(USUAL, begun_this_hour=12)).limit == 0


@pytest.mark.parametrize(
    "change",
    [
        {"reading": replace(HERE, wall=NOON + 2 * HOUR)},
        {"reading": replace(HERE, wall=NOON - 2 * HOUR)},
        {"last_run_at": NOON + 2 * HOUR},
        {"last_reading": ClockReading(NOON - DAY, "boot-1", 30 * DAY - 2 * HOUR)},
        {"last_reading": ClockReading(NOON - HOUR, "boot-1", 29 * DAY)},
    ],
)
def test_many_due_keys_after_a_clock_jump_pause_the_run(change):
    jumped = replace(USUAL, **change)
    assert "50 of 100 keys are due at once" in schedule.run_allowance(jumped).paused_because
    assert schedule.run_allowance(replace(jumped, due=20)).limit == 10


@pytest.mark.parametrize(
    "change",
    [
        {"last_run_at": NOON - 30 * DAY},
        {"last_run_at": NOON - 26 * HOUR},
        {"last_reading": ClockReading(NOON - 2 * DAY, "boot-1", 28 * DAY)},
        {"last_reading": ClockReading(NOON - 9 * DAY, "boot-0", 50 * DAY)},
        {"last_reading": ClockReading(NOON - 9 * DAY), "reading": ClockReading(NOON)},
    ],
)
def test_a_long_pause_is_no_clock_that_jumped(change):
    assert schedule.run_allowance(replace(USUAL, **change)).limit == 10


@pytest.mark.parametrize(("keys", "due"), [(3, 1), (3, 3), (19, 19), (20, 4)])
def test_of_few_keys_no_share_pauses_a_run(keys, due):
    jumped = replace(USUAL, keys=keys, due=due, reading=replace(HERE, wall=NOON + 2 * HOUR))
    assert schedule.run_allowance(jumped).paused_because == ""
    more = replace(jumped, keys=20, due=5)
    assert "5 of 20 keys" in schedule.run_allowance(more).paused_because


def test_this_machine_tells_its_uptime_and_one_that_does_not_only_its_clock(tmp_path):
    first, second = system_clock.read(), system_clock.read()
    if first.boot:
        assert first.boot == second.boot
        assert abs((second.wall - first.wall) - (second.uptime - first.uptime)) < HOUR
    assert system_clock.read(tmp_path / "none").boot == ""


def test_the_first_run_only_compares_the_two_clocks():
    assert schedule.run_allowance(replace(USUAL, last_run_at=None)).limit == 10


def test_a_paused_run_stays_paused():
    assert (
        "has not been resumed" in schedule.run_allowance(replace(USUAL, paused=True)).paused_because
    )


def test_a_missed_run_counts_from_the_last_run_or_the_first_key():
    assert not schedule.is_run_missed(None, None, DAY, NOON)
    assert not schedule.is_run_missed(None, NOON - 25 * HOUR, DAY, NOON)
    assert schedule.is_run_missed(None, NOON - 27 * HOUR, DAY, NOON)
    assert not schedule.is_run_missed(NOON - 25 * HOUR, NOON - 90 * DAY, DAY, NOON)
    assert schedule.is_run_missed(NOON - 27 * HOUR, NOON - 90 * DAY, DAY, NOON)
    assert not schedule.is_run_missed(NOON - 7 * DAY, NOON - 90 * DAY, 7 * DAY, NOON)
    assert schedule.is_run_missed(NOON - 8 * DAY, NOON - 90 * DAY, 7 * DAY, NOON)


@given(st.integers(1, 1000))
def test_waits_never_shrink_and_end_at_two_hours(failures):
    assert schedule.retry_wait(failures) <= schedule.retry_wait(failures + 1) <= 2 * HOUR


def test_there_is_no_wait_before_a_failure():
    with pytest.raises(ValueError, match="failures is 0"):
        schedule.retry_wait(0)


def test_a_value_is_used_up_after_three_failed_tests():
    assert [schedule.is_used_up(tries) for tries in range(5)] == [False, False, False, True, True]


def test_higher_levels_have_no_longer_grace():
    spans = [DEFAULT_GRACE[level] for level in LEVELS]
    assert spans == sorted(spans)
    assert EffectivePolicy(30, 2 * HOUR).interval == 30 * DAY


def test_recommendations_begin_with_the_most_urgent():
    rows = [
        row(NOON - DAY, "a"),
        row(NOON - DAY, "b", level="low"),
        row(NOON - 40 * DAY, "c", level="low"),
        row(NOON + 90 * DAY, "d", state="failed", fail_count=2),
    ]
    assert recommendations(rows, NOON, None) == [
        "d has no value that works: rotate it, or register a new value.",
        "Rotate c: it is low and overdue since 20 Jan 2026.",
        "Rotate a: it is critical and overdue since 28 Feb 2026.",
        "See why rotation fails for d.",
        "Rotate the 1 other overdue key.",
        "The scheduled rotation run is over two hours late: look whether beat and a worker run.",
    ]
    others = [row(NOON - DAY, name, level="low") for name in "xy"]
    assert recommendations(others, NOON, NOON) == ["Rotate the 2 other overdue keys."]


def test_healthy_keys_need_no_recommendation():
    assert recommendations([], NOON, None) == []
    assert recommendations([row(NOON + 90 * DAY)], NOON, NOON) == []
