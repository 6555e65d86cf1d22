from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError
from django_celery_beat.models import PeriodicTask

from operations.alerts.models import Alert
from operations.automations.models import Automation
from operations.automations.occurrences import Interval
from operations.automations.registry import RunContext
from operations.health import services
from operations.health.models import Check, CheckLock, Component, Heartbeat, Incident
from operations.health.registry import HealthCheck, health_check_registry
from operations.health.services import lock, record, run_checks
from operations.health.state_machine import (
    DEGRADED,
    DOWN,
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
    UP,
    Observation,
)
from tests.operations.health.conftest import BAD, GOOD, NOON, broken

pytestmark = pytest.mark.django_db
HANGING = Observation(UNHEALTHY, error_kind="timeout", error="There was no whole answer in time.")


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def note(component, *seen, since=NOON, **options):
    """Record observations twenty seconds apart."""
    for place, each in enumerate(seen):
        at = since + place * timedelta(seconds=20)
        record.record_all({component.pk: each}, at, **options)
    return fresh(component)


def open_alerts():
    return list(Alert.objects.exclude(state="resolved").values_list("kind", "subject", "count"))


# --- Rounds -----------------------------------------------------------------------------------
def test_a_round_checks_parts_and_targets_and_reports_them(shop, clock, runner):
    runner.results = {"shop": BAD}
    report = run_checks.check_and_report(clock=clock, runner=runner)
    assert set(report["components"]) == {"cache", "database", "shop"}
    assert report["components"]["shop"]["error"] == "The connection was refused."
    assert report["components"]["database"]["response_time_ms"] == 5.0
    assert report["overall_status"] == UNHEALTHY
    assert report["checked_at"] == NOON
    assert report["summary"] == {
        "total_components": 3,
        "healthy": 2,
        "degraded": 0,
        "unhealthy": 1,
        "unknown": 0,
    }
    assert Component.objects.filter(name="cache", parent__name="database").exists()


def test_a_second_round_within_ten_seconds_gives_the_report_of_the_first(clock, runner):
    run_checks.check_and_report(clock=clock, runner=runner)
    clock.move(seconds=9)
    run_checks.check_and_report(clock=clock, runner=runner)
    assert len(runner.asked) == 1
    clock.move(seconds=1)
    run_checks.check_and_report(clock=clock, runner=runner)
    assert len(runner.asked) == 2


def test_a_round_under_way_is_not_begun_again_until_its_lease_is_over(clock, runner):
    assert lock.acquire(
        run_checks.ROUND, clock(), every=run_checks.ROUND_FRESH_FOR, lease=timedelta(seconds=35)
    )
    clock.move(seconds=30)
    assert not run_checks.run_round(clock=clock, runner=runner)
    clock.move(seconds=6)
    assert run_checks.run_round(clock=clock, runner=runner)


