import logging
import subprocess
import sys
from datetime import timedelta
from threading import Event

import pytest
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from operations.alerts.models import Alert
from operations.automations import registry, run_rules, schedule_text, services, worker_id
from operations.automations.models import Automation, Run
from operations.automations.registry import RunOutcome, UnknownAutomation
from operations.automations.services import AutomationDisabled
from tests.operations.conftest import NOON

HOUR = timedelta(hours=1)
ONE = NOON + HOUR
SECOND = timedelta(seconds=1)


def at(moment):
    return lambda: moment


def states():
    return list(Run.objects.order_by("planned_for").values_list("state", "reason"))


def lapse(run):
    """As if its worker had been dead for a minute."""
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(minutes=1))


@pytest.fixture
def claimed(automation):
    automation()
    services.enqueue_due_runs("ads", ONE)
    return services.claim(Run.objects.get().pk, "first", ONE)


def failing(_occasion):
    raise ValueError("no rows for channel 'search'")


# --- Once for each planned time -----------------------------------------------------------------
def test_a_wake_up_does_what_is_due_and_records_it(automation, contexts):
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
    assert str(run) == "Ads of 2026-11-20 13:00:00 UTC"


def test_a_second_message_for_one_slot_does_nothing(automation, contexts):
    automation()
    services.run_due("ads", clock=at(ONE))
    assert services.run_due("ads", clock=at(ONE + SECOND)) == []
    assert len(contexts) == 1


def test_a_message_before_its_time_finds_nothing_due(automation, contexts):
    automation()
    assert services.run_due("ads", clock=at(ONE - timedelta(minutes=10))) == []
    assert Run.objects.count() == 0


def test_a_message_a_little_early_counts_for_its_slot(automation, contexts):
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
def test_of_many_wake_ups_at_once_one_performs(automation, contexts, at_once):
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
    outcomes = at_once(lambda: services.claim(run.pk, "w", ONE), 6)
    assert sum(each is not None for each in outcomes) == 1


# --- What passed while nothing ran --------------------------------------------------------------
@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", [("skipped", "missed")] * 3),
        ("once", [("skipped", "missed")] * 2 + [("done", "")]),
        ("all", [("done", "")] * 3),
    ],
)
def test_missed_slots_are_caught_up_as_the_policy_says(automation, contexts, missed, expected):
    automation(missed=missed, every=HOUR)
    services.run_due("ads", clock=at(NOON + 3.5 * HOUR))
    assert states() == expected
    planned = [each.planned_for for each in contexts]
    assert planned == sorted(planned)
    assert not Run.objects.filter(state="done").exclude(trigger="catch-up").exists()


@pytest.mark.parametrize(
    ("missed", "every", "expected"),
    [
        ("skip", 15, 0),
        ("once", 15, 1),
        ("all", 15, 8),
        ("skip", 60, 0),
        ("once", 60, 1),
        ("all", 60, 2),
    ],
)
def test_after_two_minutes_away_as_many_run_as_the_policy_says(
    automation, contexts, missed, every, expected
):
    automation(missed=missed, every=every * SECOND)
    services.run_due("ads", clock=at(NOON + 131 * SECOND))
    assert len(contexts) == expected
    services.run_due("ads", clock=at(NOON + 131 * SECOND))
    assert len(contexts) == expected
    services.run_due("ads", clock=at(NOON + 180 * SECOND))
    assert contexts[-1].planned_for == NOON + 180 * SECOND


def test_a_long_absence_catches_up_a_bounded_number(automation, contexts):
    automation(missed="all", every=HOUR)
    services.enqueue_due_runs("ads", NOON + timedelta(days=30))
    assert Run.objects.count() == 100
    first = Run.objects.earliest("planned_for").planned_for
    assert first >= NOON + timedelta(days=23)


def test_a_slot_that_meets_a_running_one_is_skipped_as_overlap(claimed):
    services.enqueue_due_runs("ads", ONE + HOUR)
    assert states() == [("running", ""), ("skipped", "overlap")]


def test_a_clock_that_went_back_runs_nothing_twice(automation, contexts):
    automation()
    services.run_due("ads", clock=at(ONE + HOUR))
    for back in (3, 2, 1, 0):
        services.run_due("ads", clock=at(ONE + HOUR - back * HOUR))
    assert len(contexts) == 1


