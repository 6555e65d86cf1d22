"""Rotating and rehearsing one key."""

from datetime import timedelta
from typing import Any

import pytest

from security.apikeys import services as api_keys
from security.audit.models import Event
from security.rotation import models
from security.rotation import services as rotation
from security.rotation.services import steps
from tests.security.rotation.stored import current_value, working_values

pytestmark = pytest.mark.django_db
# Any: values that may be None elsewhere exist in these tests.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret
SecretVersion: Any = models.SecretVersion
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def events(key_id="db"):
    return list(
        Event.objects.filter(subject=key_id).order_by("seq").values_list("event", flat=True)
    )


def test_a_rotation_sets_tests_and_switches_and_the_old_value_works_on(key, world, versions):
    done = services.rotate("db")
    assert world.journal == [("set", "db", 2), ("test", "db", 2)]
    assert versions("db") == [(1, "retiring"), (2, "current")]
    assert done.previous_valid_until == done.rotated_at + timedelta(hours=72)
    assert done.next_rotation == done.rotated_at + 60 * DAY
    assert world.works["db"] == {"first", done.new_key}
    assert working_values("db") == [done.new_key, "first"]
    assert events() == ["key.registered", "key.claimed", "key.created", "key.set", "key.rotated"]


def test_the_grace_can_be_asked_for(key):
    done = services.rotate("db", grace=2 * HOUR)
    assert done.previous_valid_until == done.rotated_at + 2 * HOUR


@pytest.mark.parametrize("reason", ["manual", "compromised"])
def test_without_grace_the_old_value_ends_at_once(key, world, versions, reason):
    done = services.rotate("db", reason=reason, grace=timedelta(0))
    assert world.works["db"] == {done.new_key}
    ended = SecretVersion.objects.get(number=1)
    assert ended.destroyed_at is not None
    assert ended.sealed is None


def test_a_compromised_value_is_refused_from_the_switch_on_whatever_its_grace(key, world):
    world.refuses.add("revoke")
    done = services.rotate("db", reason="compromised", grace=DAY)
    old = SecretVersion.objects.get(number=1)
    assert (old.state, old.destroyed_at is not None) == ("compromised", True)
    assert current_value("db") not in {"first", ""}
    assert done.action_required.startswith("The old value is refused from now on: give the new one")


def test_a_grace_below_zero_and_an_unknown_reason_are_refused(key):
    with pytest.raises(services.InvalidArgument, match="must be 0 or more"):
        services.rotate("db", grace=-HOUR)
    with pytest.raises(services.InvalidArgument, match="manual, scheduled, compromised"):
        services.rotate("db", reason="boredom")
    with pytest.raises(services.InvalidArgument, match="makes the value itself"):
        services.rotate("db", value="mine")


def test_an_unknown_key_is_not_rotated(db):
    with pytest.raises(services.SecretNotFound, match="'nobody'"):
        services.rotate("nobody")


def test_while_a_key_is_leased_a_second_rotation_is_refused(key):
    steps.acquire(key.pk, "test")
    with pytest.raises(services.RotationInProgress, match="db is being rotated already"):
        services.rotate("db")


def test_an_expired_lease_blocks_no_rotation(key, lapse):
    steps.acquire(key.pk, "test")
    ManagedSecret.objects.update(lease_until=steps.database_now() - HOUR)
    assert services.rotate("db").version == 2


@pytest.mark.parametrize("end", [services.pause, services.revoke])
def test_a_paused_or_ended_key_is_not_rotated(key, end):
    end("db")
    with pytest.raises(services.InvalidTransition, match="cannot be rotated"):
        services.rotate("db")


def test_a_resumed_key_rotates_again(key):
    services.pause("db")
    with pytest.raises(services.InvalidTransition, match="is paused, not active"):
        services.pause("db")
    services.resume("db")
    assert services.rotate("db").version == 2


def test_another_version_than_expected_is_refused_and_the_lease_released(key):
    services.rotate("db")
    with pytest.raises(services.InvalidTransition, match="version of db is 2, not 1"):
        services.rotate("db", expected_version=1)
    assert services.rotate("db", expected_version=2, end_previous=True).version == 3


def test_at_most_two_values_work_and_the_oldest_ends_first(key, world, versions):
    services.rotate("db")
    done = services.rotate("db", end_previous=True)
    assert versions("db") == [(1, "retired"), (2, "retiring"), (3, "current")]
    assert world.works["db"] == {working_values("db")[1], done.new_key}