def test_a_clock_set_back_does_not_stop_the_rounds(clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    clock.move(days=-2)
    assert run_checks.run_round(clock=clock, runner=runner)


def test_a_round_that_fails_releases_its_lock(clock, runner):
    runner.run = None
    with pytest.raises(TypeError):
        run_checks.run_round(clock=clock, runner=runner)
    assert CheckLock.objects.get(name="round").lease_until is None


def test_without_a_database_the_report_has_the_builtin_checks(clock, runner, monkeypatch):
    def gone(**_):
        raise OperationalError

    monkeypatch.setattr(run_checks, "run_round", gone)
    runner.results = {"database": HANGING}
    report = run_checks.check_and_report(clock=clock, runner=runner)
    assert report["overall_status"] == UNHEALTHY
    assert set(report["components"]) == {"cache", "database"}
    assert Check.objects.count() == 0


def test_a_disabled_component_is_not_checked(shop, clock, runner):
    Component.objects.filter(pk=shop.pk).update(is_enabled=False)
    run_checks.run_round(clock=clock, runner=runner)
    assert runner.asked == [["cache", "database"]]


def test_a_builtin_check_that_no_app_registers_any_more_is_skipped(clock, runner, checks):
    run_checks.run_round(clock=clock, runner=runner)
    clock.move(minutes=1)
    with health_check_registry.isolated([checks["database"]]):
        run_checks.run_round(clock=clock, runner=runner)
    assert runner.asked[-1] == ["database"]


def test_a_stored_target_that_may_not_be_called_is_blocked(shop, clock, runner):
    Component.objects.filter(pk=shop.pk).update(networks="0.0.0.0/0")
    check = run_checks.check_function(fresh(shop))
    assert check is run_checks.blocked
    assert check(1.0).error_kind == "blocked"
    run_checks.run_round(clock=clock, runner=runner)
    assert run_checks.host_of(fresh(shop)) == "shop"


def test_a_valid_target_is_checked_by_the_probe(shop):
    check = run_checks.check_function(shop)
    assert isinstance(check, partial)
    assert check.args == (shop.probe_target,)


# --- From observations to incidents -----------------------------------------------------------
def test_three_failures_open_one_incident_and_one_alert(shop):
    found = note(shop, GOOD, BAD, BAD)
    assert (found.state, found.contrary_count, open_alerts()) == (UP, 2, [])
    found = note(shop, BAD, BAD, since=NOON + timedelta(seconds=60))
    incident = Incident.objects.get()
    assert found.state == DOWN
    assert incident.started_at == NOON + timedelta(seconds=20)
    assert incident.confirmed_at == NOON + timedelta(seconds=60)
    assert (incident.error_kind, incident.error) == ("refused", BAD.error)
    assert [each[:2] for each in open_alerts()] == [("down", "shop")]


def test_two_successes_end_it_from_the_first_on(shop):
    note(shop, BAD, BAD, BAD)
    found = note(shop, GOOD, GOOD, since=NOON + timedelta(minutes=30))
    incident = Incident.objects.get()
    assert (found.state, found.state_since) == (UP, NOON + timedelta(minutes=30))
    assert (incident.ended_at, incident.ending) == (NOON + timedelta(minutes=30), "recovered")
    assert open_alerts() == []


def test_down_again_within_ten_minutes_is_the_same_incident(shop):
    note(shop, BAD, BAD, BAD, GOOD, GOOD, BAD, BAD, BAD)
    assert Incident.objects.get().ended_at is None
    assert Alert.objects.count() == 1


def test_down_again_later_is_another(shop):
    note(shop, BAD, BAD, BAD, GOOD, GOOD)
    note(shop, BAD, BAD, BAD, since=NOON + timedelta(hours=1))
    assert Incident.objects.count() == 2


def test_an_unknown_observation_is_stored_and_changes_nothing(shop):
    found = note(shop, GOOD, BAD, BAD, Observation(UNKNOWN, error_kind="stalled"))
    assert (found.state, found.contrary_count, found.status) == (UP, 2, UNKNOWN)
    assert Check.objects.filter(status=UNKNOWN).count() == 1


def test_in_maintenance_failures_are_recorded_and_nothing_else(shop):
    Component.objects.filter(pk=shop.pk).update(maintenance_until=NOON + timedelta(hours=1))
    found = note(shop, GOOD, *[BAD] * 5)
    assert (found.state, open_alerts()) == (UP, [])
    assert Check.objects.filter(status="maintenance").count() == 5
    found = note(shop, *[BAD] * 3, since=NOON + timedelta(hours=2))
    assert found.state == DOWN


def test_slow_answers_degrade_it_until_they_are_quick_again(shop):
    slow = Observation(HEALTHY, response_ms=1500.0)
    found = note(shop, slow)
    assert (found.status, found.is_slow) == (DEGRADED, True)
    assert found.error == "The 95th percentile is over 1000 ms."
    found = note(shop, *[GOOD] * 25)
    assert (found.status, found.error) == (HEALTHY, "")


def test_a_part_whose_parent_is_down_adds_no_alert_until_the_parent_is_back(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD, BAD, BAD)
    assert note(shop, BAD, BAD, BAD).state == DOWN
    assert [each[1] for each in open_alerts()] == ["network"]
    back = NOON + timedelta(hours=1)
    note(parent, GOOD, GOOD, since=back)
    note(shop, BAD, since=back + timedelta(seconds=179))
    assert open_alerts() == []
    note(shop, GOOD, since=back + timedelta(seconds=180))
    assert open_alerts() == []
    note(shop, BAD, since=back + timedelta(seconds=200))
    assert [each[1] for each in open_alerts()] == ["shop"]


def test_a_child_that_recovers_just_after_its_parent_raises_no_alert(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD, BAD, BAD)
    note(shop, BAD, BAD, BAD)
    note(parent, GOOD, GOOD, since=NOON + timedelta(minutes=5))
    found = note(shop, BAD, GOOD, GOOD, since=NOON + timedelta(minutes=6))
    assert found.state == UP
    assert list(Alert.objects.values_list("subject", "state")) == [("network", "resolved")]


def test_a_child_that_fails_before_its_parent_is_confirmed_raises_no_alert(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, GOOD, BAD)
    note(shop, BAD, BAD, BAD)
    assert open_alerts() == []


def test_a_child_that_fails_while_its_parent_is_maintained_raises_no_alert(shop):
    parent = Component.objects.create(
        name="network", target="https://n.example/", maintenance_until=NOON + timedelta(hours=1)
    )
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD)
    note(shop, BAD, BAD, BAD)
    assert open_alerts() == []