def test_an_edited_schedule_counts_from_the_edit(automation, contexts):
    ads = automation()
    late = NOON + 5.5 * HOUR
    services.save_schedule(ads, schedule_text.parse("every 2 hours", ads.scheduled_at), late)
    assert services.run_due("ads", clock=at(late + HOUR)) == []
    services.run_due("ads", clock=at(late + 2 * HOUR))
    assert [each.planned_for for each in contexts] == [late + 2 * HOUR]


# --- Failures and lost workers ------------------------------------------------------------------
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

    def second_time(_occasion):
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return RunOutcome("Now.")

    automation(perform=second_time)
    services.run_due("ads", clock=at(ONE))
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    run = Run.objects.get()
    assert (run.state, run.attempt, run.error) == ("done", 2, "")


def test_what_a_run_logs_is_kept_beside_how_it_ended(automation):
    words = logging.getLogger("operations.sample")
    tries = []

    def chatty(_occasion):
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


def test_a_lost_worker_s_run_is_taken_up_again(claimed, contexts):
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
    assert services.claim(run.pk, f"{worker_id.HOST}:{ended.pid}", ONE)
    expected = [("ads", "default")] if "/" in worker_id.HOST else []
    assert services.requeue_abandoned_runs(ONE) == expected
    assert services.requeue_abandoned_runs(ONE) == expected


def test_a_redelivered_message_takes_up_a_lapsed_run_before_the_sweep(claimed, contexts):
    lapse(claimed)
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    assert Run.objects.get().attempt == 2


def test_a_living_lease_is_left_alone(claimed, contexts):
    assert services.recover_runs(ONE + SECOND) == []
    assert services.run_due("ads", clock=at(ONE + SECOND)) == []
    assert services.claim(claimed.pk, "second", ONE) is None


def test_a_run_that_loses_each_worker_fails_after_three(claimed):
    for _ in range(2):
        lapse(claimed)
        services.recover_runs(ONE + 30 * SECOND)
        assert services.claim(claimed.pk, "next", ONE + 30 * SECOND)
    lapse(claimed)
    assert services.claim(claimed.pk, "fourth", ONE + 30 * SECOND) is None
    assert services.recover_runs(ONE + 60 * SECOND) == []
    run = Run.objects.get()
    assert (run.state, run.attempt) == ("failed", 3)
    assert run.error == "The worker was lost in each of 3 attempts."


def test_a_worker_paused_past_its_lease_writes_nothing_when_it_wakes(claimed, contexts):
    lapse(claimed)
    services.run_due("ads", clock=at(ONE + 30 * SECOND))
    assert not services.renew(claimed.pk, claimed.attempt)
    assert not services.finish(claimed, RunOutcome("Too late."), ONE + 60 * SECOND)
    assert not services.fail(claimed, "too late", ONE + 60 * SECOND)
    run = Run.objects.get()
    assert (run.state, run.attempt, run.summary) == ("done", 2, "Looked at ads.")


def test_a_run_taken_over_while_it_worked_says_so(automation):
    def slow(context):
        lapse(Run.objects.get())
        services.claim(context.run_id, "second", ONE + HOUR)
        return RunOutcome("Too late.")

    automation(perform=slow)
    [result] = services.run_due("ads", clock=at(ONE))
    assert result.state == "taken over"
    run = Run.objects.get()
    assert (run.state, run.worker, run.summary) == ("running", "second", "")


@pytest.mark.django_db(transaction=True)
def test_a_long_run_keeps_its_lease(automation, monkeypatch):
    renewed = Event()
    renew = services.renew

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

    monkeypatch.setattr(run_rules, "RENEWAL", timedelta(milliseconds=5))
    monkeypatch.setattr(services, "renew", noted)
    automation(perform=slow)
    [result] = services.run_due("ads", clock=at(ONE))
    assert result.state == "done"


def test_the_sweep_starts_what_no_beat_announced(automation, contexts):
    automation()
    automation("churn", every=timedelta(days=1))
    assert services.recover_runs(ONE + SECOND) == [("ads", "default")]
    assert services.recover_runs(ONE + SECOND) == [("ads", "default")]
    assert Run.objects.count() == 1


