"""What happens to keys by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from aethercrown.backup import automation_pause
from operations.alerts import reports as alerts
from operations.automations.models import Automation, Run
from operations.automations.registry import RunContext
from security.rotation import reports, schedule, services, tasks
from security.rotation.alerts import RUN_MISSED_MESSAGE
from security.rotation.models import KeyChannel, ManagedSecret, RotationRun
from security.rotation.services import automation, steps
from security.rotation.services.decisions import AUTOMATION
from tests.security.rotation.stored import deliver

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def context(mode="auto", *, dry_run=False):
    now = timezone.now()
    return RunContext(AUTOMATION, None, now, now, mode, dry_run)


def registered(key_id="billing-secret", *, late=timedelta(minutes=1), level="high", **more):
    key = services.register(key_id, "signing_secret", level=level, **more).key
    at = timezone.now() - late
    ManagedSecret.objects.filter(pk=key.pk).update(due_at=at, eligible_at=at)
    deliver(key)
    return key


def told():
    return {(each.kind, each.subject, each.severity) for each in alerts.unresolved()}


def version(key_id="billing-secret"):
    current = steps.current_version(services.get(key_id))
    return current and current.number


def test_the_pass_rotates_what_is_due_and_says_so():
    registered()
    said = automation.perform(context())
    assert said.summary == "1 of 1 due key rotated, 0 failed, 0 over the hourly limit."
    assert version() == 2
    assert automation.perform(context()).summary.startswith("0 of 0")


@pytest.mark.parametrize("mode", ["observe", "propose"])
def test_in_the_other_modes_a_person_rotates_and_is_told_of_it(mode):
    registered(late=DAY)
    said = automation.perform(context(mode))
    assert said.summary == (
        f"Overdue: 1 key. Proposed: 1 rotation; in mode {mode} a person must approve each."
    )
    assert said.detail == {"due": ["billing-secret"]}
    assert version() == 1
    assert (("overdue", "billing-secret", "high")) in told()


def test_a_dry_run_changes_and_tells_nothing():
    registered(late=DAY)
    said = automation.perform(context(dry_run=True))
    assert (said.summary, said.detail) == ("Due: 1 key.", {"due": ["billing-secret"]})
    assert version() == 1
    assert not told()
    assert not RotationRun.objects.exists()


def test_an_overdue_key_raises_an_alert_that_ends_once_it_is_rotated():
    registered("gate-code", late=DAY, level="critical", value="1111")
    tasks.update_key_alerts()
    assert ("overdue", "gate-code", "critical") in told()
    services.rotate("gate-code", value="2222")
    tasks.update_key_alerts()
    assert not told()


@pytest.mark.parametrize(
    ("level", "severity"),
    [("critical", "critical"), ("high", "high"), ("medium", "warning"), ("low", "warning")],
)
def test_an_overdue_key_of_every_level_can_be_told_of(level, severity):
    registered(late=DAY, level=level)
    automation.update_alerts(timezone.now())
    assert ("overdue", "billing-secret", severity) in told()


def test_a_failing_key_is_told_of():
    key = registered(late=-DAY)
    ManagedSecret.objects.filter(pk=key.pk).update(
        fail_count=2, last_error="The target refused it."
    )
    automation.update_alerts(timezone.now())
    assert told() == {("rotation_failing", "billing-secret", "high")}


def test_a_day_without_a_pass_is_told_of():
    key = registered(late=-DAY)
    ManagedSecret.objects.filter(pk=key.pk).update(created_at=timezone.now() - 2 * DAY)
    automation.update_alerts(timezone.now())
    assert told() == {("run_missed", "all keys", "high")}
    services.rotate_due()
    automation.update_alerts(timezone.now())
    assert not told()


def test_a_pass_is_missed_by_its_own_schedule():
    key = registered(late=-DAY)
    ManagedSecret.objects.filter(pk=key.pk).update(created_at=timezone.now() - 2 * DAY)
    Automation.objects.filter(name=schedule.AUTOMATION).update(when="at 03:00 on Sunday")
    automation.update_alerts(timezone.now())
    assert not told()
    later = timezone.now() + 6 * DAY
    automation.update_alerts(later)
    assert ("run_missed", "all keys", "high") in told()


@pytest.mark.parametrize("mode", ["observe", "propose"])
def test_a_pass_that_only_proposes_is_a_pass(mode):
    key = registered(late=-DAY)
    ManagedSecret.objects.filter(pk=key.pk).update(created_at=timezone.now() - 2 * DAY)
    automation.perform(context(mode))
    assert not told()
    assert RotationRun.objects.get().mode == mode


def test_no_pass_is_missed_while_the_automation_is_off(settings):
    key = registered(late=-DAY)
    ManagedSecret.objects.filter(pk=key.pk).update(created_at=timezone.now() - 2 * DAY)
    Automation.objects.filter(name=AUTOMATION).update(is_enabled=False)
    automation.update_alerts(timezone.now())
    assert not told()
    Automation.objects.filter(name=AUTOMATION).update(is_enabled=True)
    settings.AUTOMATION_ENABLED = False
    automation.update_alerts(timezone.now())
    assert not told()


def test_after_it_was_off_or_paused_the_26_hours_begin_again():
    key = registered(late=-30 * DAY)
    ManagedSecret.objects.filter(pk=key.pk).update(created_at=timezone.now() - 9 * DAY)
    row = Automation.objects.get(name=AUTOMATION)
    for is_enabled in (False, True):
        row.is_enabled = is_enabled
        row.save()
    now = timezone.now()
    automation.update_alerts(now)
    assert not told()
    assert RUN_MISSED_MESSAGE not in reports.report(now)["recommendations"]
    automation_pause.begin("restored", now)
    automation.update_alerts(now + 2 * DAY)
    assert not told()
    automation_pause.end("user:ada", now + 2 * DAY)
    automation.update_alerts(now + 3 * DAY)
    assert not told()
    later = now + 2 * DAY + timedelta(hours=27)
    automation.update_alerts(later)
    assert told() == {("run_missed", "all keys", "high")}
    assert RUN_MISSED_MESSAGE in reports.report(later)["recommendations"]


def test_passes_that_proposed_use_up_no_hourly_limit():
    for number in range(12):
        registered(f"k{number}")
    automation.perform(context("propose"))
    assert len(services.rotate_due().rotations) == 10


def test_what_is_rotated_by_hand_is_named_in_the_summary():
    registered()
    KeyChannel.objects.all().delete()
    said = automation.perform(context())
    assert said.summary.endswith("0 over the hourly limit, 1 to rotate by hand.")


def test_a_paused_pass_is_told_of_until_a_person_resumes():
    RotationRun.objects.create(begun_at=timezone.now(), paused_because="A clock jumped.")
    automation.update_alerts(timezone.now())
    assert told() == {("runs_paused", "all keys", "high")}
    services.resume_runs(actor="user:olga")
    automation.update_alerts(timezone.now())
    assert not told()


def test_the_look_of_each_minute_ends_what_is_due():
    registered()
    services.rotate("billing-secret", grace=timedelta(0))
    tasks.resume_rotations()
    old = services.get("billing-secret").versions.get(number=1)
    assert old.destroyed_at is not None


def passed(minutes, **more):
    begun = timezone.now() - timedelta(minutes=minutes)
    return RotationRun.objects.create(begun_at=begun, due=60, **{"actor": automation.ACTOR} | more)


def ordered():
    return list(Run.objects.filter(automation__name=AUTOMATION).values_list("trigger", "state"))


@pytest.fixture
def nightly():
    return Automation.objects.update_or_create(
        name=AUTOMATION, defaults={"title": "Rotate", "mode": "auto", "is_enabled": True}
    )[0]


def test_what_a_pass_left_to_the_limit_goes_on_after_an_hour(nightly):
    passed(61, held_back=10)
    tasks.update_key_alerts()
    assert ordered() == [("catch-up", "queued")]


@pytest.mark.parametrize(
    ("minutes", "more"),
    [
        (59, {"held_back": 10}),
        (61, {}),
        (61, {"held_back": 10, "actor": "user:olga"}),
        (61, {"held_back": 10, "paused_because": "A clock jumped."}),
    ],
)
def test_nothing_goes_on_that_left_nothing_or_that_a_person_must_look_at(nightly, minutes, more):
    assert not automation.enqueue_catch_up_run(timezone.now())
    passed(minutes, **more)
    assert not automation.enqueue_catch_up_run(timezone.now())
    assert ordered() == []


@pytest.mark.parametrize("off", [{"mode": "propose"}, {"is_enabled": False}])
def test_what_staff_switched_off_does_not_go_on(nightly, off):
    Automation.objects.filter(pk=nightly.pk).update(**off)
    passed(61, held_back=10)
    assert not automation.enqueue_catch_up_run(timezone.now())
    assert ordered() == []


def test_while_all_automations_are_off_nothing_goes_on(nightly, settings):
    settings.AUTOMATION_ENABLED = False
    passed(61, held_back=10)
    assert not automation.enqueue_catch_up_run(timezone.now())