def test_a_child_that_goes_down_together_with_its_parent_raises_no_alert(shop, monkeypatch):
    monkeypatch.setattr(record, "BATCH_ROWS", 1)
    parent = Component.objects.create(name="network", target="https://n.example/")
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    for minute in range(3):
        at = NOON + minute * timedelta(minutes=1)
        record.record_all({shop.pk: BAD, parent.pk: BAD}, at)
    assert Incident.objects.count() == 2
    assert [each[1] for each in open_alerts()] == ["network"]


def test_while_it_flaps_the_alert_stays_open(shop):
    for place in range(6):
        note(shop, BAD, BAD, BAD, GOOD, GOOD, since=NOON + place * timedelta(minutes=2))
    restless = [BAD, GOOD] * 9
    note(shop, BAD, BAD, BAD, *restless, since=NOON + timedelta(minutes=14))
    found = note(shop, GOOD, GOOD, since=NOON + timedelta(minutes=21))
    assert found.is_flapping
    assert found.state == UP
    assert len(open_alerts()) == 1
    note(shop, *[GOOD] * 21, since=NOON + timedelta(minutes=30))
    assert open_alerts() == []
    assert Alert.objects.count() == 1


def test_the_alert_of_an_optional_component_is_less_severe(shop):
    Component.objects.filter(pk=shop.pk).update(is_required=False)
    note(shop, Observation(UNHEALTHY), Observation(UNHEALTHY), Observation(UNHEALTHY))
    assert Alert.objects.get().severity == "high"
    assert Incident.objects.get().error_kind == ""


def test_a_deleted_or_disabled_component_is_not_recorded(shop):
    Component.objects.filter(pk=shop.pk).update(is_enabled=False)
    record.record_all({shop.pk: BAD}, NOON)
    assert Check.objects.count() == 0


def test_a_change_by_staff_meanwhile_is_kept(shop):
    Component.objects.filter(pk=shop.pk).update(slow_ms=77)
    assert note(shop, GOOD).slow_ms == 77


def test_switching_off_ends_the_incident_and_the_alert(shop):
    note(shop, BAD, BAD, BAD)
    services.switch_off(shop.pk, NOON + timedelta(hours=1))
    assert Incident.objects.get().ending == "removed"
    assert open_alerts() == []
    assert fresh(shop).state == UNKNOWN


def test_all_targets_failing_at_once_is_our_own_network(shop, clock, runner):
    other = Component.objects.create(name="other", target="https://other.example.net/")
    run_checks.run_round(clock=clock, runner=runner)
    runner.results = {"shop": HANGING, "other": HANGING}
    for _ in range(4):
        clock.move(minutes=1)
        run_checks.run_round(clock=clock, runner=runner)
    assert (fresh(shop).state, fresh(other).state) == (UP, UP)
    assert fresh(shop).status == UNKNOWN
    assert open_alerts() == [("network", run_checks.OWN_NETWORK, 4)]
    runner.results = {}
    clock.move(minutes=1)
    run_checks.run_round(clock=clock, runner=runner)
    assert open_alerts() == []


