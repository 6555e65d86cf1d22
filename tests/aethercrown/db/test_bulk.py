from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.db import bulk
from aethercrown.db.bulk import forget
from aethercrown.models import IdempotencyRecord
from security.audit.models import AuditStream
from security.encryption.models import Kek
from security.rotation.models import ManagedSecret, RotationRun, SecretVersion

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_rows_are_added_and_changed_where_they_are_as_given():
    bulk.insert(
        AuditStream, ["stream", "seq", "hash", "anchored"], [("a", 1, "x", 0), ("b", 2, "y", 0)]
    )
    rows = [(5, "a", 1), (6, "b", 9)]
    assert bulk.update(AuditStream, ["seq"], ["stream", "seq"], rows) == 1
    assert list(AuditStream.objects.order_by("stream").values_list("stream", "seq")) == [
        ("a", 5),
        ("b", 2),
    ]


def test_nothing_is_nothing():
    bulk.insert(AuditStream, ["stream"], [])
    assert bulk.update(AuditStream, ["seq"], ["stream"], []) == 0


def test_staged_rows_are_the_connections_own_and_gone_after_the_block():
    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite's writers wait for each other.")
    rows = [("b", 2, None), ("a", 2**40, "2026-03-01 12:00:00.5")]
    columns = ["stream", "seq", "hash"]
    for _ in range(2):
        with connection.cursor() as cursor, bulk.staged(AuditStream, columns, rows) as name:
            cursor.execute(f"SELECT * FROM {name} ORDER BY rowid")  # noqa: S608 - our own name
            assert cursor.fetchall() == rows
    with pytest.raises(OverflowError), bulk.staged(AuditStream, columns, [("a", 2**70, "")]):
        pass
    with bulk.staged(AuditStream, columns, []):
        pass
    assert not AuditStream.objects.exists()


def test_a_time_is_as_its_column_takes_it():
    bulk.insert(
        RotationRun,
        [
            "begun_at",
            "actor",
            "due",
            "rotated",
            "failed",
            "held_back",
            "paused_because",
            "resumed_by",
            "boot",
            "mode",
        ],
        [(bulk.stamp(NOON), "", 0, 0, 0, 0, "", "", "", "")],
    )
    assert RotationRun.objects.get(begun_at=NOON).begun_at == NOON


def test_times_in_any_zone_are_written_as_their_column_takes_them():
    written, columns = bulk.stamper(), ["kid", "canary", "created_at", "wraps"]
    times = [NOON, NOON.astimezone(ZoneInfo("Asia/Kolkata")) + timedelta(microseconds=5)]
    bulk.insert(Kek, columns, [(f"k{n}", b"", written(at), n) for n, at in enumerate(times)])
    rows = Kek.objects.filter(kid__startswith="k").order_by("wraps")
    assert list(rows.values_list("created_at", flat=True)) == times
    assert rows.get(created_at=times[1]).wraps == 1


def test_a_column_may_be_looked_for_and_set_at_once():
    rows = [("a", 1, "x", 0), ("b", 2, "y", 0), ("c", 3, "z", 0)]
    bulk.insert(AuditStream, ["stream", "seq", "hash", "anchored"], rows)
    wanted = [(7, "new", "b", 2, "y"), (8, "new", "c", 9, "z")]
    assert bulk.update(AuditStream, ["seq", "hash"], ["stream", "seq", "hash"], wanted) == 1
    found = AuditStream.objects.order_by("stream").values_list("stream", "seq", "hash")
    assert list(found) == [("a", 1, "x"), ("b", 7, "new"), ("c", 3, "z")]


def test_nothing_empty_text_and_bytes_come_as_they_were():
    bulk.insert(
        Kek,
        ["kid", "canary", "created_at", "wraps"],
        [("a", b"\x00\\{,}\xff", bulk.stamp(NOON), 0), ("", b"", bulk.stamp(NOON), 2**32)],
    )
    rows = (
        Kek.objects.filter(kid__in=["", "a"]).order_by("kid").values_list("kid", "canary", "wraps")
    )
    assert [(kid, bytes(canary), wraps) for kid, canary, wraps in rows] == [
        ("", b"", 2**32),
        ("a", b"\x00\\{,}\xff", 0),
    ]


def test_a_key_and_its_parts_go_in_whole_and_nulls_stay():
    key = ManagedSecret.objects.create(
        key_id="k", key_type="t", rotator="generated", interval_days=1, created_at=NOON,
        due_at=NOON, eligible_at=NOON,
    )  # fmt: skip
    columns = ["key_id", "number", "state", "reason", "actor", "prefix", "last4", "detail", "tries",
               "grace_minutes", "created_at", "kek_id", "wrapped", "place"]  # fmt: skip
    row = (key.pk, 1, "failed", 'a "{,}\' \\', "", "", "", '{"a": [1, "{}"]}', 0, None,
           bulk.stamp(NOON), "", None, "")  # fmt: skip
    bulk.insert(SecretVersion, columns, [row])
    made = SecretVersion.objects.get()
    assert (made.reason, made.detail) == ("a \"{,}' \\", {"a": [1, "{}"]})
    assert (made.grace_minutes, made.wrapped, made.created_at) == (None, None, NOON)
    rows = [(bulk.stamp(NOON), None, key.pk)]
    assert bulk.update(ManagedSecret, ["lease_until", "next_attempt_at"], ["id"], rows) == 1
    key.refresh_from_db()
    assert (key.lease_until, key.next_attempt_at) == (NOON, None)


@given(chosen=st.sets(st.integers(0, 6)))
def test_among_finds_what_a_list_finds(chosen):
    rows = [(f"k{number}", b"", bulk.stamp(NOON), number) for number in range(5)]
    with transaction.atomic():
        bulk.insert(Kek, ["kid", "canary", "created_at", "wraps"], rows)
        found = set(
            Kek.objects.filter(kid__startswith="k", wraps__in=bulk.among(chosen)).values_list(
                "wraps", flat=True
            )
        )
        transaction.set_rollback(True)
    assert found == chosen & set(range(5))


def test_among_finds_texts_too():
    odd = ['a"b', "a'b", "{a,b}", "\\", "NULL"]
    bulk.insert(
        AuditStream, ["stream", "seq", "hash", "anchored"], [(each, 1, "", 0) for each in odd]
    )
    found = AuditStream.objects.filter(stream__in=bulk.among([*odd, "other"], str))
    assert set(found.values_list("stream", flat=True)) == set(odd)
    assert not AuditStream.objects.filter(stream__in=bulk.among([], str)).exists()


@pytest.mark.django_db
def test_rows_go_in_batches_and_the_others_stay(django_assert_num_queries):
    now = timezone.now()
    for number in range(7):
        IdempotencyRecord.objects.create(
            principal="a", key=str(number), created_at=now - timedelta(days=number), lease_until=now
        )
    old = IdempotencyRecord.objects.filter(created_at__lt=now - timedelta(days=1))
    with django_assert_num_queries(3 + 1 + 3):
        assert forget(old, batch=2) == 5
    assert sorted(row.key for row in IdempotencyRecord.objects.all()) == ["0", "1"]