def test_the_sweep_leaves_automations_that_this_code_does_not_know(automation):
    automation()
    with registry.apart():
        assert services.recover_runs(ONE) == []
        [result] = services.run_due("ads", clock=at(ONE))
    assert result.summary == "UnknownAutomation: No automation is called ads. Known: none."


# --- The switches -------------------------------------------------------------------------------
def test_nothing_starts_while_the_switch_is_off_and_the_policy_decides_afterwards(
    automation, contexts, settings
):
    automation()
    services.enqueue_due_runs("ads", ONE)
    settings.AUTOMATION_ENABLED = False
    assert services.run_due("ads", clock=at(ONE + 2 * HOUR)) == []
    assert services.recover_runs(ONE + 2 * HOUR) == []
    with pytest.raises(AutomationDisabled, match="AUTOMATION_ENABLED is False"):
        services.enqueue_manual_run("ads", ONE)
    assert (Run.objects.count(), contexts) == (1, [])
    settings.AUTOMATION_ENABLED = True
    services.run_due("ads", clock=at(ONE + 2 * HOUR))
    assert len(contexts) == 1


def test_running_work_hears_of_the_switch_at_its_next_step(automation, settings):
    heard = []

    def two_steps(context):
        heard.append(context.may_continue())
        settings.AUTOMATION_ENABLED = False
        heard.append(context.may_continue())
        return RunOutcome("Stopped after one step.")

    automation(perform=two_steps)
    [result] = services.run_due("ads", clock=at(ONE))
    assert (heard, result.state) == ([True, False], "done")


def test_an_automation_that_is_off_runs_only_when_asked(automation, contexts):
    ads = automation()
    Automation.objects.update(is_enabled=False)
    assert services.run_due("ads", clock=at(ONE)) == []
    ordered = services.enqueue_manual_run("ads", ONE)
    assert ordered.trigger == "manual"
    services.run_due("ads", clock=at(ONE))
    assert [each.run_id for each in contexts] == [ordered.pk]
    assert str(ads) == "Ads"


# --- By hand ------------------------------------------------------------------------------------
def test_a_run_by_hand_is_recorded_as_such_and_disturbs_no_slot(automation, contexts):
    automation()
    result = services.run_planned("ads", NOON + SECOND, trigger="manual", clock=at(NOON + SECOND))
    assert result.state == "done"
    services.run_due("ads", clock=at(ONE))
    assert list(Run.objects.order_by("planned_for").values_list("trigger", flat=True)) == [
        "manual",
        "schedule",
    ]


def test_a_run_by_hand_that_fails_is_not_repeated(automation):
    automation(perform=failing)
    assert services.run_planned("ads", NOON, trigger="manual", clock=at(NOON)).state == "failed"
    assert Run.objects.get().state == "failed"


def test_a_run_by_hand_beside_a_running_one_is_skipped(claimed, contexts):
    result = services.run_planned("ads", ONE + SECOND, trigger="manual", clock=at(ONE + SECOND))
    assert (result.state, result.summary) == ("skipped", "overlap")
    assert contexts == []


def test_a_run_ordered_beside_a_running_one_waits(claimed, contexts):
    services.enqueue_manual_run("ads", ONE + SECOND)
    assert services.run_due("ads", clock=at(ONE + SECOND)) == []
    services.finish(claimed, RunOutcome("Done."), ONE + SECOND)
    assert len(services.run_due("ads", clock=at(ONE + SECOND))) == 1


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


# --- Schedules ----------------------------------------------------------------------------------
def test_a_schedule_stands_where_beat_reads_it(automation):
    ads = automation()
    seen = PeriodicTasks.last_change()
    services.save_schedule(ads, schedule_text.parse("at 03:30 on weekdays", NOON), ONE)
    task = PeriodicTask.objects.get(name="ads")
    assert task.interval is None
    assert (task.crontab.minute, task.crontab.hour) == ("30", "3")
    assert task.crontab.day_of_week == "1,2,3,4,5"
    assert (task.task, task.kwargs) == ("operations.run_automation", '{"automation": "ads"}')
    assert PeriodicTasks.last_change() > seen
    assert Automation.objects.get().scheduled_at == ONE


