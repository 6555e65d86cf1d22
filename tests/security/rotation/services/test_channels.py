"""Delivery channels within a rotation, and values that are asked for."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from aethercrown.transitions import InvalidTransition
from operations.alerts.models import Alert
from security.apikeys import services as apikeys
from security.apikeys.services import usage
from security.audit.models import Event
from security.rotation import reports, services
from security.rotation.models import KeyChannel, ManagedSecret, OutsideTask, SecretVersion
from security.rotation.services import channels, steps
from tests.security.rotation.stored import current_value, puller

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(settings, tmp_path):
    settings.KEY_FILES_DIR = tmp_path
    settings.KEY_RELOAD_COMMANDS = {"fail": ("/bin/false",)}
    return tmp_path


def filed(key, path="shop", **config):
    return KeyChannel.objects.create(
        key=key, name=path, kind="file", config={"path": path, **config}
    )


def text(folder, path="shop"):
    return (folder / path).read_text("utf-8")


def test_a_rotation_writes_the_new_value_before_it_is_current(key, world, folder):
    filed(key)
    done = services.rotate("db")
    assert text(folder) == done.new_key == current_value("db")
    assert KeyChannel.objects.get().error == ""


def test_one_channel_that_fails_keeps_the_old_value_everywhere(key, world, versions, folder):
    filed(key)
    filed(key, "other", reload="fail")
    with pytest.raises(services.RotationFailed, match="The reload command failed"):
        services.rotate("db")
    assert versions("db")[0] == (1, "current")
    assert text(folder) == current_value("db") == "first"
    assert world.works["db"] == {"first"}


def test_a_folder_that_is_gone_is_a_clear_word(key, world, settings, tmp_path):
    settings.KEY_FILES_DIR = tmp_path / "gone"
    filed(key)
    with pytest.raises(services.RotationFailed, match="no such file or directory"):
        services.rotate("db")
    assert current_value("db") == "first"


def test_revoking_a_key_deletes_its_file_and_what_stays_is_a_task(key, world, folder):
    filed(key, "shop/db")
    filed(key, "other/db")
    services.rotate("db", reason="manual")
    (folder / "other" / "db").unlink()
    (folder / "other" / "db").mkdir()
    services.revoke("db")
    assert not (folder / "shop" / "db").exists()
    [left] = OutsideTask.objects.filter(state="open")
    assert (left.place, left.last_error) == (
        "the file other/db with version 2", "The file could not be deleted: is a directory."
    )  # fmt: skip


def test_a_compromised_value_without_a_successor_stays_in_no_file(key, world, folder):
    channels.check(filed(key))
    world.refuses.add("set")
    services.rotate("db", reason="compromised", force=True)
    assert not (folder / "shop").exists()


def test_two_keys_do_not_share_a_file(key, folder):
    filed(key)
    other = services.register("other", "x").key
    manifest = {"path": "shop", "namespace": "n", "secret": "s"}
    second = KeyChannel(key=other, name="k", kind="kubernetes", config=manifest)
    with pytest.raises(ValidationError, match="db: shop writes this file"):
        second.full_clean()
    second.config = manifest | {"path": "shop.json"}
    second.full_clean()
    KeyChannel.objects.get().full_clean()
    services.revoke("db")
    second.config = manifest
    second.full_clean()


def test_a_channel_is_tested_with_the_current_value(key, folder):
    channel = filed(key)
    channels.ask_for_test(channel, timezone.now())
    assert channels.run_asked_tests() == 1
    assert text(folder) == "first"
    channel.refresh_from_db()
    assert (channel.error, channel.test_wanted_at) == ("", None)
    assert channel.tested_at
    failing = filed(key, "other", reload="fail")
    assert not channels.check(failing)
    failing.refresh_from_db()
    assert (failing.tested_at, failing.error) == (None, "The reload command failed.")


def test_a_channel_that_was_changed_during_its_test_stays_untested(key, folder):
    channel = filed(key)
    KeyChannel.objects.update(config={"path": "elsewhere"}, test_wanted_at=timezone.now())
    channels.check(channel)
    fresh = KeyChannel.objects.get()
    assert (fresh.tested_at, fresh.test_wanted_at is None) == (None, False)
    assert channels.run_asked_tests() == 1
    assert KeyChannel.objects.get().tested_at


def test_a_key_without_a_value_has_nothing_to_test_with(key, folder):
    channel = filed(key)
    services.revoke("db")
    assert not channels.check(channel)
    channel.refresh_from_db()
    assert channel.error == "The key has no current value."


def test_while_the_key_is_rotated_the_test_waits(key, folder):
    channel = filed(key)
    channels.ask_for_test(channel, timezone.now())
    steps.acquire(key.pk, "rotate")
    assert channels.run_asked_tests() == 0
    channel.refresh_from_db()
    assert channel.test_wanted_at


class TestAskedFor:
    @pytest.fixture
    def channel(self, key):
        return puller(key)

    def read(self, channel, key_id="db", **more):
        asked = {"actor": f"key:{channel.api_key_id}", "now": timezone.now(), **more}
        return services.reveal(key_id, channel.api_key_id, **asked)

    def test_the_current_value_is_given_and_recorded(self, key, channel):
        given = self.read(channel)
        assert (given.version, given.value, given.previous_valid_until) == (1, "first", None)
        event = Event.objects.filter(event="key.revealed").get()
        assert event.subject == "db"
        assert f'"api_key":{channel.api_key_id}' in event.detail.replace(" ", "")
        channel.refresh_from_db()
        assert (channel.read_version, channel.tested_at is not None) == (1, True)
        assert SecretVersion.objects.get().last_used_at

    def test_during_the_grace_it_says_until_when_the_old_one_works(self, key, channel):
        done = services.rotate("db")
        given = self.read(channel)
        assert (given.version, given.value) == (2, done.new_key)
        assert given.previous_valid_until == done.previous_valid_until

    def test_another_api_key_with_the_scope_gets_nothing(self, key, channel):
        other = apikeys.create("other", ["security:reveal"]).key
        with pytest.raises(services.NotBoundToKey):
            services.reveal("db", other.pk, actor="key:x", now=timezone.now())
        services.register("second", "x")
        with pytest.raises(services.NotBoundToKey):
            self.read(channel, "second")

    def test_the_successor_of_a_bound_api_key_may_ask(self, key, channel):
        issued = apikeys.rotate(channel.api_key_id).key
        given = services.reveal("db", issued.pk, actor="key:x", now=timezone.now())
        assert given.value == "first"

    def test_a_key_whose_puller_has_ended_is_not_rotated_by_itself(self, db):
        """The attack on availability: its users would be cut off once the grace is over."""
        pulled = services.register("token", "x").key
        channel = puller(pulled, tested_at=timezone.now())
        assert reports.may_rotate_itself(pulled)
        successor = apikeys.rotate(channel.api_key_id, timedelta(0)).key
        assert reports.may_rotate_itself(pulled)
        apikeys.revoke(successor.pk)
        assert not reports.may_rotate_itself(pulled)
        puller(pulled, "another", tested_at=timezone.now())
        assert not reports.may_rotate_itself(pulled)  # every channel counts

    def test_a_key_without_a_value_says_so(self, key, channel):
        services.revoke("db")
        with pytest.raises(InvalidTransition, match="it is revoked"):
            self.read(channel)

    def test_a_value_still_in_use_at_its_end_gets_its_grace_once_more(self, key, world, channel):
        self.read(channel)
        done: Any = services.rotate("db", grace=HOUR)
        later = lambda hours: lambda: steps.database_now() + hours * HOUR  # noqa: E731
        services.resume_unfinished(later(1.5))
        old: Any = SecretVersion.objects.get(number=1)
        assert (old.state, old.extended_at is not None) == ("retiring", True)
        assert old.retire_at == done.previous_valid_until + HOUR
        assert "web servers last asked for it" in Alert.objects.get(kind="still_used").message
        services.resume_unfinished(later(3))
        assert SecretVersion.objects.get(number=1).state == "retired"
        assert Alert.objects.get(kind="still_used").resolved_at

    def test_after_a_long_outage_it_ends_and_nobody_is_told_otherwise(self, key, world, channel):
        self.read(channel)
        services.rotate("db", grace=HOUR)
        services.resume_unfinished(lambda: steps.database_now() + 5 * HOUR)
        assert SecretVersion.objects.get(number=1).state == "retired"
        assert not Alert.objects.filter(kind="still_used").exists()

    def test_one_that_nobody_uses_any_more_ends_in_time(self, key, world, channel):
        self.read(channel)
        services.rotate("db", grace=HOUR)
        self.read(channel)
        services.resume_unfinished(lambda: steps.database_now() + 2 * HOUR)
        assert SecretVersion.objects.get(number=1).state == "retired"


class TestPromised:
    def test_within_the_grace_another_rotation_is_refused_and_says_who_uses_the_old_value(
        self, key, world, versions
    ):
        services.reveal("db", puller(key).api_key_id, actor="key:1", now=timezone.now())
        services.rotate("db")
        with pytest.raises(services.PreviousStillPromised, match="web servers last asked for it"):
            services.rotate("db")
        assert versions("db") == [(1, "retiring"), (2, "current")]
        assert ManagedSecret.objects.get().lease_until is None
        services.rotate("db", end_previous=True)
        assert versions("db") == [(1, "retired"), (2, "retiring"), (3, "current")]

    def test_a_compromised_value_is_replaced_at_once(self, key, world, versions):
        services.rotate("db")
        services.rotate("db", reason="compromised")
        assert versions("db") == [(1, "retired"), (2, "compromised"), (3, "current")]

    def test_nobody_is_named_where_nothing_records_it(self, key, world):
        services.rotate("db")
        with pytest.raises(services.PreviousStillPromised, match="Nothing records who uses it"):
            services.rotate("db")

    def test_an_api_key_of_the_platform_says_when_it_was_used(self, db):
        scopes = {"scopes": ["revenue:read"]}
        made = services.register("ci", "x", rotator="platform_api_key", config=scopes)
        services.rotate("ci")
        usage.collector.note_use(made.version.detail["api_key"], timezone.now())
        usage.flush()
        with pytest.raises(services.PreviousStillPromised, match="was last used on"):
            services.rotate("ci")
