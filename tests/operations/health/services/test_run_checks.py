"""Rounds of checks, the watchdog and the automation."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection
from django_celery_beat.models import PeriodicTask

from aethercrown.crypto import sealing
from operations.alerts.models import Alert
from operations.automations.models import Automation
from operations.automations.occurrences import FixedInterval
from operations.automations.registry import RunContext
from operations.health.concurrent_checks import CheckRunner
from operations.health.models import Check, CheckLock, Component, Heartbeat
from operations.health.registry import HealthCheck, health_check_registry
from operations.health.services import run_checks
from operations.health.state_machine import (
    DOWN,
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
    UP,
    Observation,
)
from tests.aethercrown.registries import isolated
from tests.operations.health.conftest import BAD, GOOD, NOON, ScriptedRunner, broken
from tests.operations.health.recording import HANGING, fresh, note, open_alerts

pytestmark = pytest.mark.django_db


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
        "off": 0,
        "not_looked_at": 0,
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


def test_a_running_round_is_not_started_again_until_its_lease_is_over(clock, runner):
    assert run_checks.acquire_lock(
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


class LosingDatabase(ScriptedRunner):
    """The database is lost during the first run."""

    def run(self, jobs, seconds, *, max_threads=0):
        found = super().run(jobs, seconds, max_threads=max_threads)
        if len(self.asked) == 1:
            raise OperationalError
        return found


def test_without_a_database_the_report_has_the_builtin_checks(clock):
    runner = LosingDatabase()
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
    with isolated(health_check_registry, [checks["database"]]):
        run_checks.run_round(clock=clock, runner=runner)
    assert runner.asked[-1] == ["database"]


def test_a_part_whose_check_is_gone_is_not_looked_at_instead_of_green(clock, runner, checks):
    run_checks.run_round(clock=clock, runner=runner)
    with isolated(health_check_registry, [checks["database"]]):
        clock.move(minutes=1)
        run_checks.run_round(clock=clock, runner=runner)
    assert Component.objects.get(name="cache").status == "not_looked_at"


def test_a_stored_target_that_may_not_be_called_is_blocked(shop, clock, runner):
    Component.objects.filter(pk=shop.pk).update(networks="0.0.0.0/0")
    check = run_checks.check_function(fresh(shop))
    assert check is not None
    assert check(1.0).error_kind == "blocked"
    run_checks.run_round(clock=clock, runner=runner)
    assert run_checks.host_of(fresh(shop)) == "shop"


def test_a_valid_target_is_checked_by_the_probe(shop):
    check = run_checks.check_function(shop)
    assert isinstance(check, partial)
    assert check.args == (shop.probe_target,)


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


@pytest.fixture
def three(shop, clock, runner):
    """Targets on three hosts, which have answered."""
    others = [
        Component.objects.create(name=name, target=f"https://{name}.example.net/")
        for name in ("blog", "docs")
    ]
    run_checks.run_round(clock=clock, runner=runner)
    return [shop, *others]


def test_two_of_three_hosts_that_hang_are_down_within_a_minute(three, clock, runner):
    shop, blog, docs = three
    runner.results = {"shop": HANGING, "blog": HANGING}
    clock.move(minutes=1)
    run_checks.run_round(clock=clock, runner=runner)
    for _ in range(3):  # in which the third is not due
        clock.move(seconds=15)
        run_checks.run_watchdog(clock=clock, runner=runner)
    assert (fresh(shop).state, fresh(blog).state, fresh(docs).state) == (DOWN, DOWN, UP)
    assert {each[:2] for each in open_alerts()} == {("down", "shop"), ("down", "blog")}


def test_a_witness_that_fails_too_is_asked_about_and_all_are_unknown(three, clock, runner):
    runner.results = dict.fromkeys(("shop", "blog", "docs"), HANGING)
    for _ in range(5):
        clock.move(seconds=60)
        run_checks.run_watchdog(clock=clock, runner=runner)
        run_checks.run_round(clock=clock, runner=runner)
    assert {fresh(each).state for each in three} == {UP}
    assert {fresh(each).status for each in three} == {UNKNOWN}
    assert [each[1] for each in open_alerts()] == [run_checks.OWN_NETWORK]
    runner.results = {}
    clock.move(seconds=60)
    run_checks.run_watchdog(clock=clock, runner=runner)  # not only at the next round
    assert {fresh(each).status for each in three} == {HEALTHY}
    assert open_alerts() == []


def test_one_target_that_is_due_alone_is_not_blamed_while_no_other_host_answers(
    three, clock, runner
):
    shop, *_ = three
    Component.objects.filter(pk=shop.pk).update(check_every_seconds=30)
    runner.results = dict.fromkeys(("shop", "blog", "docs"), HANGING)
    for _ in range(8):
        clock.move(seconds=15)
        run_checks.run_watchdog(clock=clock, runner=runner)
    assert {fresh(each).state for each in three} == {UP}
    assert [each[1] for each in open_alerts()] == [run_checks.OWN_NETWORK]


def test_before_the_network_is_blamed_every_other_host_is_asked(three, clock, runner):
    """Five of six hosts are down: the three that are asked first fail as well."""
    for name in ("wiki", "mail", "cdn"):
        Component.objects.create(name=name, target=f"https://{name}.example.net/")
    clock.move(minutes=1)
    run_checks.run_round(clock=clock, runner=runner)
    runner.results = dict.fromkeys(("shop", "blog", "docs", "wiki", "mail"), HANGING)
    clock.move(seconds=15)
    found = run_checks.check_now(three[0].pk, clock=clock, runner=runner)
    assert (found.status, open_alerts()) == (UNHEALTHY, [])
    assert [fresh(each).contrary_count for each in three] == [1, 0, 0]  # not yet due themselves


def test_the_network_is_not_said_to_be_down_once_targets_are_judged_or_gone(three, clock, runner):
    runner.results = dict.fromkeys(("shop", "blog", "docs"), HANGING)
    outside = Component.objects.filter(kind="http")
    for change in ({"shop": BAD}, None):
        clock.move(minutes=1)
        run_checks.run_round(clock=clock, runner=runner)
        assert [each[1] for each in open_alerts()] == [run_checks.OWN_NETWORK]
        if change:  # it refuses: an answer, though none that is wanted
            runner.results |= change
        else:
            outside.update(is_enabled=False)
        clock.move(minutes=1)
        run_checks.run_watchdog(clock=clock, runner=runner)
        assert open_alerts() == []
        runner.results |= {"shop": HANGING}


def test_a_target_that_answers_when_asked_again_speaks_for_the_network(shop, clock):
    other = Component.objects.create(name="other", target="https://other.example.net/")

    class Blinking(ScriptedRunner):
        """The second time it is asked in a round, `other` answers."""

        def run(self, jobs, seconds, *, max_threads=0):
            if set(jobs) == {"shop", "other"}:
                self.results["other"] = GOOD
            return super().run(jobs, seconds, max_threads=max_threads)

    runner = Blinking()
    run_checks.run_round(clock=clock, runner=runner)
    for _ in range(3):
        clock.move(seconds=15)
        runner.results = {"shop": HANGING, "other": HANGING}
        run_checks.run_round(clock=clock, runner=runner)
    assert (fresh(shop).state, fresh(other).state) == (DOWN, UP)


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


def test_a_component_with_an_interval_of_its_own_is_checked_each_time_it_has_passed(
    shop, clock, runner
):
    Component.objects.update(check_every_seconds=60)
    for _ in range(12):
        clock.move(seconds=15)
        assert run_checks.run_watchdog(clock=clock, runner=runner)
    assert sum("shop" in each for each in runner.asked) == 1 + 2 + 1  # first round and each minute


def test_a_new_component_is_looked_at_at_once_and_only_then(shop, clock, runner):
    Component(name="demo", kind=Component.Kind.BUILTIN).save()
    assert run_checks.check_new(clock=clock, runner=runner) == 1
    shop.refresh_from_db()
    assert (shop.status, runner.asked) == ("healthy", [["shop"]])
    assert run_checks.check_new(clock=clock, runner=runner) == 0
    assert run_checks.NEW_SECONDS + 5 < 10  # with the deadline of a check


def test_of_several_processes_one_looks_at_what_is_new(shop, clock, runner):
    assert run_checks.acquire_lock(
        run_checks.NEW, NOON, every=timedelta(0), lease=timedelta(seconds=30)
    )
    assert run_checks.check_new(clock=clock, runner=runner) == 0


def test_staff_check_a_component_now_but_count_no_failure_twice(shop, clock, runner):
    runner.results = {"shop": BAD}
    assert run_checks.check_now(shop.pk, clock=clock, runner=runner).status == UNHEALTHY
    with pytest.raises(run_checks.CheckedJustNow, match="shop was checked just now: unhealthy"):
        run_checks.check_now(shop.pk, clock=clock, runner=runner)
    assert Component.objects.get().contrary_count == 1
    clock.move(seconds=10)
    Component.objects.update(is_enabled=False)
    with pytest.raises(run_checks.NothingToCheck, match="is off"):
        run_checks.check_now(shop.pk, clock=clock, runner=runner)


def test_a_target_that_cannot_be_decrypted_is_unknown_and_not_down(shop):
    with connection.cursor() as cursor:
        moved = sealing.seal(shop.target, "another column")
        cursor.execute("UPDATE operations_component SET target = %s", [moved])
    check = run_checks.check_function(Component.objects.get())
    assert check is not None
    assert check(1.0).status == UNKNOWN


class SlowRunner(CheckRunner):
    """Two seconds a check, in which another process checks the same and records it first."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.is_first = clock, True

    def run(self, jobs, seconds, *, max_threads=0):
        self.clock.move(seconds=1)
        if self.is_first:
            self.is_first = False
            run_checks.check_components(Component.objects.filter(name="shop"), self.clock, self)
        self.clock.move(seconds=1)
        return dict.fromkeys(jobs, BAD)


