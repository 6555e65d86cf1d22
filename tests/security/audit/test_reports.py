"""The whole of the audit read back: nothing false where it is whole, everything where it is not."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import transaction

from security.audit import reports, services
from security.audit.models import Anchor, AuditStream, Event
from tests.security.audit import tampering

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings, tmp_path):
    settings.AUDIT_ANCHORS = tmp_path / "anchors"
    return settings.AUDIT_ANCHORS


@pytest.fixture
def chains(folder):
    """Three streams, anchored half-way and at the end."""
    for part in range(2):
        said = [
            services.AuditEntry(stream, "e", f"s{number}", "user:anna", {"n": number})
            for stream, count in (("access", 5), ("admin", 12), ("key:1", 3))
            for number in range(count)
        ]
        services.record_all(said, NOON + timedelta(minutes=part))
        services.anchor(NOON + timedelta(hours=part))


def told():
    return [str(each) for each in reports.chain_faults()]


def test_an_empty_audit_is_whole(folder):
    assert told() == []


def test_a_whole_one_has_no_fault_also_where_it_goes_on(chains):
    assert told() == []
    services.record(stream="admin", event="e", subject="s")
    services.record(stream="new", event="e", subject="s")
    assert told() == []
    assert reports.count_events() == 42


def test_pages_miss_nothing(chains, monkeypatch):
    monkeypatch.setattr(reports, "PAGE_ROWS", 3)
    assert told() == []
    assert [each.entry.seq for each in reports.links("admin")] == list(range(1, 25))
    assert [each.entry.seq for each in reports.links("admin", after=20)] == [21, 22, 23, 24]


@pytest.mark.parametrize("act", tampering.ACTS, ids=lambda act: act.__name__)
def test_what_the_databases_owner_does_is_found_and_named(chains, act):
    for seed in range(4):
        with transaction.atomic():
            tampering.as_owner()
            done = act(Random(seed))  # noqa: S311 - reproducible, not secret
            assert done.named_by(reports.chain_faults()), (done, told())
            transaction.set_rollback(True)


def test_an_entry_in_anothers_place_is_known_by_its_own(chains):
    tampering.as_owner()
    with transaction.atomic():
        for row, seq in ((3, 900), (6, 3)):
            Event.objects.filter(stream="admin", seq=row).update(seq=seq)
        Event.objects.filter(stream="admin", seq=900).update(seq=6)
    (fault,) = told()
    assert fault.startswith("reordered: admin 3")
    assert fault.endswith("what stands here is entry 6")


def test_a_time_that_cannot_be_read_is_an_altered_entry(chains, monkeypatch):
    """As SQLite keeps any text in any column."""

    def broken(*row):
        raise ValueError("month must be in 1..12")

    monkeypatch.setattr(reports, "_link", broken)
    assert told()[0].startswith("altered: access 1 (row")


def test_lost_files_are_a_fault(chains, folder):
    (path,) = folder.iterdir()
    whole = path.read_text()
    path.unlink()
    assert "none of the 2 anchors" in told()[0]
    path.write_text(whole.splitlines()[0] + "\n{}\n")
    assert "line 2 is no anchor" in told()[0]
    path.write_text(whole.replace('"kind":"hourly"', '"kind":"other"'))
    assert "anchor 1 does not fit its MAC" in told()[0]


def test_an_anchor_that_a_crash_kept_from_the_files_is_no_fault_and_follows(chains, folder):
    (path,) = folder.iterdir()
    first, _second = path.read_text().splitlines(keepends=True)
    path.write_text(first)
    assert told() == []
    services.record(stream="admin", event="e", subject="s")
    services.anchor(NOON + timedelta(hours=3))
    assert len(path.read_text().splitlines()) == 3
    assert told() == []


def test_an_anchor_holds_what_moved_since_the_one_before(chains):
    services.record(stream="admin", event="e", subject="s")
    row = services.anchor(NOON + timedelta(hours=3))
    assert list(reports.to_record(row).changed_ends) == ["admin"]
    assert (row.number, row.streams, str(row)) == (3, 3, "Signed audit digest 3")
    assert not AuditStream.objects.exclude(anchored=24).filter(stream="x").exists()
    again = services.anchor(NOON + timedelta(hours=4))
    assert reports.to_record(again).changed_ends == {}
    assert Anchor.objects.count() == 4
