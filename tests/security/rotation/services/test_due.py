"""Scheduled rotation runs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from security.apikeys import services as api_keys
from security.rotation import models, reports
from security.rotation import services as rotation
from security.rotation.schedule import ClockReading
from security.rotation.services import steps
from tests.security.rotation.stored import deliver, puller

pytestmark = pytest.mark.django_db
# Any: values that may be None elsewhere exist in these tests.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret
SecretVersion: Any = models.SecretVersion
RotationRun: Any = models.RotationRun
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def later(by):
    """This machine's clock, put forward."""
    return lambda: ClockReading(steps.database_now() + by)


def due_now():
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past)


def due_keys(count, **more):
    for number in range(count):
        services.register(f"k{number}", "x", **more)
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past)
    deliver(*ManagedSecret.objects.filter(key_id__startswith="k"))


def test_a_run_rotates_the_due_keys_and_a_second_finds_none(key, world, versions):
    due_keys(3)
    passed = services.rotate_due()
    assert len(passed.rotations) == passed.due == 4
    assert all(each.new_key is None for each in passed.rotations if each.key_id != "db")
    assert versions("k0") == [(1, "retiring"), (2, "current")]
    assert versions("db") == [(1, "retiring"), (2, "current")]
    again = services.rotate_due()
    assert (again.rotations, again.due) == ([], 0)


def test_a_run_keeps_to_the_hourly_limit_unless_forced(db):
    due_keys(14)
    first, second = services.rotate_due(), services.rotate_due()
    assert (len(first.rotations), first.held_back) == (10, 4)
    assert (len(second.rotations), second.held_back) == (0, 4)
    assert len(services.rotate_due(force=True).rotations) == 4
    assert reports.report(steps.database_now())["overdue"] == 0


def test_one_failure_stops_no_other_rotation(key, world):
    due_keys(1)
    world.refuses.add("set")
    passed = services.rotate_due()
    assert [each.key_id for each in passed.rotations] == ["k0"]
    assert [each.key_id for each in passed.failures] == ["db"]
    assert RotationRun.objects.get().failed == 1


def test_keys_that_need_a_person_are_left_out(db):
    services.register("vendor", "x", value="given")
    services.register("ci", "x", rotator="platform_api_key", config={"scopes": ["all"]})
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past)
    services.register("nobody", "x")
    due_now()
    passed = services.rotate_due()
    assert passed.due == 0
    assert set(passed.by_hand) == {"vendor", "ci", "nobody"}
    assert {each["key_id"] for each in reports.due(steps.database_now())} == {
        "vendor",
        "ci",
        "nobody",
    }


def test_a_clock_jump_pauses_runs_until_a_person_resumes(db):
    due_keys(20)
    off = later(3 * DAY)
    passed = services.rotate_due(reading=off)
    assert "a clock has moved by" in passed.paused_because
    assert passed.rotations == []
    assert "paused" in services.rotate_due().paused_because
    services.resume_runs(actor="user:anna")
    assert len(services.rotate_due().rotations) == 10
    assert RotationRun.objects.order_by("begun_at").first().resumed_by == "user:anna"


def test_a_key_whose_channel_was_not_tested_is_not_rotated_by_itself(db, versions):
    """The attack on availability: a new value that no call and no screen hands over."""
    made = services.register("k0", "x").key
    due_now()
    assert services.rotate_due().by_hand == ["k0"]
    channel = puller(made)
    assert services.rotate_due().by_hand == ["k0"]
    assert versions("k0") == [(1, "current")]
    models.KeyChannel.objects.filter(pk=channel.pk).update(tested_at=steps.database_now())
    puller(made, "another")
    assert services.rotate_due().by_hand == ["k0"]  # one of two users would not get it
    models.KeyChannel.objects.update(tested_at=steps.database_now())
    assert len(services.rotate_due().rotations) == 1
    assert versions("k0") == [(1, "retiring"), (2, "current")]


def test_where_a_person_waits_a_worker_rotates_what_calls_outside(key, world, versions):
    due_keys(1)
    passed = services.rotate_due(outside_later=True)
    assert ([each.key_id for each in passed.rotations], passed.under_way) == (["k0"], ["db"])
    assert world.journal == []
    services.resume_unfinished()
    assert versions("db") == [(1, "retiring"), (2, "current")]


def test_two_runs_rotate_a_key_once(db, versions):
    due_keys(2)
    stale = list(ManagedSecret.objects.order_by("pk"))
    services.rotate_due()
    order = steps.RotationRequest("scheduled")
    assert services.rotate_many(stale, order) == []
    assert versions("k0") == [(1, "retiring"), (2, "current")]


def test_a_batch_ends_retiring_versions(db, versions):
    due_keys(1)
    services.rotate("k0")
    ManagedSecret.objects.update(eligible_at=steps.database_now() - HOUR)
    assert services.rotate_due().due == 0  # version 1 was promised to work on
    SecretVersion.objects.filter(number=1).update(retire_at=steps.database_now() - HOUR)
    services.rotate_due()
    assert versions("k0") == [(1, "retired"), (2, "retiring"), (3, "current")]


def test_a_batch_that_lost_its_leases_switches_nothing(db, versions):
    due_keys(1)

    def steal(name):
        if name == "rotation.before_finish":
            ManagedSecret.objects.update(fencing_token=50, lease_until=None)

    order = steps.RotationRequest("scheduled")
    keys = list(ManagedSecret.objects.all())
    assert services.rotate_many(keys, replace(order, failpoint=steal)) == []
    assert versions("k0") == [(1, "current"), (2, "pending")]
    services.resume_unfinished()
    assert versions("k0") == [(1, "retiring"), (2, "current")]


def test_a_scheduled_rotation_that_failed_early_is_retried(key, world, lapse):
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past)
    world.refuses.add("set")
    services.rotate_due()
    world.refuses.clear()
    lapse()
    assert services.resume_unfinished() == 1
    assert ManagedSecret.objects.get().fail_count == 0


def test_a_failed_rotation_whose_value_would_reach_nobody_is_left_to_a_person(key, world, lapse):
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past, delivery_tested_at=None)
    world.refuses.add("set")
    with pytest.raises(services.RotationFailed):
        services.rotate("db")
    world.refuses.clear()
    lapse()
    assert services.resume_unfinished() == 0
    assert ManagedSecret.objects.get().last_rotated_at is None


def test_an_error_while_resuming_stops_nothing_else(key, world):
    services.rotate("db", grace=timedelta(0))
    world.silent.add("test")
    with pytest.raises(services.RotationFailed):
        services.rotate("db")
    ManagedSecret.objects.update(next_attempt_at=None)

    def broken(name):
        raise RuntimeError(name)

    assert services.resume_unfinished(failpoint=broken) == 0
