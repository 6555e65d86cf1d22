"""The audit's own automations: an anchor each hour, everything each night, an alert at a fault."""

import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from aethercrown.db import schema
from aethercrown.history import tracking
from operations.alerts.models import Alert
from operations.automations.registry import RunContext
from operations.health.models import Component
from operations.messaging.models import Destination, Message
from security.audit import chain, reports, services
from security.audit.models import Anchor, Event
from security.audit.services import automation
from tests.aethercrown.histories import history_of
from tests.security.audit import tampering

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.AUDIT_ANCHORS = tmp_path / "anchors"


def context(*, dry_run=False):
    return RunContext("security.anchor_audit", None, NOON, NOON, "auto", dry_run)


def say(count=3):
    services.record_all(services.AuditEntry("admin", "e", "s") for _ in range(count))


def alerts():
    return list(Alert.objects.values_list("subject", "state", "severity"))


def test_each_hour_the_ends_are_sealed_and_sent_to_who_keeps_them():
    Destination.objects.create(
        name="vault", channel="webhook", address="https://x.example.com", takes_anchors=True
    )
    say()
    outcome = automation.run_anchor(context())
    assert outcome.summary.startswith("Signed audit digest 1: ")
    assert outcome.summary.endswith("nothing is wrong.")
    letter = Message.objects.get()
    assert letter.event_key.startswith("audit:anchor:1:")
    assert letter.payload["anchor"]["mac"] == Anchor.objects.get().mac
    assert alerts() == []


def test_a_dry_run_seals_nothing():
    assert automation.run_anchor(context(dry_run=True)).summary.startswith("Would sign")
    automation.run_verify(context(dry_run=True))
    assert not Anchor.objects.exists()


def test_what_is_wrong_since_the_last_anchor_is_told_within_the_hour():
    say()
    automation.run_anchor(context())
    say()
    with transaction.atomic():
        tampering.as_owner()
        Event.objects.filter(stream="admin", seq=5).update(actor="user:eve")
    outcome = automation.run_anchor(context())
    assert "First, altered: admin 5" in outcome.summary
    assert alerts() == [("recent", "open", "critical")]


def test_the_night_finds_what_is_older_and_settles_what_was_mended():
    say()
    automation.run_anchor(context())
    tampering.as_owner()
    Event.objects.filter(stream="admin", seq=1).update(actor="user:eve")
    assert reports.recent_faults() == []
    assert "First, altered: admin 1" in automation.run_verify(context()).summary
    Event.objects.filter(stream="admin", seq=1).update(actor="")
    assert "nothing is wrong" in automation.run_verify(context()).summary
    assert alerts() == [("all", "resolved", "critical")]


def test_the_night_reads_the_history_too():
    group = Group.objects.create(name="night shift")
    assert reports.history_faults() == []
    history_of(group).update(history_user_id="user:eve")
    (fault,) = reports.history_faults()
    row = history_of(group).get().pk
    assert str(fault).startswith(f"altered: history:auth.group 1 (row {row}): the row of")
    history_of(group).all().delete()
    assert [each.kind for each in reports.history_faults()] == ["missing"]


def test_a_row_of_history_that_nobody_told_of_is_named():
    group = Group.objects.create(name="night shift")
    row = history_of(group).get()
    row.pk = None
    history_of(Group).bulk_create([row])
    (fault,) = reports.history_faults()
    assert (fault.kind, fault.seq) == ("inserted", 2)


def test_an_event_that_is_no_json_is_the_chains_affair():
    group = Group.objects.create(name="night shift")
    tampering.as_owner()
    Event.objects.filter(stream="history:auth.group").update(detail="{")
    assert [each.kind for each in reports.chain_faults()] == ["altered"]
    assert [each.row for each in reports.history_faults()] == [history_of(group).get().pk]


def test_anchors_that_only_the_files_hold_are_taken_back(settings):
    say()
    services.anchor(NOON)
    services.anchor(NOON)
    tampering.as_owner()
    Anchor.objects.filter(number=2).delete()
    assert [each.kind for each in reports.chain_faults()] == ["anchors"]
    folder = settings.AUDIT_ANCHORS
    assert services.restore_anchors(folder) == 1
    assert services.restore_anchors(folder) == 0
    assert reports.chain_faults() == []
    assert json.loads(Anchor.objects.get(number=2).ends) == {}


def test_a_row_of_an_earlier_version_is_compared_by_the_columns_of_its_time():
    rows = history_of(Component)
    row = rows.create(
        id=1, name="shop", kind="http", target="https://a.test", history_type="+", history_date=NOON
    )
    values = reports.history_values(rows.model, [row.pk])[row.pk]
    first = schema.past_columns("operations", "historicalcomponent")[0]
    assert first < values.keys()
    digest = chain.row_digest({name: values[name] for name in first})
    detail = {"row": row.pk, "digest": digest}
    services.record(stream="history:operations.component", event="e", subject="s", detail=detail)
    assert reports.history_faults() == []
    rows.update(name="shop 2")
    assert [each.kind for each in reports.history_faults()] == ["altered"]


def test_what_is_no_key_in_an_altered_event_names_no_row():
    history = next(iter(tracking.tracked().values()))
    written = json.loads('["abc", 1180591620717411303424, true]')
    assert reports.history_values(history, written) == {}
