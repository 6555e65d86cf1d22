"""Rotations as decisions, from the nightly pass to the new value."""

from datetime import timedelta

import pytest
from django.utils import timezone

from aethercrown.transitions import InvalidTransition
from operations.automations.registry import RunContext
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from operations.decisions.models import Decision
from security.audit.models import Event
from security.rotation import services, tasks
from security.rotation.models import KeyChannel, ManagedSecret, SecretVersion
from security.rotation.services import automation, steps
from security.rotation.services import decisions as rotation_decisions
from security.rotation.services.decisions import AUTOMATION
from tests.security.rotation.stored import deliver

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NAME = "billing-secret"


@pytest.fixture
def key():
    return registered(NAME)


def registered(key_id, **more):
    """A key that is due, and whose value is 58 days old."""
    made = services.register(key_id, "signing_secret", level="high", **more).key
    at = timezone.now() - timedelta(hours=1)
    ManagedSecret.objects.filter(pk=made.pk).update(due_at=at, eligible_at=at)
    SecretVersion.objects.filter(key=made).update(current_at=at - 58 * DAY)
    deliver(made)
    return services.get(key_id)


def night(mode):
    now = timezone.now()
    return automation.perform(RunContext(AUTOMATION, None, now, now, mode, dry_run=False))


def version():
    found = steps.current_version(services.get(NAME))
    return found and found.number


def events():
    return list(Event.objects.filter(subject=NAME).order_by("seq").values_list("event", flat=True))


def decision():
    return Decision.objects.get(subject=f"key {NAME}")


def approve():
    return decisions.approve(decision().pk, actor="user:olga", now=timezone.now())


def test_in_mode_propose_a_person_approves_and_the_next_look_rotates(key):
    said = night("propose")
    assert said.summary.startswith("Overdue: 1 key. Proposed: 1 rotation; in mode propose")
    assert said.decisions == (decision().pk,)
    assert (decision().status, version()) == ("proposed", 1)
    approve()
    assert (decision().status, version(), decision().applied_at) == ("approved", 1, None)
    tasks.resume_rotations()
    assert (decision().status, version()) == ("applied", 2)
    assert services.get(NAME).rotation_approved_at is None
    assert events()[:3] == ["key.registered", "key.rotation_approved", "key.claimed"]
    tasks.resume_rotations()
    assert version() == 2


def test_the_next_night_asks_nobody_twice(key):
    assert night("propose").decisions == night("propose").decisions
    assert Decision.objects.count() == 1


def test_in_mode_observe_it_is_recorded_and_nobody_can_approve_it(key):
    night("observe")
    with pytest.raises(InvalidTransition):
        approve()
    tasks.resume_rotations()
    assert version() == 1


def test_in_mode_auto_each_rotation_leaves_a_decision(key):
    said = night("auto")
    assert said.summary == "1 of 1 due key rotated, 0 failed, 0 over the hourly limit."
    assert said.decisions == (decision().pk,)
    assert (decision().status, decision().actor) == ("applied", decisions.AUTOMATIC)
    assert (version(), services.get(NAME).rotation_approved_at) == (2, None)


def test_in_mode_auto_what_a_guardrail_forbids_waits_for_a_person(key):
    SecretVersion.objects.filter(key=key).update(current_at=timezone.now() + DAY)  # no age to end
    said = night("auto")
    assert (
        said.summary
        == "0 of 1 due key rotated, 0 failed, 0 over the hourly limit, 1 wait for approval."
    )
    assert (decision().status, version()) == ("proposed", 1)
    approve()
    tasks.resume_rotations()
    assert version() == 2


def test_an_overdue_alert_does_not_forbid_the_rotation_that_ends_it():
    critical = registered(NAME)
    ManagedSecret.objects.filter(pk=critical.pk).update(level="critical", interval_days=30)
    automation.update_alerts(timezone.now())
    night("auto")
    assert version() == 2