def test_a_failure_that_two_processes_see_at_once_counts_once(shop, clock):
    found = run_checks.check_now(shop.pk, clock=clock, runner=SlowRunner(clock))
    assert (found.status, found.contrary_count, found.checks.count()) == (UNHEALTHY, 1, 1)


def test_a_person_is_told_that_the_target_is_being_checked_at_this_moment(shop, clock):
    """Of two checks in one process the second is no failure: nothing of it is recorded."""
    runner, started, over = CheckRunner(), threading.Event(), threading.Event()

    def slow(_seconds):
        started.set()
        over.wait(10)
        return GOOD

    other = threading.Thread(target=runner.run, args=({"shop": slow}, 30.0))
    other.start()
    started.wait(10)
    try:
        with pytest.raises(run_checks.CheckedJustNow, match="shop is being checked"):
            run_checks.check_now(shop.pk, clock=clock, runner=runner)
    finally:
        over.set()
        other.join(10)
    assert (fresh(shop).status, shop.checks.count()) == ("not_looked_at", 0)


def test_what_is_off_is_no_outage_and_ends_the_one_before(clock, runner):
    off = Observation("off", error="No mail goes out: EMAIL_URL is not set.")
    runner.results = {"cache": BAD}
    run_checks.run_round(clock=clock, runner=runner)
    Component.objects.filter(name="cache").update(contrary_count=2, state="up")
    clock.move(minutes=4)
    run_checks.run_round(clock=clock, runner=runner)
    assert open_alerts()
    Component.objects.filter(name="cache").update(recent_ms=[1.0, None] * 10)  # it flaps
    runner.results = {"cache": off}
    clock.move(seconds=20)
    run_checks.run_round(clock=clock, runner=runner)
    cache = Component.objects.get(name="cache")
    assert (cache.status, cache.state, open_alerts()) == ("off", "unknown", [])
    assert cache.incidents.get().ending == "removed"
    assert not cache.checks.filter(status="off").exists()


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


