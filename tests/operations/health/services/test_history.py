from datetime import UTC, date, datetime, timedelta

import pytest

from operations.health import tasks
from operations.health.models import Check, Component, Incident, Rollup
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
        Check(component=component, at=since + place * every, status=status, ms=ms)
        for place in range(count)
    )


def hours(component):
    return Rollup.objects.filter(component=component, span="hour").order_by("start")


def test_hours_that_are_over_are_added_up_and_the_open_one_is_not(shop):
    checks(shop, NOON, 7)
    history.tend(NOON + 2 * HOUR + timedelta(minutes=3))
    assert [each.start for each in hours(shop)] == [NOON, NOON + HOUR]
    first = hours(shop)[0]
    assert (first.checks, first.up_seconds, first.sum_ms) == (3, 3600, 30)
    assert str(first) == "shop, hour of 2026-11-20 12:00"


def test_adding_up_twice_changes_nothing_and_a_late_check_is_added(shop):
    checks(shop, NOON, 3)
    now = NOON + HOUR + timedelta(minutes=3)
    history.tend(now)
    before = list(hours(shop).values())
    history.tend(now)
    assert list(hours(shop).values()) == before
    checks(shop, NOON + timedelta(minutes=50), 1, status="unhealthy", ms=None)
    history.tend(now)
    assert hours(shop).get().failed == 1


def test_days_are_their_hours_together(shop):
    checks(shop, NOON - 12 * HOUR, 72)
    history.tend(NOON + DAY)
    day = Rollup.objects.get(span="day")
    assert (day.start, day.checks, day.up_seconds) == (NOON - 12 * HOUR, 72, 86_400)
    history.tend(NOON + DAY)
    assert Rollup.objects.filter(span="day").count() == 1


def test_a_component_without_checks_has_no_history(shop):
    history.tend(NOON)
    assert not Rollup.objects.exists()


def test_what_is_old_is_deleted_in_batches_after_it_was_added_up(shop, monkeypatch):
    monkeypatch.setattr(history, "BATCH", 4)
    checks(shop, NOON - 6 * DAY, 10)
    history.tend(NOON)
    assert history.tend(NOON + 2 * DAY) == 10
    assert hours(shop).count() >= 4
    assert history.tend(NOON + 100 * DAY) >= 4
    assert Rollup.objects.filter(span="day").count() == 1
    assert history.tend(NOON + 800 * DAY) == 1
    assert not Rollup.objects.exists()


def test_a_runner_stopped_for_days_leaves_a_gap_and_no_downtime(shop):
    checks(shop, NOON - 5 * DAY, 4)
    checks(shop, NOON, 4)
    history.tend(NOON + 3 * HOUR)
    (trend,) = reports.trends(7 * DAY, NOON + 3 * HOUR)
    assert trend.found.availability_percent == 100
    assert trend.found.up_seconds == 2 * (3600 + 7200)


@pytest.mark.parametrize("tended", [False, True])
@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_period_has_the_same_figures_from_checks_and_from_sums(shop, days, tended):
    checks(shop, NOON - 3 * DAY, 3 * 72, status="healthy")
    checks(shop, NOON - 5 * HOUR - timedelta(minutes=7), 3, status="unhealthy", ms=None)
    if tended:
        history.tend(NOON - HOUR)
        history.tend(NOON)
    (trend,) = reports.trends(days * DAY, NOON)
    seen = min(days, 3)
    assert trend.found.checks == seen * 72 + 3
    assert trend.found.failed == 3
    assert trend.found.down_seconds == pytest.approx(3 * 7 * 60)
    assert trend.found.percentile(0.95) == 10.0


def test_a_component_without_sums_is_not_lost_beside_one_that_has_them(shop):
    checks(shop, NOON - 10 * HOUR, 30)
    history.tend(NOON)
    late = Component.objects.create(name="late", target="https://late.example.com/")
    checks(late, NOON - 9 * HOUR, 3)
    late_row = Component.objects.create(name="later", target="https://later.example.com/")
    checks(late_row, NOON - 3 * HOUR, 6)
    history.roll_up(late_row.pk, NOON - HOUR)
    found = {each.component.name: each.found.checks for each in reports.trends(DAY, NOON)}
    assert found == {"shop": 30, "late": 3, "later": 6}


def test_an_outage_counts_while_it_lasts_into_the_period(shop):
    Incident.objects.create(
        component=shop, started_at=NOON - 9 * DAY, confirmed_at=NOON - 9 * DAY, ended_at=NOON - DAY
    )
    assert len(reports.incidents(NOON - 2 * DAY)) == 1
    assert reports.incidents(NOON) == []
    Incident.objects.create(component=shop, started_at=NOON, confirmed_at=NOON)
    assert len(reports.incidents(NOON + DAY)) == 1
    (told,) = reports.answer(DAY, NOON + DAY)["recent_incidents"][:1]
    assert (told["ended_at"], told["duration_seconds"]) == (None, 86_400)


def test_days_of_the_chart(shop):
    checks(shop, NOON - HOUR, 3)
    history.tend(NOON + 3 * HOUR)
    days, found = reports.by_day(3, NOON)
    assert days == [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]
    assert found == {"shop": [None, None, 100.0]}


def test_the_task_may_run_at_any_time(shop):
    tasks.tend_uptime()
    tasks.tend_uptime()
