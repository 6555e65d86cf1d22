"""The end of old values, and rare cases."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from operations.alerts.models import Alert
from security.apikeys import services as api_keys
from security.apikeys.services import expiry, usage
from security.audit.models import Event
from security.rotation import models, reports
from security.rotation import services as rotation
from security.rotation.registry import NewSecret, TargetAddress, TargetRefused
from security.rotation.services import automation, steps
from security.rotation.services.rotate import end
from tests.security.rotation.stored import current_value, working_values

pytestmark = pytest.mark.django_db
# Any: values that may be None elsewhere exist in these tests.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret
SecretVersion: Any = models.SecretVersion
OutsideTask: Any = models.OutsideTask
HOUR = timedelta(hours=1)


def later(by):
    """The database's clock, put forward."""
    return lambda: steps.database_now() + by


def test_after_its_grace_a_value_is_revoked_and_erased(key, world):
    done = services.rotate("db", grace=HOUR)
    assert services.resume_unfinished(later(0 * HOUR)) == 0
    assert services.resume_unfinished(later(2 * HOUR)) == 1
    assert world.works["db"] == {done.new_key}
    assert SecretVersion.objects.get(number=1).state == "retired"
    assert services.resume_unfinished(later(2 * HOUR)) == 0


def test_an_api_key_whose_own_end_was_put_off_is_not_cut_off(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["all"]})  # fmt: skip
    services.rotate("ci", grace=HOUR)
    now = steps.database_now()
    usage.collector.note_use(made.version.detail["api_key"], now + timedelta(minutes=50))
    assert expiry.extend_keys_in_use(now + timedelta(minutes=55))
    services.resume_unfinished(later(timedelta(minutes=90)))
    assert apikeys.verify_key(made.secret, now + timedelta(minutes=90))
    services.resume_unfinished(later(3 * HOUR))
    assert SecretVersion.objects.get(number=1).state == "retired"


def test_a_value_that_cannot_be_revoked_is_tried_again(key, world):
    """The attack on availability: a dead target that nothing can be ended at."""
    services.rotate("db", grace=HOUR)
    world.refuses.add("revoke")
    assert services.resume_unfinished(later(2 * HOUR)) == 1
    ended = SecretVersion.objects.get(number=1)
    assert (ended.state, ended.sealed) == ("retired", None)
    task = OutsideTask.objects.get()
    assert (str(task), task.state, task.tries) == ("db: version 1 at its target", "open", 1)
    world.most = 3
    assert services.rotate("db", end_previous=True).version == 3
    assert services.resume_unfinished(later(5 * HOUR)) == 0
    world.refuses.clear()
    assert services.resume_unfinished(later(9 * HOUR)) == 1
    assert {each.state for each in OutsideTask.objects.all()} == {"done"}
    assert world.works["db"] == set(working_values("db"))


def test_a_revoked_key_has_no_value_left(key, world, versions):
    services.rotate("db")
    services.revoke("db", actor="user:anna")
    assert world.works["db"] == set()
    assert versions("db") == [(1, "retired"), (2, "revoked")]
    assert not SecretVersion.objects.exclude(sealed=None).exists()


def test_a_key_is_revoked_for_good_while_its_target_is_down(key, world, versions):
    services.rotate("db")
    world.broken |= {"revoke", "undo", "set", "test"}
    services.revoke("db", actor="user:anna")
    assert versions("db") == [(1, "retired"), (2, "revoked")]
    assert not SecretVersion.objects.exclude(sealed=None).exists()
    assert ManagedSecret.objects.get().state == "revoked"
    assert {each.state for each in OutsideTask.objects.all()} == {"open"}
    for hours in range(1, 20):
        services.resume_unfinished(later(3 * hours * HOUR))
    assert Event.objects.filter(event="key.left_outside").count() == 2  # told once each
    automation.update_alerts(timezone.now())
    message = Alert.objects.get(kind="left_outside").message
    assert "version 1 at its target, version 2 at its target" in message
    for task in OutsideTask.objects.all():
        services.close_outside(task.pk, "user:anna", timezone.now())
    with pytest.raises(services.InvalidTransition, match="is closed already"):
        services.close_outside(task.pk, "user:anna", timezone.now())
    automation.update_alerts(timezone.now())
    assert Alert.objects.get(kind="left_outside").resolved_at


