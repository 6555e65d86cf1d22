"""A restored platform's keys are free, its secrets open, and what went back is told and sealed."""

from datetime import UTC, datetime

import pytest

from security.audit import reports
from security.audit import services as audit
from security.audit.models import Anchor, Event, Head
from security.envelope import services as envelope
from security.recovery import services
from tests.security.audit import tampering

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.AUDIT_ANCHORS = tmp_path / "anchors"


def say(count):
    audit.record_all([audit.Said("admin", "e", "s")] * count)


def test_the_keks_that_are_needed_are_named_and_looked_for():
    needed = services.needs()
    assert needed == {"keks": [envelope.keyring().active]}
    assert services.refusals(needed) == services.refusals(None) == []
    (words,) = services.refusals({"keks": ["gone"]})
    assert words.startswith("ENCRYPTION_KEYS lacks gone")


def test_what_went_back_is_told_with_both_ends_and_sealed_as_known():
    say(3)
    audit.anchor(NOON)
    kept = list(Event.objects.order_by("seq"))
    head = Head.objects.get(stream="admin")
    say(2)
    audit.anchor(NOON)
    tampering.as_owner()
    Event.objects.exclude(pk__in=[each.pk for each in kept]).delete()
    Head.objects.filter(stream="admin").update(seq=head.seq, hash=head.hash, anchored=head.seq)
    Anchor.objects.filter(number=2).delete()
    assert reports.chain_faults() != []

    notes = services.settle(NOON, None)

    assert [each for each in notes if each.startswith("Rewind: admin goes to 3 ")]
    assert not [each for each in notes if "does not fit" in each]
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
    notes = services.settle(NOON, None)
    assert [each for each in notes if each.startswith("The audit does not fit: altered: admin 1")]
