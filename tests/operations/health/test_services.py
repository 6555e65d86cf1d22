from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError
from django_celery_beat.models import PeriodicTask

from operations.alerts.models import Alert
from operations.automations.models import Automation
from operations.automations.occurrences import Interval
from operations.automations.registry import RunContext
from operations.health import registry, services
from operations.health.models import Check, Component, Heartbeat, Incident, Turn
from operations.health.registry import Part
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
HANGING = Observation(UNHEALTHY, kind="timeout", error="There was no whole answer in time.")


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def note(component, *seen, since=NOON, **options):
    """Note observations twenty seconds apart."""
    for place, each in enumerate(seen):
        at = since + place * timedelta(seconds=20)
        services.note_all({component.pk: each}, at, **options)
    return fresh(component)


def open_alerts():
    return list(Alert.objects.exclude(state="resolved").values_list("kind", "subject", "count"))


# --- Rounds -----------------------------------------------------------------------------------
def test_a_round_looks_at_parts_and_targets_and_reports_them(shop, clock, board):
    board.says = {"shop": BAD}
    report = services.report(clock=clock, on=board)
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


def test_a_second_round_within_ten_seconds_gives_the_report_of_the_first(clock, board):
    services.report(clock=clock, on=board)
    clock.move(seconds=9)
    services.report(clock=clock, on=board)
    assert len(board.asked) == 1
    clock.move(seconds=1)
    services.report(clock=clock, on=board)
    assert len(board.asked) == 2


def test_a_round_under_way_is_not_begun_again_until_its_lease_is_over(clock, board):
    assert services.take(services.ROUND, clock(), services.FRESH, timedelta(seconds=35))
    clock.move(seconds=30)
    assert not services.check(clock=clock, on=board)
    clock.move(seconds=6)
    assert services.check(clock=clock, on=board)


def test_a_clock_set_back_does_not_stop_the_rounds(clock, board):
    services.check(clock=clock, on=board)
    clock.move(days=-2)
    assert services.check(clock=clock, on=board)


def test_a_round_that_fails_gives_its_turn_back(clock, board):
    board.perform = None
    with pytest.raises(TypeError):
        services.check(clock=clock, on=board)
    assert Turn.objects.get(name="round").lease_until is None


def test_without_a_database_the_report_comes_of_memory(clock, board, monkeypatch):
    def gone(**_):
        raise OperationalError

    monkeypatch.setattr(services, "check", gone)
    board.says = {"database": HANGING}
    report = services.report(clock=clock, on=board)
    assert report["overall_status"] == UNHEALTHY
    assert set(report["components"]) == {"cache", "database"}
    assert Check.objects.count() == 0


def test_what_is_off_is_not_looked_at(shop, clock, board):
    Component.objects.filter(pk=shop.pk).update(is_enabled=False)
    services.check(clock=clock, on=board)
    assert board.asked == [["cache", "database"]]


def test_a_part_that_no_app_registers_any_more_is_passed_over(clock, board, parts):
    services.check(clock=clock, on=board)
    clock.move(minutes=1)
    with registry.apart([parts["database"]]):
        services.check(clock=clock, on=board)
    assert board.asked[-1] == ["database"]


def test_a_stored_target_that_may_not_be_called_is_blocked(shop, clock, board):
    Component.objects.filter(pk=shop.pk).update(networks="0.0.0.0/0")
    look = services.look_of(fresh(shop), {})
    assert look is services.blocked
    assert look(1.0).kind == "blocked"
    services.check(clock=clock, on=board)
    assert services.host_of(fresh(shop)) == "shop"


def test_a_good_target_is_looked_at_by_the_probe(shop):
    look = services.look_of(shop, {})
    assert isinstance(look, partial)
    assert look.args == (shop.looked_at,)


# --- From looks to outages --------------------------------------------------------------------
def test_three_failures_open_one_incident_and_one_alert(shop):
    found = note(shop, GOOD, BAD, BAD)
    assert (found.state, found.against, open_alerts()) == (UP, 2, [])
    found = note(shop, BAD, BAD, since=NOON + timedelta(seconds=60))
    incident = Incident.objects.get()
    assert found.state == DOWN
    assert incident.started_at == NOON + timedelta(seconds=20)
    assert incident.confirmed_at == NOON + timedelta(seconds=60)
    assert (incident.kind, incident.error) == ("refused", BAD.error)
    assert [each[:2] for each in open_alerts()] == [("down", "shop")]


def test_two_successes_end_it_from_the_first_on(shop):
    note(shop, BAD, BAD, BAD)
    found = note(shop, GOOD, GOOD, since=NOON + timedelta(minutes=30))
    incident = Incident.objects.get()
    assert (found.state, found.since) == (UP, NOON + timedelta(minutes=30))
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


