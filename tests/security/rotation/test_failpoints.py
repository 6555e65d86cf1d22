"""Struck at every failpoint, a rotation is taken up where it stopped: nothing lost, nothing twice.

The process ends here by an error that no code of ours catches; tests/faults does it by kill -9.
"""

from datetime import timedelta

import pytest

from security.rotation import services
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services.steps import RotationRequest
from tests.security.rotation.invariants import FAILPOINTS, VersionState, violations
from tests.security.rotation.stored import current_value, working_values
from tests.security.rotation.world import Struck

pytestmark = pytest.mark.django_db


class Blow:
    """Ends the process at the given visit of a failpoint, once; counts what it passes."""

    def __init__(self, name="", visit=1):
        self.name, self.left = name, visit
        self.passed = []

    def __call__(self, name):
        self.passed.append(name)
        if name == self.name:
            self.left -= 1
            if self.left == 0:
                raise Struck


def rows(key_id="db"):
    found = SecretVersion.objects.filter(key__key_id=key_id).order_by("number")
    return [VersionState(each.number, each.state, each.sealed is not None,
                        each.destroyed_at is not None) for each in found]  # fmt: skip


def whole(world):
    """The invariants, in the rows and outside."""
    key = ManagedSecret.objects.get(key_id="db")
    assert violations(key.state, rows()) == []
    assert current_value("db") in world.works["db"]
    assert current_value("db") == working_values("db")[0]


def finish_unfinished(lapse):
    for _ in range(3):
        lapse()
        services.resume_unfinished()


WAYS = {
    "rotate": {"claim", "create", "set", "note", "test", "finish", "revoke", "retire"},
    "give up": {"claim", "create", "set", "note", "test", "fail", "undo", "release"},
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", sorted(WAYS["rotate"]))
def test_a_rotation_struck_anywhere_is_finished_by_the_next_worker(key, world, lapse, step, when):
    blow = Blow(f"rotation.{when}_{step}")
    with pytest.raises(Struck):
        services.rotate("db", reason="compromised", failpoint=blow)
    whole(world)
    finish_unfinished(lapse)
    whole(world)
    found = [row.state for row in rows()]
    assert found in (["current"], ["compromised", "current"])
    assert (found == ["current"]) == (step == "claim" or (step, when) == ("create", "before"))
    assert len(world.works["db"]) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", sorted(WAYS["give up"]))
def test_a_failing_rotation_struck_anywhere_leaves_the_old_value(key, world, lapse, step, when):
    world.refuses.add("test")
    for _ in range(2):
        with pytest.raises(services.RotationFailed):
            services.rotate("db")
        lapse()
    if step == "create":
        with pytest.raises(services.RotationFailed):
            services.rotate("db")
        lapse()
    with pytest.raises(Struck):
        services.rotate("db", failpoint=Blow(f"rotation.{when}_{step}"))
    assert rows()[0].state == "current"
    assert "first" in world.works["db"]
    finish_unfinished(lapse)
    assert rows()[0].state == "current"
    world.refuses.clear()
    finish_unfinished(lapse)
    services.rotate("db")
    whole(world)
    assert [row.state for row in rows()].count("current") == 1
    assert len(world.works["db"]) == 2


def test_every_failpoint_there_is_is_struck():
    named = {f"rotation.{when}_{step}" for way in WAYS.values() for step in way
             for when in ("before", "after")}  # fmt: skip
    assert named == set(FAILPOINTS)


PAIRS = ["after_create", "after_set", "after_test", "after_finish", "after_revoke"]


@pytest.mark.parametrize("first", PAIRS)
@pytest.mark.parametrize("second", PAIRS)
def test_struck_twice_it_still_ends_well(key, world, lapse, first, second):
    with pytest.raises(Struck):
        services.rotate("db", reason="compromised", failpoint=Blow(f"rotation.{first}"))
    lapse()
    try:
        services.resume_unfinished(failpoint=Blow(f"rotation.{second}"))
    except Struck:
        whole(world)
    finish_unfinished(lapse)
    whole(world)
    assert [row.state for row in rows()] == ["compromised", "current"]
    assert len(world.works["db"]) == 1


@pytest.mark.parametrize(
    "point", ["before_create", "after_create", "before_finish", "after_finish"]
)
def test_a_batch_struck_anywhere_is_finished_by_the_next_look(db, lapse, point):
    for number in range(3):
        services.register(f"k{number}", "x")
    keys = list(ManagedSecret.objects.order_by("pk"))
    order = RotationRequest("scheduled", failpoint=Blow(f"rotation.{point}"))
    with pytest.raises(Struck):
        services.rotate_many(keys, order, size=2)
    ManagedSecret.objects.update(lease_until=None)
    services.resume_unfinished()
    for key in keys:
        assert violations("active", rows(key.key_id)) == []
    made = sum(len(rows(key.key_id)) - 1 for key in keys)
    assert made == (0 if point == "before_create" else 2)
    assert not SecretVersion.objects.filter(state="pending").exists()


@pytest.mark.parametrize("point", ["before_undo", "after_undo", "after_set"])
def test_a_rehearsal_struck_anywhere_is_taken_back(key, world, lapse, point):
    with pytest.raises(Struck):
        services.rehearse("db", failpoint=Blow(f"rotation.{point}"))
    finish_unfinished(lapse)
    assert world.works["db"] == {"first"}
    assert [row.state for row in rows()] == ["current", "retired"]


@pytest.mark.parametrize("point", ["before_finish", "after_finish"])
def test_ending_by_force_struck_is_finished_by_the_next_look(key, world, lapse, point):
    world.refuses.add("set")
    with pytest.raises(Struck):
        services.rotate("db", reason="compromised", force=True, failpoint=Blow(f"rotation.{point}"))
    lapse()
    world.refuses.clear()
    ManagedSecret.objects.update(lease_until=services.database_now() - timedelta(seconds=1))
    services.resume_unfinished()
    ended = point == "after_finish"
    assert world.works["db"] == (set() if ended else {"first"})
    assert rows()[0].state == ("compromised" if ended else "current")