def test_a_new_automation_gets_its_own_place(automation):
    automation()
    registry.register(registry.AutomationSpec("churn", "Churn", failing, queue="models"))
    made = Automation(name="churn", title="Churn", zone="Europe/Berlin", is_enabled=False)
    services.save_schedule(made, schedule_text.parse("at 03:00", NOON), NOON)
    made.refresh_from_db()
    assert (made.task.queue, made.task.enabled) == ("models", False)
    assert str(made.task.crontab.timezone) == "Europe/Berlin"
    assert made.task.last_run_at is None


def test_saving_the_same_schedule_keeps_its_count(automation):
    ads = automation()
    ads.mode = "auto"
    services.save_schedule(ads, ads.schedule, ONE)
    ads.refresh_from_db()
    assert (ads.mode, ads.scheduled_at) == ("auto", NOON)


def test_switching_on_again_or_moving_the_zone_counts_from_now(automation):
    ads = automation(at="03:00")
    ads.is_enabled = False
    services.save_schedule(ads, ads.schedule, ONE)
    assert ads.scheduled_at == NOON
    ads.is_enabled = True
    services.save_schedule(ads, ads.schedule, ONE)
    assert ads.scheduled_at == ONE
    ads.zone = "Europe/Berlin"
    services.save_schedule(ads, ads.schedule, ONE + HOUR)
    assert ads.scheduled_at == ONE + HOUR
    ads.task.crontab.refresh_from_db()
    assert str(ads.task.crontab.timezone) == "Europe/Berlin"


def test_equal_schedules_share_a_row_that_is_never_changed(automation):
    first = automation()
    second = automation("churn")
    assert first.task.interval_id == second.task.interval_id
    services.save_schedule(first, schedule_text.parse("every 2 hours", NOON), ONE)
    second.task.interval.refresh_from_db()
    assert second.task.interval.every == 1


def test_an_unknown_automation_is_not_found(automation):
    with pytest.raises(Automation.DoesNotExist):
        services.run_due("nobody")
    automation()
    with pytest.raises(UnknownAutomation):
        services.save_schedule(
            Automation(name="nobody"), schedule_text.parse("at 03:00", NOON), NOON
        )


# --- Telling, and forgetting ----------------------------------------------------------------------
def failed_for_good(automation):
    ads = automation(perform=failing)
    for attempt in range(3):
        services.run_due("ads", clock=at(ONE + timedelta(minutes=5 * attempt)))
    return ads


def test_a_run_that_fails_for_good_is_told_once(automation):
    failed_for_good(automation)
    alert = Alert.objects.get()
    assert (alert.source, alert.kind, alert.subject, alert.severity, alert.count) == (
        "automations", "run_failed", "ads", "high", 1,
    )  # fmt: skip
    assert alert.message.startswith("Ads of 2026-11-20 13:00:00 UTC failed: ")
    assert alert.link == f"/admin/operations/run/{Run.objects.get().pk}/change/"


def test_a_failure_that_is_tried_again_is_not_told(automation):
    automation(perform=failing)
    services.run_due("ads", clock=at(ONE))
    assert not Alert.objects.exists()


def test_the_next_success_ends_the_alert(automation):
    failed_for_good(automation)
    good = registry.AutomationSpec("ads", "Ads", lambda _occasion: RunOutcome("Good."))
    with registry.apart([good]):
        services.run_due("ads", clock=at(ONE + timedelta(hours=1)))
    assert Alert.objects.get().state == "resolved"


def test_a_run_that_lost_every_worker_is_told(claimed):
    Run.objects.update(attempt=3)
    lapse(claimed)
    services.recover_runs(ONE + 60 * SECOND)
    services.recover_runs(ONE + 70 * SECOND)
    assert Alert.objects.get().message.endswith(run_rules.WORKER_LOST)


def test_a_run_that_came_back_to_life_is_not_given_up(claimed):
    Run.objects.update(attempt=3)
    gone = Run.objects.filter(lease_until__lt=Now())
    assert not services._give_up(gone, Run.objects.get(), run_rules.WORKER_LOST, ONE)
    assert not Alert.objects.exists()


def test_old_runs_are_forgotten_and_failed_ones_kept_longer(automation):
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
