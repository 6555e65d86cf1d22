import subprocess
import sys
from datetime import timedelta

from django.db.models.functions import Now

from operations.alerts.models import Alert
from operations.automations import run_rules, services, worker_id
from operations.automations.models import Run
from operations.automations.registry import automation_registry
from operations.automations.services import execute
from tests.aethercrown.registries import isolated
from tests.operations.automations.services.conftest import ONE, SECOND, at, lapse, states
from tests.operations.conftest import NOON


def test_the_run_of_a_lost_worker_is_executed_again(claimed, contexts):
    lapse(claimed)
    assert services.recover_runs(ONE + 30 * SECOND) == [("ads", "default")]
    assert states() == [("queued", "")]
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    run = Run.objects.get()
    assert (run.state, run.attempt) == ("done", 2)


def test_a_process_of_this_machine_that_is_gone_is_not_waited_for(automation, contexts):
    automation()
    services.enqueue_due_runs("ads", ONE)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    run = Run.objects.get()
    assert execute.claim(run.pk, f"{worker_id.HOST}:{ended.pid}", ONE)
    expected = [("ads", "default")] if "/" in worker_id.HOST else []
    assert services.requeue_abandoned_runs(ONE) == expected
    assert services.requeue_abandoned_runs(ONE) == expected


def test_a_redelivered_message_executes_an_abandoned_run_before_the_recovery(claimed, contexts):
    lapse(claimed)
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    assert Run.objects.get().attempt == 2


def test_a_valid_lease_is_left_alone(claimed, contexts):
    assert services.recover_runs(ONE + SECOND) == []
    assert services.run_due("ads", clock=at(ONE + SECOND)) == []
    assert execute.claim(claimed.pk, "second", ONE) is None


def test_a_run_that_loses_each_worker_fails_after_three(claimed):
    for _ in range(2):
        lapse(claimed)
        services.recover_runs(ONE + 30 * SECOND)
        assert execute.claim(claimed.pk, "next", ONE + 30 * SECOND)
    lapse(claimed)
    assert execute.claim(claimed.pk, "fourth", ONE + 30 * SECOND) is None
    assert services.recover_runs(ONE + 60 * SECOND) == []
    run = Run.objects.get()
    assert (run.state, run.attempt) == ("failed", 3)
    assert run.error == "The worker was lost in each of 3 attempts."


def test_recovery_starts_what_beat_did_not_announce(automation, contexts):
    automation()
    automation("churn", every=timedelta(days=1))
    assert services.recover_runs(ONE + SECOND) == [("ads", "default")]
    assert services.recover_runs(ONE + SECOND) == [("ads", "default")]
    assert Run.objects.count() == 1


def test_recovery_ignores_automations_that_are_not_registered(automation):
    automation()
    with isolated(automation_registry):
        assert services.recover_runs(ONE) == []
        [result] = services.run_due("ads", clock=at(ONE))
    assert result.summary == "UnknownName: No automation is called 'ads'. Known: none."


def test_a_run_that_lost_every_worker_raises_an_alert(claimed):
    Run.objects.update(attempt=3)
    lapse(claimed)
    services.recover_runs(ONE + 60 * SECOND)
    services.recover_runs(ONE + 70 * SECOND)
    assert Alert.objects.get().message.endswith(run_rules.WORKER_LOST)


def test_a_run_whose_lease_was_renewed_is_not_failed(claimed):
    Run.objects.update(attempt=3)
    gone = Run.objects.filter(lease_until__lt=Now())
    assert not execute.fail_for_good(gone, Run.objects.get(), run_rules.WORKER_LOST, ONE)
    assert not Alert.objects.exists()


def test_old_runs_are_deleted_and_failed_ones_later(automation):
    ads = automation()
    for days, state in ((89, "done"), (91, "done"), (91, "skipped"), (91, "failed"),
                        (366, "failed"), (400, "queued")):  # fmt: skip
        moment = NOON - timedelta(days=days)
        ended = None if state == "queued" else moment
        Run.objects.create(automation=ads, planned_for=moment + timedelta(seconds=len(state)),
                           state=state, not_before=moment, ended_at=ended)  # fmt: skip
    assert services.delete_old_runs(NOON) == 3
    left = sorted((run.state, (NOON - run.planned_for).days + 1) for run in Run.objects.all())
    assert left == [("done", 89), ("failed", 91), ("queued", 400)]
