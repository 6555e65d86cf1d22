from datetime import UTC, date, datetime, timedelta

import pytest

from aethercrown.metrics.period import days_to
from operations.health import tasks
from operations.health.models import Check, Component, HealthRollup, Incident
from operations.health.reports import history as reports
from operations.health.services import history

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return Component.objects.create(name="shop", target="https://shop.example.com/")


def checks(component, since, count, *, every=timedelta(minutes=20), status="healthy", ms=10.0):
    Check.objects.bulk_create(
        Check(component=component, checked_at=since + place * every, status=status, response_ms=ms)
        for place in range(count)
    )


def hours(component):
    return HealthRollup.objects.filter(component=component, span="hour").order_by("start")


def test_hours_that_are_over_are_rolled_up_and_the_current_one_is_not(shop):
    checks(shop, NOON, 7)
    history.roll_up_and_purge(NOON + 2 * HOUR + timedelta(minutes=3))
    assert [each.start for each in hours(shop)] == [NOON, NOON + HOUR]
    first = hours(shop)[0]
    assert (first.checks, first.up_seconds, first.sum_ms) == (3, 3600, 30)
    assert str(first) == "shop, hour of 20 Nov 2026, 12:00 UTC"


def test_rolling_up_twice_changes_nothing_and_a_late_check_is_added(shop):
    checks(shop, NOON, 3)
    now = NOON + HOUR + timedelta(minutes=3)
    history.roll_up_and_purge(now)
    before = list(hours(shop).values())
    history.roll_up_and_purge(now)
    assert list(hours(shop).values()) == before
    checks(shop, NOON + timedelta(minutes=50), 1, status="unhealthy", ms=None)
    history.roll_up_and_purge(now)
    assert hours(shop).get().failed == 1


def test_days_are_their_hours_together(shop):
    checks(shop, NOON - 12 * HOUR, 72)
    history.roll_up_and_purge(NOON + DAY)
    day = HealthRollup.objects.get(span="day")
    assert (day.start, day.checks, day.up_seconds) == (NOON - 12 * HOUR, 72, 86_400)
    history.roll_up_and_purge(NOON + DAY)
    assert HealthRollup.objects.filter(span="day").count() == 1


def test_a_component_without_checks_has_no_history(shop):
    history.roll_up_and_purge(NOON)
    assert not HealthRollup.objects.exists()


def test_old_rows_are_deleted_after_they_were_rolled_up(shop):
    checks(shop, NOON - 6 * DAY, 10)
    history.roll_up_and_purge(NOON)
    assert history.roll_up_and_purge(NOON + 2 * DAY) == 10
    assert hours(shop).count() >= 4
    assert history.roll_up_and_purge(NOON + 100 * DAY) >= 4
    assert HealthRollup.objects.filter(span="day").count() == 1
    assert history.roll_up_and_purge(NOON + 800 * DAY) == 1
    assert not HealthRollup.objects.exists()


def test_a_runner_stopped_for_days_leaves_a_gap_and_no_downtime(shop):
    checks(shop, NOON - 5 * DAY, 4)
    checks(shop, NOON, 4)
    history.roll_up_and_purge(NOON + 3 * HOUR)
    (trend,) = reports.trends(7 * DAY, NOON + 3 * HOUR)
    assert trend.totals.availability_percent == 100
    assert trend.totals.up_seconds == 2 * (3600 + 7200)


@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_period_has_the_same_figures_from_checks_and_from_rollups(shop, days, rolled_up):
    checks(shop, NOON - 3 * DAY, 3 * 72, status="healthy")
    checks(shop, NOON - 5 * HOUR - timedelta(minutes=7), 3, status="unhealthy", ms=None)
    if rolled_up:
        history.roll_up_and_purge(NOON - HOUR)
        history.roll_up_and_purge(NOON)
    (trend,) = reports.trends(days * DAY, NOON)
    seen = min(days, 3)
    assert trend.totals.checks == seen * 72 + 3
    assert trend.totals.failed == 3
    assert trend.totals.down_seconds == pytest.approx(3 * 7 * 60)
    assert trend.totals.percentile(0.95) == 10.0


def test_a_component_without_rollups_is_not_lost_beside_one_that_has_them(shop):
    checks(shop, NOON - 10 * HOUR, 30)
    history.roll_up_and_purge(NOON)
    late = Component.objects.create(name="late", target="https://late.example.com/")
    checks(late, NOON - 9 * HOUR, 3)
    late_row = Component.objects.create(name="later", target="https://later.example.com/")
    checks(late_row, NOON - 3 * HOUR, 6)
    history.roll_up(late_row.pk, NOON - HOUR)
    found = {each.component.name: each.totals.checks for each in reports.trends(DAY, NOON)}
    assert found == {"shop": 30, "late": 3, "later": 6}


def test_an_incident_counts_while_it_overlaps_the_period(shop):
    Incident.objects.create(
        component=shop, started_at=NOON - 9 * DAY, confirmed_at=NOON - 9 * DAY, ended_at=NOON - DAY
    )
    assert len(reports.incidents(NOON - 2 * DAY)) == 1
    assert reports.incidents(NOON) == []
    Incident.objects.create(component=shop, started_at=NOON, confirmed_at=NOON)
    assert len(reports.incidents(NOON + DAY)) == 1
    (shown,) = reports.trends_report(DAY, NOON + DAY)["recent_incidents"][:1]
    assert (shown["ended_at"], shown["duration_seconds"]) == (None, 86_400)


def test_daily_availability_for_the_chart(shop):
    checks(shop, NOON - HOUR, 3)
    history.roll_up_and_purge(NOON + 3 * HOUR)
    days, found = reports.daily_availability(days_to(NOON.date(), 3))
    assert days == [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]
    assert found == {"shop": [None, None, 100.0]}


def test_the_task_may_run_at_any_time(shop):
    tasks.roll_up_health()
    tasks.roll_up_health()


def test_a_check_counts_for_two_of_its_own_intervals(shop):
    """Green for two hours after a check each minute stopped would be a false green."""
    Component.objects.update(check_every_seconds=120)
    checks(shop, NOON, 5, every=timedelta(minutes=2))
    [trend] = reports.trends(HOUR, NOON + HOUR)
    assert trend.totals.up_seconds == (8 + 4) * 60
    history.roll_up_and_purge(NOON + HOUR + timedelta(minutes=3))
    assert hours(shop).get().up_seconds == (8 + 4) * 60


def test_a_check_each_day_counts_for_two_days(shop):
    Component.objects.update(check_every_seconds=86_400)
    checks(shop, NOON, 1)
    [trend] = reports.trends(6 * HOUR, NOON + DAY)
    assert trend.totals.availability_percent == 100
    assert trend.totals.up_seconds == 6 * 3600
