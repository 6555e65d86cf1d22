"""The end of old values, and rare cases."""

from datetime import timedelta
from typing import Any

import pytest

from security.apikeys import services as api_keys
from security.apikeys.services import expiry, usage
from security.rotation import models
from security.rotation import services as rotation
from security.rotation.registry import NewSecret, TargetRefused
from security.rotation.services import execute, steps
from security.rotation.services.rotate import end
from tests.security.rotation.stored import current_value

pytestmark = pytest.mark.django_db
# Any: values that may be None elsewhere exist in these tests.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret
SecretVersion: Any = models.SecretVersion
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
    services.rotate("db", grace=HOUR)
    world.refuses.add("revoke")
    assert services.resume_unfinished(later(2 * HOUR)) == 0
    with pytest.raises(services.RotationFailed, match="could not be ended"):
        services.rotate("db")
    world.refuses.clear()
    ManagedSecret.objects.update(next_attempt_at=None)
    assert services.resume_unfinished(later(2 * HOUR)) == 1


def test_a_revoked_key_has_no_value_left(key, world, versions):
    services.rotate("db")
    services.revoke("db", actor="user:anna")
    assert world.works["db"] == set()
    assert versions("db") == [(1, "retired"), (2, "revoked")]
    assert not SecretVersion.objects.exclude(sealed=None).exists()


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
        held, NewSecret(""), steps.RotationRequest("manual"), steps.database_now()
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
        execute.secret_of("nowhere")