def test_a_manual_key_asks_for_the_value_and_takes_it(versions):
    services.register("vendor", "api_key", value="given")
    asked = services.rotate("vendor")
    assert (asked.rotated_at, asked.new_key, asked.version) == (None, None, 1)
    assert "enter the new value" in asked.action_required
    done = services.rotate("vendor", value="new")
    assert current_value("vendor") == "new"
    assert done.action_required == ""
    assert versions("vendor") == [(1, "retiring"), (2, "current")]


@pytest.mark.parametrize("value", ["given", "second"])
def test_a_value_that_works_already_is_no_new_one(versions, value):
    services.register("vendor", "api_key", value="given")
    services.rotate("vendor", value="second")
    with pytest.raises(services.InvalidArgument, match="which works: enter a new one"):
        services.rotate("vendor", value=value, end_previous=True)
    assert versions("vendor") == [(1, "retiring"), (2, "current")]


@pytest.mark.parametrize("value", ["given", "second", "another"])
def test_no_refusal_tells_whether_a_value_is_that_of_the_key(value):
    """The attack: values are tried with a request that changes nothing in any case."""
    key = services.register("vendor", "api_key", value="given").key
    services.rotate("vendor", value="second")
    now = services.database_now()

    def tried(**more):
        for ask in (
            lambda: services.rotate("vendor", value=value, **more),
            lambda: services.order(services.get("vendor"), "key:1", now, value=value, **more),
        ):
            with pytest.raises(services.InvalidTransition) as refused:
                ask()
            yield str(refused.value)

    assert all("promised to work until" in each for each in tried())
    assert all("is 2, not 9" in each for each in tried(expected_version=9, end_previous=True))
    services.pause("vendor")
    assert all("is paused" in each for each in tried(end_previous=True))
    assert key.versions.count() == 2


def test_a_compromised_manual_key_says_what_to_do_at_once(db):
    services.register("vendor", "api_key", value="given")
    asked = services.rotate("vendor", reason="compromised")
    assert "at once: until then the old value still works" in asked.action_required


def test_a_value_is_never_trimmed(db):
    services.register("vendor", "api_key", value=" given ")
    assert current_value("vendor") == " given "
    services.rotate("vendor", value="given\n")
    assert current_value("vendor") == "given\n"


def test_a_paused_manual_key_asks_for_nothing(db):
    services.register("vendor", "api_key", value="given")
    services.pause("vendor")
    with pytest.raises(services.InvalidTransition):
        services.rotate("vendor")


def test_a_platform_api_key_works_beside_its_successor(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["revenue:read"]})  # fmt: skip
    done = services.rotate("ci", grace=HOUR)
    now = steps.database_now()
    assert apikeys.verify_key(made.secret, now).scopes == {"revenue:read"}
    assert apikeys.verify_key(done.new_key, now)
    assert apikeys.verify_key(made.secret, now + 2 * HOUR) is None
    assert not SecretVersion.objects.exclude(sealed=None).exists()


def test_a_compromised_api_key_is_refused_at_once(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["all"]})  # fmt: skip
    done = services.rotate("ci", reason="compromised")
    assert apikeys.verify_key(made.secret) is None
    assert apikeys.verify_key(done.new_key)


def test_a_revoked_api_key_is_not_rotated(db, versions):
    services.register("ci", "api_key", rotator="platform_api_key", config={"scopes": ["all"]})
    apikeys.revoke(SecretVersion.objects.get().detail["api_key"])
    with pytest.raises(services.RotationFailed, match="only an active key"):
        services.rotate("ci")
    assert versions("ci") == [(1, "current")]


def test_revoking_the_managed_key_revokes_the_api_key(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["all"]})  # fmt: skip
    services.revoke("ci")
    assert apikeys.verify_key(made.secret) is None


def test_a_rehearsal_leaves_everything_as_it_was(key, world, versions):
    services.rehearse("db")
    assert [step for step, *_ in world.journal] == ["set", "test", "undo"]
    assert world.works["db"] == {"first"}
    assert versions("db") == [(1, "current"), (2, "retired")]


def test_a_rehearsal_says_what_would_fail(key, world, versions):
    world.refuses.add("test")
    with pytest.raises(services.RotationFailed, match="It did not work"):
        services.rehearse("db")
    assert world.works["db"] == {"first"}
    assert versions("db") == [(1, "current"), (2, "retired")]


def test_a_key_without_a_target_is_not_rehearsed(db):
    services.register("mail", "api_key")
    with pytest.raises(services.InvalidTransition, match="nothing to rehearse"):
        services.rehearse("mail")