def test_a_key_that_was_rotated_meanwhile_is_not_rotated_again(key):
    night("propose")
    services.rotate(NAME)
    with pytest.raises(Stale, match="current version of billing-secret is 2, not 1"):
        approve()
    assert decision().status == "rejected"


def test_a_key_without_a_value_is_stale_and_not_put_forward(key):
    night("propose")
    SecretVersion.objects.filter(key=key).update(state="failed")
    assert rotation_decisions.propose([key], mode="auto", now=timezone.now()).decisions == ()
    with pytest.raises(Stale, match="is None, not 1"):
        approve()


def test_a_paused_key_is_not_rotated(key):
    night("propose")
    services.pause(NAME)
    with pytest.raises(Stale, match="billing-secret is paused"):
        approve()


def test_a_decision_about_a_key_that_is_gone_is_stale(key):
    night("propose")
    ManagedSecret.objects.filter(pk=key.pk).update(key_id="renamed")
    with pytest.raises(Stale, match="No key is called 'billing-secret'"):
        approve()


def withdraw():
    decisions.reject(decision().pk, actor="user:olga", note="", now=timezone.now())


def test_an_approval_can_be_taken_back_before_the_rotation_begins(key):
    night("propose")
    approve()
    withdraw()
    tasks.resume_rotations()
    assert (version(), services.get(NAME).rotation_approved_at) == (1, None)
    assert events()[-1] == "key.approval_withdrawn"


def test_a_rotation_that_has_begun_is_not_taken_back(key):
    night("propose")
    approve()
    SecretVersion.objects.create(
        key=key, number=2, state="pending", reason="scheduled", created_at=timezone.now()
    )
    with pytest.raises(Stale, match="has begun"):
        withdraw()


def test_it_is_measured_by_the_age_at_which_the_old_value_ended(key):
    night("auto")
    decisions.measure_due(timezone.now() + 3 * DAY)
    found = decision()
    assert (found.status, found.verdict) == ("measured", "inside")
    assert found.realised["value"] == pytest.approx(58.04, abs=0.01)


def test_an_approved_rotation_that_never_came_is_not_applied(key):
    """It stays approved, not applied: nothing was done that could be measured."""
    night("propose")
    approve()
    decisions.measure_due(timezone.now() + 3 * DAY)
    assert (decision().status, decision().realised) == ("approved", None)


def test_a_key_whose_value_nobody_would_get_is_proposed_and_rotated_by_hand_only():
    made = registered(NAME)
    KeyChannel.objects.all().delete()
    for mode in ("auto", "propose"):
        assert night(mode).decisions == (decision().pk,)
    assert (decision().status, version()) == ("proposed", 1)
    with pytest.raises(InvalidTransition, match="press Rotate now on its page"):
        approve()
    assert (decision().status, services.get(NAME).rotation_approved_at) == ("proposed", None)
    services.rotate(made.key_id)
    assert version() == 2


def test_a_decision_about_a_revoked_key_moves_no_other_key_of_that_name(key):
    night("propose")
    services.revoke(NAME)
    another = registered(NAME)
    SecretVersion.objects.filter(key=another).update(current_at=timezone.now())
    assert version() == decision().before["version"]
    with pytest.raises(Stale, match="another key has its name"):
        approve()
    assert (decision().status, decision().verdict) == ("rejected", "stale")
    assert "another key has its name" in decision().note
    assert services.get(NAME).rotation_approved_at is None


def test_nor_is_its_effect_measured_by_the_rotations_of_another(key):
    night("auto")
    assert (decision().status, version()) == ("applied", 2)
    case = decision().case
    services.revoke(NAME)
    SecretVersion.objects.filter(key=registered(NAME)).update(current_at=timezone.now())
    services.rotate(NAME, reason="compromised")
    at = timezone.now() + 2 * DAY
    effect = rotation_decisions.measure(case, at)
    assert effect.inside
    SecretVersion.objects.filter(key=key, number=2).update(current_at=None)
    assert not rotation_decisions.measure(case, at).inside
