"""A clock that was hours ahead for seconds stops nothing after it is set back."""

from datetime import timedelta

import pytest

from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD
from operations.automations import reports, services
from operations.automations.models import Automation, Run
from operations.automations.run_rules import LEASE_LENGTH
from operations.automations.services import execute
from operations.health.reports import doctor
from tests.operations.automations.services.conftest import HOUR, SECOND, at, states
from tests.operations.conftest import NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_each_planned_time_runs_when_it_comes(automation, contexts, missed):
    automation(missed=missed, every=10 * MINUTE)
    services.run_due("ads", clock=at(NOON + 10 * MINUTE))
    services.run_due("ads", clock=at(NOON + 2 * HOUR + 10 * MINUTE))  # for seconds
    services.recover_runs(NOON + 11 * MINUTE)
    for place in range(2, 25):
        services.run_due("ads", clock=at(NOON + place * 10 * MINUTE))
    planned = [each.planned_for for each in contexts]
    assert sorted(planned) == [NOON + place * 10 * MINUTE for place in range(1, 25)]


def test_a_schedule_saved_meanwhile_counts_from_now(automation, contexts):
    automation(every=HOUR, since=NOON + 5 * HOUR)
    services.run_due("ads", clock=at(NOON))
    services.run_due("ads", clock=at(NOON + HOUR))
    assert [each.planned_for for each in contexts] == [NOON + HOUR]


def test_a_run_that_waits_for_a_far_time_does_not_wait_for_it(automation, contexts):
    automation(every=HOUR)
    services.enqueue_manual_run("ads", NOON + 3 * HOUR)
    Run.objects.update(attempt=1)
    services.run_due("ads", clock=at(NOON + MINUTE))
    assert states() == [("done", "")]


def test_a_lease_of_that_clock_ends_as_any_other(automation):
    automation(every=HOUR)
    services.enqueue_due_runs("ads", NOON + HOUR)
    run = execute.claim(Run.objects.get().pk, "elsewhere", NOON + HOUR)
    assert run is not None
    run.refresh_from_db()
    assert run.lease_until is not None
    before = run.lease_until + 2 * HOUR
    Run.objects.update(lease_until=before)
    services.requeue_abandoned_runs(NOON + HOUR)
    run.refresh_from_db()
    assert run.state == "running"
    assert run.lease_until is not None
    assert run.lease_until < before - HOUR
    Run.objects.update(lease_until=run.lease_until - LEASE_LENGTH - SECOND)
    services.requeue_abandoned_runs(NOON + HOUR)
    assert states() == [("queued", "")]


@pytest.fixture
def ahead(automation):
    """An hourly automation that ran for two hours from now."""
    made = automation(every=HOUR)
    services.run_due("ads", clock=at(NOON + 2 * HOUR))
    services.enqueue_due_runs("ads", NOON + MINUTE)
    return made


def test_the_form_promises_no_time_that_has_run_already(ahead):
    assert reports.upcoming(ahead, NOON + MINUTE) == [
        NOON + HOUR,
        NOON + 3 * HOUR,
        NOON + 4 * HOUR,
    ]


def test_a_failure_is_not_hidden_by_a_run_of_a_time_that_has_not_come(ahead):
    services.run_due("ads", clock=at(NOON + HOUR))
    Run.objects.filter(planned_for=NOON + HOUR).update(state="failed", error="No data.")
    now = NOON + HOUR + MINUTE
    [item] = reports.attention_items(now)
    assert item.sentence == "Ads failed at 20 Nov 2026, 13:00 UTC: No data."
    [row] = reports.listed(now)
    assert row.last is not None
    assert row.last.planned_for == NOON + HOUR


def test_the_doctor_and_the_probe_say_that_the_clock_was_ahead(ahead):
    assert not reports.is_clock_trusted(at(NOON + MINUTE))
    found = list(doctor.schedules(at(NOON + MINUTE)))
    assert [each.state for each in found] == [CAUTION, GOOD]
    assert "is done already: the clock was ahead" in found[0].message
    Run.objects.all().delete()
    assert reports.is_clock_trusted(at(NOON + MINUTE))
    assert [each.state for each in doctor.schedules(at(NOON + MINUTE))] == [GOOD]


def test_the_doctor_compares_the_promise_with_what_will_happen(automation):
    row = automation(at="13:00")
    assert reports.broken_promises(NOON + MINUTE) == []
    row.task.enabled = False
    row.task.save()
    assert reports.broken_promises(NOON + MINUTE) == ["Ads is off in beat's table."]
    Automation.objects.update(scheduled_at=NOON + 1.5 * HOUR)
    [words] = reports.broken_promises(NOON + MINUTE)
    assert words == "Ads would not run at 20 Nov 2026, 13:00 UTC."
    assert BAD in [each.state for each in doctor.schedules(at(NOON + MINUTE))]
