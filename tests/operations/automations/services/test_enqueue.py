from datetime import timedelta

import pytest

from operations.automations import schedule_text, services
from operations.automations.models import Automation, Run
from operations.automations.registry import RunOutcome
from operations.automations.services import AutomationDisabled, execute
from tests.operations.automations.services.conftest import HOUR, ONE, SECOND, at, states
from tests.operations.conftest import NOON


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", [("skipped", "missed")] * 3),
        ("once", [("skipped", "missed")] * 2 + [("done", "")]),
        ("all", [("done", "")] * 3),
    ],
)
def test_missed_times_are_caught_up_as_the_policy_says(automation, contexts, missed, expected):
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
    assert Run.objects.exclude(state="skipped").count() == 100
    first = Run.objects.earliest("planned_for").planned_for
    assert first >= NOON + timedelta(days=23)


def test_a_time_that_comes_during_a_run_is_skipped_as_overlap(claimed):
    services.enqueue_due_runs("ads", ONE + HOUR)
    assert states() == [("running", ""), ("skipped", "overlap")]


def test_a_clock_that_went_back_runs_nothing_twice(automation, contexts):
    automation()
    services.run_due("ads", clock=at(ONE + HOUR))
    for back in (3, 2, 1, 0):
        services.run_due("ads", clock=at(ONE + HOUR - back * HOUR))
    planned = [each.planned_for for each in contexts]
    assert planned.count(ONE + HOUR) == 1
    assert len(set(planned)) == len(planned)


def test_nothing_starts_while_automation_is_off_and_the_policy_decides_afterwards(
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


def test_what_the_limits_of_catching_up_cut_off_is_one_skipped_row(automation):
    ads = automation()
    Automation.objects.update(missed="all")
    back = NOON + timedelta(days=30, seconds=1)
    assert services.enqueue_due_runs("ads", back) == 100
    skipped = ads.runs.get(state="skipped")
    assert skipped.reason == f"missed: 620 times up to this one, {BEYOND}"
    assert skipped.planned_for == NOON + 620 * HOUR
    assert services.enqueue_due_runs("ads", back) == 0


@pytest.mark.parametrize(("missed", "runs"), [("skip", 0), ("once", 1), ("all", 0)])
def test_a_rare_time_that_was_missed_long_ago_is_not_lost_silently(automation, missed, runs):
    ads = automation()
    monthly = schedule_text.parse("at 06:00 on the 1st", NOON)
    services.save_schedule(ads, monthly, NOON)
    Automation.objects.update(missed=missed)
    assert services.enqueue_due_runs("ads", NOON + timedelta(days=25)) == runs
    assert ads.runs.get().reason == ("" if runs else f"missed: 1 time up to this one, {BEYOND}")


BEYOND = "beyond the limits (100 times and 7 days)"


def test_an_automation_that_is_off_runs_only_when_asked(automation, contexts):
    ads = automation()
    Automation.objects.update(is_enabled=False)
    assert services.run_due("ads", clock=at(ONE)) == []
    ordered = services.enqueue_manual_run("ads", ONE)
    assert ordered.trigger == "manual"
    services.run_due("ads", clock=at(ONE))
    assert [each.run_id for each in contexts] == [ordered.pk]
    assert str(ads) == "Ads"


def test_an_enqueued_manual_run_waits_for_the_running_one(claimed, contexts):
    services.enqueue_manual_run("ads", ONE + SECOND)
    assert services.run_due("ads", clock=at(ONE + SECOND)) == []
    execute.finish(claimed, RunOutcome("Done."), ONE + SECOND)
    assert len(services.run_due("ads", clock=at(ONE + SECOND))) == 1
