"""Events form chains; the database keeps them; two writers at once lose nothing."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from aethercrown.history.attribution import acting
from security.audit import chain, services, triggers
from security.audit.models import AuditStream, Event
from security.audit.services.anchor import _note_anchored

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def say(stream="access", **changes):
    services.record(**{"stream": stream, "event": "test.said", "subject": "it", **changes})


def test_an_events_hash_covers_the_one_before_it():
    say(detail={"b": 1, "a": "x"}, now=NOON)
    say(now=NOON)
    first, second = Event.objects.order_by("seq")
    assert (first.seq, first.previous, first.detail) == (1, chain.GENESIS, '{"a":"x","b":1}')
    assert first.hash == chain.link_hash(chain.GENESIS, first.entry)
    assert (second.seq, second.previous) == (2, first.hash)
    head = AuditStream.objects.get()
    assert (head.seq, head.hash) == (2, second.hash)
    assert (str(second), str(head)) == ("access 2: test.said", "access 2")


def test_streams_are_chains_of_their_own():
    assert services.record_all([services.AuditEntry(name, "e", "s") for name in "abab"]) == 4
    assert [(each.stream, each.seq) for each in Event.objects.order_by("stream", "seq")] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]


def test_nothing_to_say_is_no_event():
    assert services.record_all([]) == 0


def test_an_event_names_whoever_is_at_work():
    with acting("automation:operations.sweep"):
        say()
        say(actor="user:anna")
    actors = Event.objects.order_by("seq").values_list("actor", flat=True)
    assert list(actors) == ["automation:operations.sweep", "user:anna"]


def test_an_event_goes_with_what_it_tells():
    with transaction.atomic():
        say()
        transaction.set_rollback(True)
    assert not Event.objects.exists()


@pytest.mark.parametrize("detail", [{"a": 1.5}, {"a": None}, {"a": True}, {"a": []}, {1: "a"}])
def test_a_detail_that_has_two_spellings_is_refused(detail):
    with pytest.raises(TypeError, match="must be str or int"):
        say(detail=detail)


def test_an_endless_detail_is_refused():
    with pytest.raises(ValueError, match="at most 10000"):
        say(detail={"a": "x" * 10_000})


def test_texts_that_no_database_keeps_are_recorded_nevertheless():
    say(subject="a\0b\ud800" + "x" * 300, detail={"name\0": "\ud800"})
    event = Event.objects.get()
    assert event.hash == chain.link_hash(event.previous, event.entry)
    assert event.subject == ("a\ufffdb?" + "x" * 300)[:200]


@pytest.mark.parametrize(
    "act", ["UPDATE security_event SET actor = 'x'", "DELETE FROM security_event"]
)
def test_the_database_refuses_to_change_or_remove_an_event(act):
    say()
    with connection.cursor() as cursor:
        for statement in [
            *triggers.drop_statements(connection.vendor),
            *triggers.create_statements(connection.vendor),
        ]:
            cursor.execute(statement)
        with pytest.raises(IntegrityError, match="never changed or removed"), transaction.atomic():
            cursor.execute(act)
        if connection.vendor == "sqlite":  # as the session's fixture left it
            for table in triggers.TABLES:
                cursor.execute(f"DROP TRIGGER {table}_kept_delete")


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_form_one_chain(at_once):
    assert at_once(say, 8) == [None] * 8
    events = list(Event.objects.order_by("seq"))
    assert [each.seq for each in events] == list(range(1, 9))
    assert [each.previous for each in events[1:]] == [each.hash for each in events[:-1]]


@pytest.mark.django_db
def test_a_stream_that_began_after_the_anchor_was_read_waits_for_the_next():
    services.record(stream="late", event="began", subject="x")
    _note_anchored({})
    assert AuditStream.objects.get(stream="late").anchored == 0