def test_a_compromised_value_whose_target_is_down_is_refused_and_erased(key, world, versions):
    world.broken.add("revoke")
    services.rotate("db", reason="compromised")
    ended = SecretVersion.objects.get(number=1)
    assert (ended.state, ended.sealed) == ("compromised", None)
    before = Alert.objects.count()
    for _ in range(5):
        services.resume_unfinished()
    assert Alert.objects.count() == before


def test_a_rotation_under_way_does_not_stop_the_revocation(key, world, versions):
    def revoke(name):
        if name == "rotation.before_test":
            services.revoke("db")

    with pytest.raises(services.InvalidTransition):
        services.rotate("db", failpoint=revoke)
    assert versions("db") == [(1, "revoked"), (2, "revoked")]
    assert ManagedSecret.objects.get().state == "revoked"
    services.resume_unfinished(later(HOUR))
    assert world.works["db"] == set()


def test_a_worker_ends_outside_what_a_person_revoked(key, world):
    services.revoke("db", outside_later=True)
    assert world.works["db"] == {"first"}
    held = steps.acquire(key.pk, "something else")
    assert services.resume_unfinished(later(HOUR)) == 0
    steps.release(held)
    assert services.resume_unfinished(later(HOUR)) == 1
    assert (OutsideTask.objects.get().state, world.works["db"]) == ("done", set())


def test_a_revoked_name_is_free(key, world, versions):
    services.revoke("db")
    again = services.register("db", "database", rotator="test_target", value="second").key
    world.works["db"].add("second")
    assert again.pk != key.pk
    assert services.get("db") == again
    assert services.rotate("db").version == 2
    services.revoke("db")
    assert services.get("db") == again


def test_revoking_in_the_middle_takes_the_pending_value_back(key, world, versions):
    world.silent.add("test")
    with pytest.raises(services.RotationFailed):
        services.rotate("db")
    world.silent.clear()
    services.revoke("db")
    assert world.works["db"] == set()
    assert versions("db") == [(1, "revoked"), (2, "revoked")]


def test_a_managed_key_is_revoked_even_if_its_api_key_was_deleted(db):
    services.register("ci", "api_key", rotator="platform_api_key", config={"scopes": ["all"]})
    SecretVersion.objects.update(detail={"api_key": 0})
    services.revoke("ci")
    assert ManagedSecret.objects.get().state == "revoked"


def test_a_key_without_any_value_can_be_compromised_by_force_again(key, world):
    world.refuses.add("set")
    for _ in range(2):
        done = services.rotate("db", reason="compromised", force=True)
    assert (done.version, done.new_key) == (0, None)


def test_a_value_that_another_worker_has_erased_is_left(key, world):
    services.rotate("db", grace=timedelta(0))
    erased = SecretVersion.objects.get(number=1)
    SecretVersion.objects.filter(pk=erased.pk).update(destroyed_at=None)
    [(key_pk, version)] = steps.due_to_erase(later(HOUR)())
    SecretVersion.objects.filter(pk=erased.pk).update(destroyed_at=erased.destroyed_at)
    end(ManagedSecret.objects.get(pk=key_pk), version, steps.RotationRequest("retire"))
    assert ManagedSecret.objects.get().lease_until is None


def test_a_new_value_may_be_empty(key):
    held = steps.acquire(key.pk, "test")
    version = steps.store_pending(
        held, NewSecret(""), steps.RotationRequest("manual"), steps.database_now(), lambda _new: ""
    )
    assert version.ciphertext is None


def test_a_compromised_manual_value_is_ended_by_force_before_there_is_another(db, versions):
    services.register("vendor", "x", value="given")
    done = services.rotate("vendor", reason="compromised", force=True)
    assert done.new_key is None
    assert versions("vendor") == [(1, "compromised")]
    services.rotate("vendor", value="new")
    assert current_value("vendor") == "new"


def test_an_unknown_key_has_no_secret():
    with pytest.raises(TargetRefused, match="No managed key 'nowhere' has a current value"):
        reports.secret_of("nowhere", TargetAddress("database", "db1", 5432))
