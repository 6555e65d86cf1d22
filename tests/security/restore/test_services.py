"""A restored platform's keys are free, its secrets open, and what went back is told and sealed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session

from security.access.models import PasswordLink, SetupLink, User
from security.access.roles import VIEWER
from security.apikeys import services as apikeys
from security.audit import reports
from security.audit import services as audit
from security.audit.models import Anchor, AuditStream, Event
from security.encryption import reports as encryption
from security.restore import services
from security.rotation import services as rotation
from security.rotation.models import SecretVersion
from tests.security.audit import tampering

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.AUDIT_ANCHORS = tmp_path / "anchors"


def say(count):
    audit.record_all([audit.AuditEntry("admin", "e", "s")] * count)


def test_the_keks_that_are_needed_are_named_and_looked_for():
    needed = services.needs()
    assert needed == {"keks": [encryption.keyring().active]}
    assert services.refusals(needed) == services.refusals(None) == []
    (words,) = services.refusals({"keks": ["gone"]})
    assert words.startswith("ENCRYPTION_KEYS lacks gone")


def test_what_went_back_is_told_with_both_ends_and_sealed_as_known():
    say(3)
    audit.anchor(NOON)
    kept = list(Event.objects.order_by("seq"))
    head = AuditStream.objects.get(stream="admin")
    say(2)
    audit.anchor(NOON)
    tampering.as_owner()
    Event.objects.exclude(pk__in=[each.pk for each in kept]).delete()
    AuditStream.objects.filter(stream="admin").update(
        seq=head.seq, hash=head.hash, anchored=head.seq
    )
    Anchor.objects.filter(number=2).delete()
    assert reports.chain_faults() != []

    notes = services.finalize(NOON, None)

    assert [each for each in notes if each.startswith("Rewind: admin goes to 3 ")]
    assert not [each for each in notes if "audit is wrong" in each]
    assert reports.chain_faults() == []
    assert Anchor.objects.order_by("-number").values_list("kind", flat=True).first() == "restored"
    assert Event.objects.filter(event="backup.restored").exists()
    say(4)
    audit.anchor(NOON)
    assert reports.chain_faults() == []


def test_what_does_not_fit_is_told():
    say(2)
    tampering.as_owner()
    Event.objects.filter(stream="admin", seq=1).update(actor="user:eve")
    notes = services.finalize(NOON, None)
    assert [each for each in notes if each.startswith("The audit is wrong: altered: admin 1")]


def test_keys_that_changed_since_the_backup_are_named():
    for name in ("billing", "left", "new"):
        rotation.register(name, "x")
    opens, other = (apikeys.create(name, ["all"]).key for name in ("shop", "other"))
    before = services.snapshot()
    before["versions"]["billing"] = 3
    before["revoked"] = [[opens.pk, opens.created_at.isoformat()], [other.pk, NOON.isoformat()]]
    before["ended"] = [str(rotation.get("left").uuid)]
    before = json.loads(json.dumps(before))  # as it is kept for a restore after a killed one
    SecretVersion.objects.filter(key__key_id="new").delete()

    assert services.compare(before) == [
        (
            "billing was rotated since: version 3 is in use outside, and version 1 is here. "
            "Enter the value in use, or rotate it."
        ),
        "new was registered since, and its value is not here.",
        "left was revoked since, and is here again: revoke it.",
        f"API key {opens} was revoked since, and is revoked again.",
    ]
    opens.refresh_from_db()
    assert opens.revoked_at is not None
    other.refresh_from_db()  # another key, of another installation, that has the same number
    assert other.revoked_at is None


def test_people_who_were_switched_off_stay_so_and_everybody_signs_in_again(client):
    left, boss, here = (User.objects.create_user(name) for name in ("left", "boss", "here"))
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    before = services.snapshot()
    before["switched_off"] = [[each.pk, each.date_joined.isoformat()] for each in (left, boss)]
    client.force_login(here)
    services.finalize(NOON, None)
    assert not Session.objects.exists()
    assert services.compare(before) == [
        "left was switched off since, and is switched off again.",
        "boss was switched off since, and may sign in again: switch it off.",
    ]
    active = User.objects.filter(is_active=True).values_list("username", flat=True)
    assert set(active) == {"boss", "here"}


def test_links_that_were_used_since_open_nothing_again():
    person = User.objects.create_user("vera")
    PasswordLink.objects.create(
        person=person, purpose="invitation", created_at=NOON, expires_at=NOON + timedelta(days=3)
    )
    SetupLink.objects.create(digest="x", expires_at=NOON + timedelta(minutes=15))
    services.finalize(NOON, None)
    assert PasswordLink.objects.get().used_at == NOON
    assert not SetupLink.objects.exists()


def test_who_holds_again_what_was_withdrawn_is_named():
    ada, bob, new = (User.objects.create_user(name) for name in ("ada", "bob", "new"))
    before = services.snapshot()
    before["roles"] = [each for each in before["roles"] if each[0] != new.pk]
    for each in (ada, bob, new):
        each.groups.add(Group.objects.get(name=VIEWER))
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    before["roles"] = json.loads(json.dumps(before["roles"]))
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert services.compare(before) == [
        "ada holds again what was withdrawn since: superuser, viewer. Withdraw it."
    ]


def test_where_nothing_changed_nothing_is_named():
    rotation.register("billing", "x")
    apikeys.revoke(apikeys.create("shop", ["all"]).key.pk)
    assert services.compare(services.snapshot()) == []


def test_a_stream_of_a_key_that_went_back_says_what_that_means(tmp_path):
    audit.record(stream="key:7", event="key.rotated", subject="billing")
    audit.anchor(NOON)
    tampering.as_owner()
    Event.objects.filter(stream="key:7").delete()
    AuditStream.objects.filter(stream="key:7").delete()
    (told,) = services.lost_events()
    assert told.startswith("Rewind: key:7 goes to 0 ")
    assert told.endswith("compare, and enter the new value or rotate it.")
