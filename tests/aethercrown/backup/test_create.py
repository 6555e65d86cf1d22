"""Seven days, four weeks, twelve months; the newest is always kept."""

import tomllib
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aethercrown.backup import create
from aethercrown.backup.create import backups_to_keep
from tests import rig

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TIMES = st.sets(st.integers(0, 500).map(lambda days: NOON - timedelta(days=days)))


def test_a_year_of_daily_ones_becomes_two_dozen():
    daily = [NOON - timedelta(days=days) for days in range(400)]
    stay = sorted(backups_to_keep(daily), reverse=True)
    assert stay[:7] == daily[:7]
    assert len(stay) == 7 + 3 + 11
    assert stay[-1] == datetime(2025, 12, 31, 12, tzinfo=UTC)


def test_of_one_day_only_the_newest_stays():
    assert backups_to_keep([NOON, NOON - timedelta(hours=1), NOON - timedelta(hours=2)]) == {NOON}
    assert backups_to_keep([]) == set()


@given(TIMES)
def test_the_newest_seven_days_stay(times):
    assert set(sorted(times, reverse=True)[:7]) <= backups_to_keep(times) <= times
    assert len(backups_to_keep(times)) <= 23
    assert backups_to_keep(backups_to_keep(times)) == backups_to_keep(times)


def test_the_version_in_a_back_up_is_the_projects_own():
    with (rig.ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == create.VERSION