def test_the_parent_of_what_fails_is_checked_with_it_whatever_its_interval(shop, clock, runner):
    server = Component.objects.create(name="server", target="https://s.example/")
    Component.objects.filter(pk=shop.pk).update(parent=server, check_every_seconds=30)
    run_checks.run_round(clock=clock, runner=runner)
    runner.results = {"shop": BAD, "server": BAD}
    for _ in range(8):
        clock.move(seconds=15)
        run_checks.run_watchdog(clock=clock, runner=runner)
    assert (fresh(shop).state, fresh(server).state) == (DOWN, DOWN)
    assert [each[1] for each in open_alerts()] == ["server"]


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
def test_the_watchdog_thread_and_the_awaited_round_close_their_connection(settings):
    run_checks.watchdog.function()
    assert run_checks.check_and_report()["overall_status"] == HEALTHY


def context(*, dry_run=False):
    return RunContext("operations.check_health", 1, NOON, NOON, "propose", dry_run=dry_run)


@pytest.mark.django_db(transaction=True)
def test_the_automation_runs_a_round_and_reports_what_is_unhealthy(checks):
    with isolated(
        health_check_registry, [checks["database"], HealthCheck("cache", "Cache", broken)]
    ):
        assert run_checks.perform(context()).summary == "2 components, 1 unhealthy: cache."
        again = run_checks.perform(context())
    assert again.summary.startswith("A round has just been run: ")
    assert again.detail == {"bad": ["cache"]}


def test_a_dry_run_checks_nothing(shop):
    assert run_checks.perform(context(dry_run=True)).summary == "Would check 1 component."
    assert Check.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_automation_reports_that_nothing_is_unhealthy():
    assert run_checks.perform(context()).summary == "2 components, 0 unhealthy."


def test_locks_and_heartbeats_show_their_name():
    assert str(CheckLock(name="watchdog")) == str(Heartbeat(name="watchdog")) == "watchdog"


@pytest.mark.usefixtures("schedules")
def test_schedules_exist_from_the_first_start():
    hourly = Automation.objects.get(name="operations.check_health")
    assert isinstance(hourly.schedule, FixedInterval)
    assert hourly.schedule.every == timedelta(hours=1)
    own = {"operations.record_worker_heartbeat", "operations.roll_up_health"}
    assert set(PeriodicTask.objects.filter(task__in=own).values_list("name", flat=True)) == own