# --- The watchdog --------------------------------------------------------------------------------
def test_the_watchdog_checks_vital_and_undecided_components(shop, clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    clock.move(minutes=1)
    assert run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked[-1] == ["database"]
    note(shop, BAD, since=clock())
    clock.move(seconds=15)
    run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked[-1] == ["database", "shop"]


def test_the_watchdog_checks_an_unknown_part_until_it_is_known(clock, runner):
    runner.results = {"cache": Observation(UNKNOWN)}
    run_checks.run_round(clock=clock, runner=runner)
    runner.results = {}
    for asked in (["cache", "database"], ["database"]):
        clock.move(seconds=15)
        run_checks.run_watchdog(clock=clock, runner=runner)
        assert runner.asked[-1] == asked


def test_the_watchdog_checks_a_down_component_each_minute(shop, clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    note(shop, BAD, BAD, BAD, since=clock())
    clock.move(seconds=60)
    run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked[-1] == ["database"]
    clock.move(seconds=45)
    run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked[-1] == ["database", "shop"]


def test_the_watchdog_checks_a_down_component_each_time_once_its_parent_is_up(shop, clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    cache = Component.objects.get(name="cache")
    note(cache, BAD, BAD, BAD, since=clock())
    note(cache.parent, BAD, BAD, BAD, since=clock())
    clock.move(seconds=60)
    note(cache.parent, GOOD, GOOD, since=clock())
    clock.move(seconds=30)
    run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked[-1] == ["cache", "database"]


def test_an_outage_of_the_broker_is_an_alert_within_a_minute_and_once(clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    runner.results = {"database": BAD}
    began = clock.move(seconds=1)
    while not open_alerts():
        run_checks.run_watchdog(clock=clock, runner=runner)
        clock.move(seconds=15)
    assert clock() - began <= timedelta(seconds=60)
    for _ in range(10):
        run_checks.run_watchdog(clock=clock, runner=runner)
        clock.move(seconds=15)
    assert Alert.objects.count() == 1
    runner.results = {}
    for _ in range(3):
        run_checks.run_watchdog(clock=clock, runner=runner)
        clock.move(seconds=60)
    assert open_alerts() == []


def test_unchanged_observations_are_stored_once_a_minute(clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    for _ in range(8):
        clock.move(seconds=15)
        run_checks.run_watchdog(clock=clock, runner=runner)
    assert Check.objects.filter(component__name="database").count() == 3
    assert Component.objects.get(name="database").checked_at == clock()


def test_the_watchdog_runs_a_round_that_no_task_ran(clock, runner):
    run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked == [["cache", "database"], ["cache", "database"]]
    clock.move(minutes=64)
    run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked[-1] == ["database"]
    clock.move(minutes=2)
    run_checks.run_watchdog(clock=clock, runner=runner)
    assert runner.asked[-1] == ["cache", "database"]


@pytest.mark.django_db(transaction=True)
def test_of_several_web_processes_one_runs_the_watchdog(clock, runner, at_once):
    run_checks.run_round(clock=clock, runner=runner)
    clock.move(minutes=1)
    outcomes = at_once(lambda: run_checks.run_watchdog(clock=clock, runner=runner), 4)
    assert sorted(outcomes) == [False, False, False, True]
    assert len(runner.asked) == 2


@pytest.mark.django_db(transaction=True)
def test_observations_recorded_at_once_open_one_incident(shop, at_once):
    note(shop, BAD, BAD)
    at_once(lambda: record.record_all({shop.pk: BAD}, NOON + timedelta(minutes=1)), 4)
    assert Incident.objects.count() == 1
    assert [each[:2] for each in open_alerts()] == [("down", "shop")]


@pytest.mark.django_db(transaction=True)
def test_the_watchdog_thread_and_the_awaited_round_close_their_connection(settings):
    run_checks.watchdog_in_thread()
    assert services.report_in_thread()["overall_status"] == HEALTHY


# --- The automation ---------------------------------------------------------------------------
def context(*, dry_run=False):
    return RunContext("operations.check_health", 1, NOON, NOON, "propose", dry_run=dry_run)


@pytest.mark.django_db(transaction=True)
def test_the_automation_runs_a_round_and_reports_what_is_unhealthy(checks):
    with health_check_registry.isolated(
        [checks["database"], HealthCheck("cache", "Cache", broken)]
    ):
        assert run_checks.perform(context()).summary == "2 components, 1 unhealthy: cache."
        again = run_checks.perform(context())
    assert again.summary.startswith("A round has just been run: ")
    assert again.detail == {"bad": ["cache"]}


def test_a_dry_run_checks_nothing(shop):
    assert run_checks.perform(context(dry_run=True)).summary == "Would check 1 components."
    assert Check.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_automation_reports_that_nothing_is_unhealthy():
    assert run_checks.perform(context()).summary == "2 components, 0 unhealthy."


def test_locks_and_heartbeats_show_their_name():
    assert str(CheckLock(name="watchdog")) == str(Heartbeat(name="watchdog")) == "watchdog"


@pytest.mark.usefixtures("schedules")
def test_schedules_exist_from_the_first_start():
    hourly = Automation.objects.get(name="operations.check_health")
    assert isinstance(hourly.schedule, Interval)
    assert hourly.schedule.every == timedelta(hours=1)
    own = {"operations.record_worker_heartbeat", "operations.roll_up_health"}
    assert set(PeriodicTask.objects.filter(task__in=own).values_list("name", flat=True)) == own
