"""Values stand where they were set: a configuration that names another place moves none of them."""

from datetime import timedelta
from typing import Any

import pytest

from security.rotation import models
from security.rotation import services as rotation
from security.rotation.models import OutsideTask
from security.rotation.services import steps
from tests.security.rotation.stored import current_value

pytestmark = pytest.mark.django_db
services: Any = rotation  # values that may be None elsewhere exist in these tests
SecretVersion: Any = models.SecretVersion
HOUR = timedelta(hours=1)


@pytest.fixture
def key(db, world):
    made = services.register(
        "db", "database", rotator="test_placed", config={"at": "old"}, value="first"
    )
    world.works["db"].add("first")
    return made.key


def look(hours):
    return services.resume_unfinished(lambda: steps.database_now() + hours * HOUR)


def test_an_old_value_is_ended_where_it_was_set_or_by_a_person(key, world):
    services.rotate("db", grace=HOUR)
    services.change("db", config={"at": "new"})
    world.journal.clear()
    look(2)
    task = OutsideTask.objects.get()
    assert (task.place, task.state) == ("version 1 at old", "open")
    assert "names another place now: end it there by hand" in task.last_error
    assert world.journal == []
    services.change("db", config={"at": "old"})
    look(9)
    assert OutsideTask.objects.get().state == "done"
    assert world.works["db"] == {current_value("db")}


def test_a_new_value_that_was_half_way_is_not_continued_elsewhere(key, world, versions):
    world.broken.add("test")
    with pytest.raises(services.RotationFailed):
        services.rotate("db")
    services.change("db", config={"at": "new"})
    world.broken.clear()
    world.most = 3
    world.journal.clear()
    assert services.rotate("db").version == 3
    assert world.journal == [("set", "db", 3), ("test", "db", 3)]
    assert versions("db") == [(1, "retiring"), (2, "failed"), (3, "current")]
    assert [each.place for each in OutsideTask.objects.all()] == ["version 2 at old"]


def test_revoking_names_the_place_where_each_value_stands(key, world):
    services.rotate("db", grace=HOUR)
    services.change("db", config={"at": "new"})
    services.revoke("db")
    places = OutsideTask.objects.order_by("version__number").values_list("place", flat=True)
    assert list(places) == ["version 1 at old", "version 2 at old"]
    assert world.works["db"] != set()


def test_a_value_of_an_early_version_is_ended_where_the_configuration_says(key, world):
    SecretVersion.objects.update(place="")
    services.revoke("db")
    assert (OutsideTask.objects.get().state, world.works["db"]) == ("done", set())


@pytest.mark.parametrize("lost", ["values", "configuration"])
def test_what_cannot_be_decrypted_is_revoked_all_the_same(key, world, lost):
    """The attack on availability: without its key-encryption key a value would work for ever."""
    if lost == "values":
        SecretVersion.objects.update(kek_id="lost")
    else:
        SecretVersion.objects.update(place="")
        models.ManagedSecret.objects.update(config={})
    world.broken.add("revoke")
    services.revoke("db")
    assert services.get("db").state == "revoked"
    assert not SecretVersion.objects.exclude(sealed=None).exists()
    world.broken.clear()
    look(9)
    ended = OutsideTask.objects.get()
    assert ended.state == "done"
    if lost == "configuration":
        assert ended.place == "version 1 at a target that can no longer be read"


def test_a_key_whose_configuration_cannot_be_read_says_so_and_keeps_its_value(db):
    config = {"host": "db1.example.com", "dbname": "shop", "roles": ["a", "b"]}
    services.register("app", "x", rotator="database_password", config=config, value="first")
    models.ManagedSecret.objects.update(config={})
    with pytest.raises(services.RotationFailed, match="configuration cannot be read: enter it"):
        services.rotate("app")
    assert current_value("app") == "first"
