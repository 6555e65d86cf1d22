"""After a restore nothing acts on restored rows: only what people ask for since."""

from datetime import timedelta

import pytest
from django.utils import timezone

from aethercrown.backup import automation_pause
from security.restore import services as restore
from security.rotation import services
from security.rotation.models import KeyChannel, ManagedSecret, RotationOrder, SecretVersion
from security.rotation.services import channels, orders
from tests.security.rotation.stored import current_value

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


def restored(at):
    automation_pause.begin("Restored.", at)


def test_only_what_was_ordered_since_is_rotated(key, world, now):
    other = services.register("other", "x").key
    services.order(key, "key:1", now - HOUR, reason="manual")
    restored(now - HOUR / 2)
    assert services.run_ordered() == 0
    services.order(other, "key:1", now, reason="manual")
    assert services.run_ordered() == 1
    assert world.journal == []
    automation_pause.end("ada", now)
    assert services.run_ordered() == 1


def test_of_two_pauses_the_newest_counts(key, now):
    restored(now - 2 * HOUR)
    services.order(key, "key:1", now - HOUR, reason="manual")
    restored(now)
    assert services.run_ordered() == 0


def test_no_old_value_ends_and_no_approved_rotation_begins_until_automation_is_resumed(
    key, world, now, versions
):
    """The idle role of a database may have a password outside that the restored rows lack."""
    services.rotate("db")
    SecretVersion.objects.filter(state="retiring").update(retire_at=now - HOUR)
    world.journal.clear()
    restored(now)
    ManagedSecret.objects.update(rotation_approved_at=now)
    assert services.resume_unfinished() == 0
    assert world.journal == []
    automation_pause.end("ada", now)
    services.resume_unfinished()
    assert world.journal != []
    assert [state for _, state in versions("db")][:1] == ["retired"]


def test_a_channel_is_not_tested_with_a_restored_value_unless_asked_since(
    key, settings, tmp_path, now
):
    settings.KEY_FILES_DIR = tmp_path
    channel = KeyChannel.objects.create(key=key, name="f", kind="file", config={"path": "shop"})
    channels.ask_for_test(channel, now - HOUR)
    restored(now - HOUR / 2)
    assert channels.run_asked_tests() == 0
    assert not (tmp_path / "shop").exists()
    channels.ask_for_test(channel, now)
    assert channels.run_asked_tests() == 1


def test_open_orders_of_a_restored_database_end_and_their_values_are_erased(
    settings, tmp_path, world, now
):
    settings.AUDIT_ANCHORS = tmp_path
    key = services.register("paper", "x", value="old").key
    made = services.order(key, "user:ada", now, value="entered", reason="manual")
    notes = restore.finalize(now, None)
    assert "1 ordered rotation ended: ask again if still wanted." in notes
    made.refresh_from_db()
    assert (made.state, made.error) == ("failed", orders.RESTORED)
    assert made.asked["sealed_value"] == ""
    assert current_value("paper") == "old"
    assert RotationOrder.objects.filter(state="queued").count() == 0
    assert not [each for each in restore.finalize(now, None) if "ordered" in each]