def test_the_unknown_is_kept_and_changes_nothing(shop):
    found = note(shop, GOOD, BAD, BAD, Observation(UNKNOWN, kind="stalled"))
    assert (found.state, found.against, found.status) == (UP, 2, UNKNOWN)
    assert Check.objects.filter(status=UNKNOWN).count() == 1


def test_in_maintenance_failures_are_recorded_and_nothing_else(shop):
    Component.objects.filter(pk=shop.pk).update(maintenance_until=NOON + timedelta(hours=1))
    found = note(shop, GOOD, *[BAD] * 5)
    assert (found.state, open_alerts()) == (UP, [])
    assert Check.objects.filter(status="maintenance").count() == 5
    found = note(shop, *[BAD] * 3, since=NOON + timedelta(hours=2))
    assert found.state == DOWN


def test_slow_answers_degrade_it_until_they_are_quick_again(shop):
    slow = Observation(HEALTHY, ms=1500.0)
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


def test_what_recovers_just_after_its_parent_is_never_told_of(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD, BAD, BAD)
    note(shop, BAD, BAD, BAD)
    note(parent, GOOD, GOOD, since=NOON + timedelta(minutes=5))
    found = note(shop, BAD, GOOD, GOOD, since=NOON + timedelta(minutes=6))
    assert found.state == UP
    assert list(Alert.objects.values_list("subject", "state")) == [("network", "resolved")]


def test_what_fails_before_its_parent_is_confirmed_is_not_told_of(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, GOOD, BAD)
    note(shop, BAD, BAD, BAD)
    assert open_alerts() == []


def test_what_fails_while_its_parent_is_maintained_is_not_told_of(shop):
    parent = Component.objects.create(
        name="network", target="https://n.example/", maintenance_until=NOON + timedelta(hours=1)
    )
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD)
    note(shop, BAD, BAD, BAD)
    assert open_alerts() == []


def test_what_goes_down_together_with_its_parent_is_not_told_of(shop, monkeypatch):
    monkeypatch.setattr(services, "AT_ONCE", 1)
    parent = Component.objects.create(name="network", target="https://n.example/")
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    for minute in range(3):
        at = NOON + minute * timedelta(minutes=1)
        services.note_all({shop.pk: BAD, parent.pk: BAD}, at)
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


def test_what_is_not_required_is_less_grave(shop):
    Component.objects.filter(pk=shop.pk).update(is_required=False)
    note(shop, Observation(UNHEALTHY), Observation(UNHEALTHY), Observation(UNHEALTHY))
    assert Alert.objects.get().severity == "high"
    assert Incident.objects.get().kind == ""


def test_what_is_gone_or_off_by_now_is_not_noted(shop):
    Component.objects.filter(pk=shop.pk).update(is_enabled=False)
    services.note_all({shop.pk: BAD}, NOON)
    assert Check.objects.count() == 0


def test_what_staff_change_meanwhile_stays(shop):
    Component.objects.filter(pk=shop.pk).update(slow_ms=77)
    assert note(shop, GOOD).slow_ms == 77


def test_switching_off_ends_what_is_open(shop):
    note(shop, BAD, BAD, BAD)
    services.retire(shop.pk, NOON + timedelta(hours=1))
    assert Incident.objects.get().ending == "removed"
    assert open_alerts() == []
    assert fresh(shop).state == UNKNOWN


def test_all_targets_failing_at_once_is_our_own_network(shop, clock, board):
    other = Component.objects.create(name="other", target="https://other.example.net/")
    services.check(clock=clock, on=board)
    board.says = {"shop": HANGING, "other": HANGING}
    for _ in range(4):
        clock.move(minutes=1)
        services.check(clock=clock, on=board)
    assert (fresh(shop).state, fresh(other).state) == (UP, UP)
    assert fresh(shop).status == UNKNOWN
    assert open_alerts() == [("network", services.NETWORK, 4)]
    board.says = {}
    clock.move(minutes=1)
    services.check(clock=clock, on=board)
    assert open_alerts() == []


# --- The watch --------------------------------------------------------------------------------
def test_the_watch_looks_at_the_vital_and_the_undecided(shop, clock, board):
    services.check(clock=clock, on=board)
    clock.move(minutes=1)
    assert services.watch(clock=clock, on=board)
    assert board.asked[-1] == ["database"]
    note(shop, BAD, since=clock())
    clock.move(seconds=15)
    services.watch(clock=clock, on=board)
    assert board.asked[-1] == ["database", "shop"]


def test_a_part_of_which_nothing_is_known_is_looked_at_until_something_is(clock, board):
    board.says = {"cache": Observation(UNKNOWN)}
    services.check(clock=clock, on=board)
    board.says = {}
    for asked in (["cache", "database"], ["database"]):
        clock.move(seconds=15)
        services.watch(clock=clock, on=board)
        assert board.asked[-1] == asked


