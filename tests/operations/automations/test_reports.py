from datetime import timedelta

from django.db.models.functions import Now
from django.urls import resolve

from operations.automations import reports, services
from operations.automations.limits import GuardrailLimits
from operations.automations.models import Automation, Run
from operations.automations.services import execute
from tests.operations.conftest import NOON

HOUR = timedelta(hours=1)
ONE = NOON + HOUR


def failing(_context):
    raise ValueError("no rows")


def sentences(now):
    return [each.sentence for each in reports.attention_items(now)]


def test_all_is_well_when_the_last_slot_was_done(automation):
    automation()
    services.run_due("ads", clock=lambda: ONE)
    assert sentences(ONE + timedelta(minutes=30)) == []


def test_the_limits_and_the_mode_are_those_that_staff_set(automation):
    automation()
    Automation.objects.update(applied_per_day=3, mode="auto")
    assert reports.limits("ads").applied_per_day == 3
    assert reports.limits("nobody") == GuardrailLimits()
    assert (reports.mode("ads"), reports.mode("nobody")) == ("auto", "propose")


def test_the_last_run_of_each_leaves_out_what_was_skipped(automation):
    automation()
    services.run_planned("ads", NOON - HOUR, trigger="manual", clock=lambda: NOON)
    services.run_due("ads", clock=lambda: NOON + 3.5 * HOUR)
    [run] = reports.last_run_of_each(5)
    assert (run.state, run.planned_for > NOON) == ("done", True)
    assert reports.last_run(run.automation) == run


def test_the_next_times_are_in_the_zone_of_the_automation(automation):
    ads = automation(at="03:00", zone="Europe/Berlin")
    found = reports.upcoming(ads, NOON, 2)
    assert [f"{each:%d %H:%M %Z}" for each in found] == ["21 03:00 CET", "22 03:00 CET"]
    ads.is_enabled = False
    assert reports.upcoming(ads, NOON) == []


def test_the_longest_wait_is_that_of_the_schedule(automation):
    automation("daily", at="03:00")
    automation("hourly")
    found = {name: reports.longest_wait(name, NOON) for name in ("daily", "hourly", "none")}
    assert found == {"daily": 24 * HOUR, "hourly": HOUR, "none": 0 * HOUR}
    Automation.objects.filter(name="daily").update(when="at 03:00 on weekdays")
    assert reports.longest_wait("daily", NOON) == 72 * HOUR


def test_a_failure_calls_for_attention_until_a_later_run_succeeds(automation):
    automation(perform=failing)
    services.run_planned("ads", NOON, trigger="manual", clock=lambda: NOON)
    [told] = reports.attention_items(NOON)
    assert told.sentence == "Ads failed at 20 Nov 2026, 12:00 UTC: ValueError: no rows"
    assert resolve(told.link).kwargs["object_id"] == str(Run.objects.get().pk)
    Run.objects.update(error="")
    assert sentences(NOON) == ["Ads failed at 20 Nov 2026, 12:00 UTC: no reason recorded"]
    Run.objects.update(state="done")
    assert sentences(NOON) == []


def test_a_lost_worker_calls_for_attention(automation):
    automation()
    services.enqueue_due_runs("ads", ONE)
    execute.claim(Run.objects.get().pk, "host:1", ONE)
    assert sentences(ONE) == []
    Run.objects.update(lease_until=Now() - timedelta(minutes=5))
    assert sentences(ONE) == [
        "Ads of 20 Nov 2026, 13:00 UTC lost its worker host:1 and waits for another."
    ]


def test_an_automation_that_nothing_starts_calls_for_attention(automation):
    automation()
    late = ONE + timedelta(minutes=3)
    told = ["Ads was due at 20 Nov 2026, 13:00 UTC and has not begun."]
    assert sentences(ONE + timedelta(minutes=1)) == []
    assert sentences(late) == told
    services.enqueue_due_runs("ads", ONE)
    assert sentences(late) == told
    Automation.objects.update(is_enabled=False)
    assert sentences(late) == []


def test_attention_takes_two_queries_however_many_automations_there_are(
    automation, django_assert_num_queries
):
    for number in range(5):
        automation(f"number{number}", perform=failing)
        services.run_planned(f"number{number}", NOON, trigger="manual", clock=lambda: NOON)
    with django_assert_num_queries(2):
        assert len(reports.attention_items(ONE + HOUR)) == 10


def test_the_next_run_of_an_automation_that_is_off_or_unknown_is_none(automation):
    made = automation("ads", every=timedelta(hours=1))
    assert reports.next_run("ads", NOON) == NOON + timedelta(hours=1)
    made.is_enabled = False
    made.save()
    assert [reports.next_run(name, NOON) for name in ("ads", "nobody")] == [None, None]
