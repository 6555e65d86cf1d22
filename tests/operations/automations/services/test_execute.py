import logging
from datetime import timedelta
from threading import Event

import pytest
from django.db.models.functions import Now

from operations.alerts.models import Alert
from operations.automations import run_rules, services
from operations.automations.models import Automation, Run
from operations.automations.registry import AutomationSpec, RunOutcome, automation_registry
from operations.automations.services import execute
from tests.aethercrown.registries import isolated
from tests.operations.automations.services.conftest import (
    HOUR,
    ONE,
    SECOND,
    at,
    failing,
    lapse,
)
from tests.operations.conftest import NOON


def failed_for_good(automation):
    ads = automation(perform=failing)
    for attempt in range(3):
        services.run_due("ads", clock=at(ONE + timedelta(minutes=5 * attempt)))
    return ads


def test_a_due_run_is_executed_and_recorded(automation, contexts):
    automation()
    [result] = services.run_due("ads", clock=at(ONE))
    assert (result.state, result.summary) == ("done", "Looked at ads.")
    assert result.detail == {"seen": 1}
    assert result.seconds is not None
    run = Run.objects.get()
    assert (run.state, run.trigger, run.attempt, run.planned_for) == ("done", "schedule", 1, ONE)
    assert (run.summary, run.result["detail"]) == ("Looked at ads.", {"seen": 1})
    assert (run.lease_until, run.duration) == (None, timedelta(0))
    [context] = contexts
    assert (context.run_id, context.planned_for, context.mode) == (run.pk, ONE, "propose")
    assert not context.dry_run
    assert str(run) == "Ads of 20 Nov 2026, 13:00 UTC"


def test_a_second_message_for_one_time_does_nothing(automation, contexts):
    automation()
    services.run_due("ads", clock=at(ONE))
    assert services.run_due("ads", clock=at(ONE + SECOND)) == []
    assert len(contexts) == 1


def test_a_message_before_its_time_finds_nothing_due(automation, contexts):
    automation()
    assert services.run_due("ads", clock=at(ONE - timedelta(minutes=10))) == []
    assert Run.objects.count() == 0


def test_a_message_a_little_early_counts_for_its_time(automation, contexts):
    automation()
    services.run_due("ads", clock=at(ONE - SECOND))
    services.run_due("ads", clock=at(ONE + SECOND))
    assert Run.objects.get().planned_for == ONE


def test_a_done_run_is_not_repeated_by_its_own_message(automation, contexts):
    automation()
    services.run_due("ads", clock=at(ONE))
    result = services.run_planned("ads", ONE, clock=at(ONE))
    assert (result.state, result.summary) == ("done", "Looked at ads.")
    assert len(contexts) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_messages_at_once_one_executes(automation, contexts, at_once):
    automation()
    outcomes = at_once(lambda: services.run_due("ads", clock=at(ONE)), 6)
    assert sorted(map(len, outcomes)) == [0] * 5 + [1]
    assert len(contexts) == 1
    assert Run.objects.get().attempt == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_wins(automation, at_once):
    automation()
    services.enqueue_due_runs("ads", ONE)
    run = Run.objects.get()
    outcomes = at_once(lambda: execute.claim(run.pk, "w", ONE), 6)
    assert sum(each is not None for each in outcomes) == 1


def test_a_failure_is_recorded_and_tried_again_after_its_wait(automation):
    automation(perform=failing)
    [result] = services.run_due("ads", clock=at(ONE))
    assert (result.state, result.summary) == (
        "failed",
        "ValueError: no rows for channel 'search'",
    )
    run = Run.objects.get()
    assert (run.state, run.attempt, run.not_before) == ("queued", 1, ONE + 30 * SECOND)
    assert "Traceback" in run.error
    assert services.run_due("ads", clock=at(ONE + 29 * SECOND)) == []
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    services.run_due("ads", clock=at(ONE + 150 * SECOND))
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("failed", 3)
    assert services.run_due("ads", clock=at(ONE + 900 * SECOND)) == []


def test_a_second_attempt_that_succeeds_clears_the_error(automation):
    tries = []

    def second_time(_context):
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return RunOutcome("Now.")

    automation(perform=second_time)
    services.run_due("ads", clock=at(ONE))
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    run = Run.objects.get()
    assert (run.state, run.attempt, run.error) == ("done", 2, "")


def test_the_log_of_a_run_is_stored_with_its_result(automation):
    words = logging.getLogger("operations.sample")
    tries = []

    def chatty(_context):
        words.info("3 rows")
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return RunOutcome("Now.")

    automation(perform=chatty)
    services.run_due("ads", clock=at(ONE))
    error = Run.objects.get().error.splitlines()
    assert error[0].endswith("info operations.sample: 3 rows")
    assert error[-1] == "OSError: not yet"
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    assert Run.objects.get().result["log"].endswith("info operations.sample: 3 rows")