def test_what_is_down_is_looked_at_each_minute(shop, clock, board):
    services.check(clock=clock, on=board)
    note(shop, BAD, BAD, BAD, since=clock())
    clock.move(seconds=60)
    services.watch(clock=clock, on=board)
    assert board.asked[-1] == ["database"]
    clock.move(seconds=45)
    services.watch(clock=clock, on=board)
    assert board.asked[-1] == ["database", "shop"]


def test_what_is_down_is_looked_at_each_turn_once_its_parent_is_back(shop, clock, board):
    services.check(clock=clock, on=board)
    cache = Component.objects.get(name="cache")
    note(cache, BAD, BAD, BAD, since=clock())
    note(cache.parent, BAD, BAD, BAD, since=clock())
    clock.move(seconds=60)
    note(cache.parent, GOOD, GOOD, since=clock())
    clock.move(seconds=30)
    services.watch(clock=clock, on=board)
    assert board.asked[-1] == ["cache", "database"]


def test_an_outage_of_the_broker_is_an_alert_within_a_minute_and_once(clock, board):
    services.check(clock=clock, on=board)
    board.says = {"database": BAD}
    began = clock.move(seconds=1)
    while not open_alerts():
        services.watch(clock=clock, on=board)
        clock.move(seconds=15)
    assert clock() - began <= timedelta(seconds=60)
    for _ in range(10):
        services.watch(clock=clock, on=board)
        clock.move(seconds=15)
    assert Alert.objects.count() == 1
    board.says = {}
    for _ in range(3):
        services.watch(clock=clock, on=board)
        clock.move(seconds=60)
    assert open_alerts() == []


def test_looks_that_say_nothing_new_are_kept_once_a_minute(clock, board):
    services.check(clock=clock, on=board)
    for _ in range(8):
        clock.move(seconds=15)
        services.watch(clock=clock, on=board)
    assert Check.objects.filter(component__name="database").count() == 3
    assert Component.objects.get(name="database").checked_at == clock()


def test_the_watch_does_a_round_that_no_task_did(clock, board):
    services.watch(clock=clock, on=board)
    assert board.asked == [["cache", "database"], ["cache", "database"]]
    clock.move(minutes=64)
    services.watch(clock=clock, on=board)
    assert board.asked[-1] == ["database"]
    clock.move(minutes=2)
    services.watch(clock=clock, on=board)
    assert board.asked[-1] == ["cache", "database"]


@pytest.mark.django_db(transaction=True)
def test_of_two_web_processes_one_watches(clock, board, at_once):
    services.check(clock=clock, on=board)
    clock.move(minutes=1)
    outcomes = at_once(lambda: services.watch(clock=clock, on=board), 4)
    assert sorted(outcomes) == [False, False, False, True]
    assert len(board.asked) == 2


@pytest.mark.django_db(transaction=True)
def test_looks_noted_at_once_open_one_incident(shop, at_once):
    note(shop, BAD, BAD)
    at_once(lambda: services.note_all({shop.pk: BAD}, NOON + timedelta(minutes=1)), 4)
    assert Incident.objects.count() == 1
    assert [each[:2] for each in open_alerts()] == [("down", "shop")]


@pytest.mark.django_db(transaction=True)
def test_the_thread_of_the_watch_and_the_awaited_round_keep_no_connection(settings):
    services.watch_aside()
    assert services.report_aside()["overall_status"] == HEALTHY


# --- By itself --------------------------------------------------------------------------------
def context(*, dry_run=False):
    return RunContext("operations.check_health", 1, NOON, NOON, "propose", dry_run=dry_run)


@pytest.mark.django_db(transaction=True)
def test_the_automation_does_a_round_and_says_what_is_wrong(parts):
    with registry.apart([parts["database"], Part("cache", "Cache", broken)]):
        assert services.perform(context()).summary == "2 components, 1 unhealthy: cache."
        again = services.perform(context())
    assert again.summary.startswith("A round was just done: ")
    assert again.detail == {"bad": ["cache"]}


def test_a_dry_run_looks_at_nothing(shop):
    assert services.perform(context(dry_run=True)).summary == "Would look at 1 components."
    assert Check.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_with_nothing_wrong_it_says_so():
    assert services.perform(context()).summary == "2 components, 0 unhealthy."


def test_a_sign_of_life_is_named_after_who_gives_it():
    assert str(Turn(name="watch")) == str(Heartbeat(name="watch")) == "watch"


@pytest.mark.usefixtures("schedules")
def test_schedules_stand_from_the_first_start():
    hourly = Automation.objects.get(name="operations.check_health")
    assert isinstance(hourly.schedule, Interval)
    assert hourly.schedule.every == timedelta(hours=1)
    own = {"operations.note_worker", "operations.tend_uptime"}
    assert set(PeriodicTask.objects.filter(task__in=own).values_list("name", flat=True)) == own
