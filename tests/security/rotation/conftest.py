import pytest

from security.rotation import services
from security.rotation.models import ManagedSecret, OutsideTask, SecretVersion
from tests.security.rotation import world as worlds
from tests.security.rotation.stored import deliver


@pytest.fixture
def world():
    """What works outside for keys of the kind test_target."""
    return worlds.fresh_world()


@pytest.fixture
def key(db, world):
    """A key whose first value works outside."""
    made = services.register("db", "database", rotator="test_target", value="first", level="high")
    world.works["db"].add("first")
    deliver(made.key)
    return ManagedSecret.objects.get(pk=made.key.pk)


@pytest.fixture
def versions():
    """(number, state) of a key's versions, the oldest first."""

    def listed(key_id):
        rows = SecretVersion.objects.filter(key__key_id=key_id).order_by("number")
        return list(rows.values_list("number", "state"))

    return listed


@pytest.fixture
def lapse():
    """Let the lease of a dead worker, and the waits after failures, be over."""

    def now(key_id="db"):
        ManagedSecret.objects.filter(key_id=key_id).update(lease_until=None, next_attempt_at=None)
        OutsideTask.objects.update(next_attempt_at=services.database_now())

    return now