def test_a_worker_paused_past_its_lease_writes_nothing_when_it_wakes(claimed, contexts):
    lapse(claimed)
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    assert not execute.renew(claimed.pk, claimed.attempt)
    assert not execute.finish(claimed, RunOutcome("Too late."), ONE + 60 * SECOND)
    assert not execute.fail(claimed, "too late", ONE + 60 * SECOND)
    run = Run.objects.get()
    assert (run.state, run.attempt, run.summary) == ("done", 2, "Looked at ads.")


def test_a_run_taken_over_while_it_worked_says_so(automation):
    def slow(context):
        lapse(Run.objects.get())
        execute.claim(context.run_id, "second", ONE + HOUR)
        return RunOutcome("Too late.")

    automation(perform=slow)
    [result] = services.run_due("ads", clock=at(ONE))
    assert result.state == "taken over"
    run = Run.objects.get()
    assert (run.state, run.worker, run.summary) == ("running", "second", "")


@pytest.mark.django_db(transaction=True)
def test_a_long_run_keeps_its_lease(automation, monkeypatch):
    renewed = Event()
    renew = execute.renew

    def noted(run_id, attempt):
        answer = renew(run_id, attempt)
        renewed.set()
        return answer

    def slow(context):
        lapse(Run.objects.get())
        for _ in range(2):  # the first may have begun before the lapse
            renewed.clear()
            assert renewed.wait(timeout=30)
        assert context.may_continue()
        assert Run.objects.filter(lease_until__gt=Now()).exists()
        return RunOutcome("At length.")

    monkeypatch.setattr(run_rules, "LEASE_RENEWAL_INTERVAL", timedelta(milliseconds=5))
    monkeypatch.setattr(execute, "renew", noted)
    automation(perform=slow)
    [result] = services.run_due("ads", clock=at(ONE))
    assert result.state == "done"


def test_a_running_automation_sees_the_switch_at_its_next_step(automation, settings):
    heard = []

    def two_steps(context):
        heard.append(context.may_continue())
        settings.AUTOMATION_ENABLED = False
        heard.append(context.may_continue())
        return RunOutcome("Stopped after one step.")

    automation(perform=two_steps)
    [result] = services.run_due("ads", clock=at(ONE))
    assert (heard, result.state) == ([True, False], "done")


def test_a_manual_run_is_recorded_as_such_and_replaces_no_scheduled_one(automation, contexts):
    automation()
    result = services.run_planned("ads", NOON + SECOND, trigger="manual", clock=at(NOON + SECOND))
    assert result.state == "done"
    services.run_due("ads", clock=at(ONE))
    assert list(Run.objects.order_by("planned_for").values_list("trigger", flat=True)) == [
        "manual",
        "schedule",
    ]


def test_a_manual_run_that_fails_is_not_repeated(automation):
    automation(perform=failing)
    assert services.run_planned("ads", NOON, trigger="manual", clock=at(NOON)).state == "failed"
    assert Run.objects.get().state == "failed"


def test_a_manual_run_beside_a_running_one_is_skipped(claimed, contexts):
    result = services.run_planned("ads", ONE + SECOND, trigger="manual", clock=at(ONE + SECOND))
    assert (result.state, result.summary) == ("skipped", "overlap")
    assert contexts == []


def test_a_dry_run_leaves_nothing(automation):
    def busy(context):
        Automation.objects.update(title="changed")
        return RunOutcome("Would change.", detail={"dry": context.dry_run, "run": context.run_id})

    automation(perform=busy)
    result = services.dry_run("ads", NOON)
    assert (result.state, result.summary) == ("dry run", "Would change.")
    assert result.detail == {"dry": True, "run": None}
    assert Run.objects.count() == 0
    assert Automation.objects.get().title == "Ads"


def test_a_dry_run_that_fails_says_why(automation):
    automation(perform=failing)
    result = services.dry_run("ads", NOON)
    assert (result.state, result.summary) == ("failed", "ValueError: no rows for channel 'search'")


def test_a_run_that_fails_for_good_raises_one_alert(automation):
    failed_for_good(automation)
    alert = Alert.objects.get()
    assert (alert.source, alert.kind, alert.subject, alert.severity, alert.count) == (
        "automations", "run_failed", "ads", "high", 1,
    )  # fmt: skip
    assert alert.message.startswith("Ads of 20 Nov 2026, 13:00 UTC failed: ")
    assert alert.link == f"/admin/operations/run/{Run.objects.get().pk}/change/"


def test_a_failure_that_is_retried_raises_no_alert(automation):
    automation(perform=failing)
    services.run_due("ads", clock=at(ONE))
    assert not Alert.objects.exists()


def test_the_next_success_resolves_the_alert(automation):
    failed_for_good(automation)
    good = AutomationSpec("ads", "Ads", lambda _context: RunOutcome("Good."))
    with isolated(automation_registry, [good]):
        services.run_due("ads", clock=at(ONE + timedelta(hours=1)))
    assert Alert.objects.get().state == "resolved"
