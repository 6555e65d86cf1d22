"""Targets that refuse, fail or do not answer."""

from datetime import timedelta
from typing import Any

import pytest

from operations.alerts.models import Alert
from security.apikeys import services as api_keys
from security.audit.models import Event
from security.rotation import models
from security.rotation import services as rotation
from security.rotation.services import steps
from tests.security.rotation.stored import current_value

pytestmark = pytest.mark.django_db
# Any: values that may be None elsewhere exist in these tests.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret


def events(key_id="db"):
    return list(
        Event.objects.filter(subject=key_id).order_by("seq").values_list("event", flat=True)
    )


def test_a_refused_value_is_taken_back_and_the_old_one_stays(key, world, versions):
    world.refuses.add("set")
    with pytest.raises(services.RotationFailed, match=r"db keeps its value\. It could not be set"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "failed")]
    assert world.works["db"] == {"first"}
    fresh = ManagedSecret.objects.get()
    assert (fresh.fail_count, fresh.lease_until) == (1, None)
    assert Alert.objects.get().subject == "db"


def test_an_unclear_answer_counts_as_set_and_the_test_decides(key, world, versions):
    world.silent.add("set")
    services.rotate("db")
    assert versions("db") == [(1, "retiring"), (2, "current")]


def test_a_failed_test_keeps_the_value_for_the_next_attempt(key, world, versions, lapse):
    world.broken.add("test")
    with pytest.raises(services.RotationFailed, match="It did not work: no answer"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "pending")]
    assert services.resume_unfinished() == 0  # it waits
    world.broken.clear()
    lapse()
    assert services.resume_unfinished() == 1
    assert versions("db") == [(1, "retiring"), (2, "current")]
    assert ManagedSecret.objects.get().fail_count == 0


def test_after_three_failed_tests_comes_a_new_value(key, world, versions, lapse):
    world.refuses.add("test")
    for _ in range(3):
        with pytest.raises(services.RotationFailed):
            services.rotate("db")
        lapse()
    assert versions("db") == [(1, "current"), (2, "failed")]
    assert world.works["db"] == {"first"}
    world.refuses.clear()
    services.rotate("db")
    assert versions("db") == [(1, "retiring"), (2, "failed"), (3, "current")]


def test_each_failure_waits_longer(key, world):
    world.refuses.add("set")
    waits = []
    for _ in range(5):
        with pytest.raises(services.RotationFailed):
            services.rotate("db")
        fresh = ManagedSecret.objects.get()
        waits.append(round((fresh.next_attempt_at - steps.database_now()) / timedelta(minutes=1)))
    assert waits == [1, 5, 30, 120, 120]


def test_what_cannot_be_undone_waits_as_it_is(key, world, versions, lapse):
    world.refuses |= {"set", "undo"}
    with pytest.raises(services.RotationFailed, match="could not be taken back"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "pending")]
    world.refuses.clear()
    lapse()
    services.resume_unfinished()
    assert versions("db") == [(1, "retiring"), (2, "failed"), (3, "current")]


def test_after_an_error_of_the_rotator_the_value_stays_pending(key, world, versions):
    def broken(step, held):
        raise RuntimeError("what?")

    world.take = broken
    with pytest.raises(services.RotationFailed, match="RuntimeError: what"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "pending")]


def test_a_compromised_key_whose_target_is_down_is_ended_only_by_force(key, world, versions):
    world.refuses.add("set")
    with pytest.raises(services.RotationFailed):
        services.rotate("db", reason="compromised")
    assert versions("db")[0] == (1, "current")
    done = services.rotate("db", reason="compromised", force=True)
    assert done.new_key is None
    assert "No value of db works" in done.action_required
    assert world.works["db"] == set()
    assert ManagedSecret.objects.get().state == "failed"
    with pytest.raises(models.SecretVersion.DoesNotExist):
        current_value("db")
    world.refuses.clear()
    services.rotate("db")
    assert ManagedSecret.objects.get().state == "active"


def test_a_worker_that_lost_its_lease_changes_nothing(key, world, versions):
    def steal(name):
        if name == "rotation.before_finish":
            ManagedSecret.objects.update(lease_until=None)
            steps.acquire(key.pk, "another worker")

    with pytest.raises(services.RotationInProgress, match="taken over"):
        services.rotate("db", failpoint=steal)
    assert versions("db") == [(1, "current"), (2, "pending")]
    assert events()[-1] == "key.lease_lost"


def test_an_unexpected_error_releases_the_lease(key, world, monkeypatch):
    def broken(name):
        if name == "rotation.before_finish":
            raise RuntimeError("power")

    with pytest.raises(RuntimeError):
        services.rotate("db", failpoint=broken)
    assert ManagedSecret.objects.get().lease_until is None

    def stolen(name):
        if name == "rotation.before_finish":
            ManagedSecret.objects.update(fencing_token=99)
            raise RuntimeError("power")

    with pytest.raises(RuntimeError):
        services.rotate("db", failpoint=stolen)


def test_a_rotator_without_overlap_needs_allow_downtime(world):
    services.register("one", "x", rotator="test_no_overlap", value="first")
    with pytest.raises(services.InvalidTransition, match="allow_downtime"):
        services.rotate("one")
    services.register(
        "two", "x", rotator="test_no_overlap", value="first", config={"allow_downtime": True}
    )
    assert services.rotate("two").version == 2
