"""Rotations that a worker does for somebody who waits."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from security.rotation import services, tasks
from security.rotation.models import ManagedSecret, RotationOrder
from security.rotation.services import orders, steps
from tests.security.rotation.stored import current_value

pytestmark = pytest.mark.django_db
ACTOR = "key:1"


def asked(key, actor=ACTOR, **more):
    return services.order(key, actor, timezone.now(), **more)


def ended(made):
    made.refresh_from_db()
    return services.wait(made, 0)


def test_a_worker_rotates_and_the_value_is_handed_out_once(key, world):
    made = asked(key, reason="manual", grace_minutes=5)
    assert not services.wait(made, 0)
    assert world.journal == []
    assert services.run_ordered() == 1
    assert ended(made)
    done: Any = services.collect(made, timezone.now())
    assert done.new_key == current_value("db")
    assert done.previous_valid_until - done.rotated_at == timedelta(minutes=5)
    assert done.new_key not in str(RotationOrder.objects.values().get())
    with pytest.raises(services.RotationInProgress, match="handed out already"):
        services.collect(made, timezone.now())


def test_the_same_request_again_finds_the_first_order(key, world, versions):
    made = asked(key, reason="manual")
    assert asked(key, reason="manual") == made
    services.run_ordered()
    assert asked(key, reason="manual") == made
    assert services.run_ordered() == 0
    assert versions("db") == [(1, "retiring"), (2, "current")]


def test_another_caller_or_another_request_meanwhile_is_refused(key):
    asked(key, reason="manual")
    with pytest.raises(services.RotationInProgress):
        asked(key, "key:2", reason="manual")
    with pytest.raises(services.RotationInProgress):
        asked(key, reason="compromised")


def test_a_key_that_is_paused_or_being_rotated_takes_no_order(key):
    key.state = "paused"
    with pytest.raises(services.InvalidTransition, match="is paused"):
        asked(key, reason="manual")
    key.state = "active"
    lease_until = steps.database_now() + timedelta(minutes=5)
    ManagedSecret.objects.filter(pk=key.pk).update(lease_until=lease_until)
    with pytest.raises(services.RotationInProgress, match="being rotated"):
        asked(key, reason="manual")
    assert not RotationOrder.objects.exists()


def test_without_a_worker_to_wake_an_order_waits(key, monkeypatch):
    monkeypatch.setattr(orders, "wake", [])
    orders.wake_worker()


def test_a_refusal_is_told_and_the_next_request_is_another_order(key, world):
    world.refuses.add("set")
    made = asked(key, reason="manual")
    assert services.run_ordered() == 0
    assert ended(made)
    with pytest.raises(services.RotationFailed, match="It could not be set"):
        services.collect(made, timezone.now())
    assert asked(key, reason="manual") != made


def test_a_bug_is_no_endless_wait(key, world, monkeypatch):
    made = asked(key, reason="manual", surprise=True)
    services.run_ordered()
    assert ended(made)
    with pytest.raises(services.RotationFailed, match="TypeError"):
        services.collect(made, timezone.now())


def test_a_rehearsal_is_ordered_too(key, world):
    made = asked(key, rehearse=True)
    services.run_ordered()
    assert ended(made)
    assert services.collect(made, timezone.now()) is None
    assert world.works["db"] == {"first"}


def test_an_order_whose_worker_was_killed_begins_again(key, world, versions):
    made = asked(key, reason="manual")
    long_ago = steps.database_now() - timedelta(hours=1)
    RotationOrder.objects.update(state="running", started_at=long_ago)
    assert services.run_ordered() == 1
    assert ended(made)
    assert versions("db") == [(1, "retiring"), (2, "current")]


def test_of_two_workers_one_does_it(key, world):
    made = asked(key, reason="manual")
    RotationOrder.objects.update(state="running", started_at=steps.database_now())
    assert orders.run_ordered() == 0
    assert not orders._run(made.pk, steps.database_now)


def test_a_broker_that_is_down_loses_no_order(key, world, monkeypatch):
    def down():
        raise ConnectionError("no broker")

    monkeypatch.setattr(orders, "wake", [down])
    orders.wake_worker()
    made = asked(key, reason="manual")
    tasks.resume_rotations()
    assert ended(made)


def test_the_caller_waits_no_longer_than_it_says(key):
    made = asked(key, reason="manual")
    assert not services.wait(made, 0.06)


def test_an_entered_value_reaches_the_worker_encrypted_and_is_erased(world, versions):
    made = services.register("gate", "code", value="1111").key
    placed = asked(made, reason="manual", value="s3cret-2222")
    assert "s3cret-2222" not in str(RotationOrder.objects.values().get())
    assert services.run_ordered() == 1
    assert current_value("gate") == "s3cret-2222"
    placed.refresh_from_db()
    assert placed.asked == {"reason": "manual", "sealed_value": ""}


def test_the_same_value_again_finds_its_order_also_after_the_rotation(world, versions):
    made = services.register("gate", "code", value="1111").key
    placed = asked(made, reason="manual", value="2222")
    assert asked(made, reason="manual", value="2222") == placed
    with pytest.raises(services.RotationInProgress):
        asked(made, reason="manual", value="3333")
    services.run_ordered()
    assert asked(made, reason="manual", value="2222") == placed
    with pytest.raises(services.PreviousStillPromised):
        asked(made, reason="manual", value="3333")
    assert asked(made, reason="manual", value="3333", end_previous=True) != placed


def test_a_request_without_a_value_is_not_answered_by_one_with_a_value(world):
    made = services.register("gate", "code", value="1111").key
    placed = asked(made, reason="manual", value="2222")
    services.run_ordered()
    assert asked(made, reason="manual") != placed


def test_a_value_that_failed_is_ordered_anew(world):
    made = services.register("gate", "code", value="1111").key
    placed = asked(made, reason="manual", value="2222")
    ManagedSecret.objects.update(state="paused")
    assert services.run_ordered() == 0
    placed.refresh_from_db()
    assert (placed.state, placed.asked["sealed_value"]) == ("failed", "")
    assert asked(made, reason="manual", value="2222") != placed


def test_an_entered_value_is_refused_before_it_is_ordered():
    made = services.register("gate", "code", value="1111").key
    with pytest.raises(services.InvalidArgument, match="enter a new one"):
        asked(made, reason="manual", value="1111")
    assert not RotationOrder.objects.exists()


def test_old_ended_orders_are_deleted_and_open_ones_stay(key, world):
    made = asked(key, reason="manual")
    later = timezone.now() + orders.RETENTION + timedelta(days=1)
    assert orders.purge(later) == 0
    services.run_ordered()
    assert orders.purge(timezone.now()) == 0
    tasks.update_key_alerts()
    assert orders.purge(later) == 1
    assert not RotationOrder.objects.filter(pk=made.pk).exists()
