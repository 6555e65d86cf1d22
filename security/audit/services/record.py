"""Add events to the chain, within the transaction of what they record."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from aethercrown.db import bulk
from aethercrown.history.attribution import current_actor
from security.audit import chain, reports
from security.audit.models import AuditStream, Event

COLUMNS = ("stream", "seq", "at", "event", "subject", "actor", "detail", "previous", "hash")
HISTORY_EVENTS = {"+": "history.created", "~": "history.changed", "-": "history.deleted"}
ENDS = "SELECT stream, seq, hash FROM security_auditstream WHERE stream IN"
MAX_SUBJECT_CHARACTERS = MAX_ACTOR_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event to record."""

    stream: str
    event: str
    subject: str
    actor: str = ""
    detail: Mapping[str, str | int] = field(default_factory=dict)


def record(
    *,
    stream: str,
    event: str,
    subject: str,
    actor: str = "",
    detail: Mapping[str, str | int] | None = None,
    now: datetime | None = None,
) -> None:
    """Add one event to a stream, whose end is locked until the caller's transaction ends.

    Without an `actor`, the current author: the person, the API key or the automation. Raises
    TypeError for a detail that is no string or whole number. A detail may not hold secrets.
    """
    record_all([AuditEntry(stream, event, subject, actor, detail or {})], now)


@transaction.atomic
def record_all(entries: Iterable[AuditEntry], now: datetime | None = None) -> int:
    """Add many events in the order given, in five queries; how many.

    Streams are locked in the order of their names, so that two batches cannot deadlock.
    """
    now = now or timezone.now()
    waiting = list(entries)
    ends = _lock_streams({each.stream for each in waiting})
    at = bulk.stamp(now)
    rows = []
    for each in waiting:
        seq, previous = ends[each.stream]
        entry = _chain_entry(each, seq + 1, now)
        hash_ = chain.link_hash(previous, entry)
        ends[each.stream] = entry.seq, hash_
        texts = (entry.event, entry.subject, entry.actor, entry.detail)
        rows.append((entry.stream, entry.seq, at, *texts, previous, hash_))
    bulk.insert(Event, COLUMNS, rows)
    changed = ((seq, hash_, stream) for stream, (seq, hash_) in ends.items())
    bulk.update(AuditStream, ["seq", "hash"], ["stream"], changed)
    return len(rows)


def record_history_digest(history_instance: Any, **_signal: Any) -> None:
    """Record the digest of a row of history, as read from the database; receives its signal."""
    record_history_digests(type(history_instance), [history_instance])


def record_history_digests(sender: Any, rows: Sequence[Any], **_signal: Any) -> None:
    """The same of rows of one history that were stored in bulk."""
    events = {row.pk: HISTORY_EVENTS[row.history_type] for row in rows}
    record_all(_history_entries(sender, events))


def record_erasure(sender: Any, rows: Sequence[int], **_signal: Any) -> None:
    """Record the new digests of rows of history from which a person's data were erased."""
    record_all(_history_entries(sender, dict.fromkeys(rows, chain.HISTORY_ERASED)))


def _history_entries(model: type[Model], events: Mapping[int, str]) -> Iterator[AuditEntry]:
    """An entry with its digest for each of these rows, given with its event.

    Its actor is who changed the row; of an erasure, who erases.
    """
    table = model.instance_type._meta  # type: ignore[attr-defined]  # noqa: SLF001 - documented
    found = reports.history_values(model, list(events))
    for key, event in events.items():
        values = found[key]
        yield AuditEntry(
            chain.history_stream(table.label_lower),
            event,
            f"{table.label_lower}:{values[table.pk.attname]}",
            "" if event == chain.HISTORY_ERASED else str(values["history_user_id"] or ""),
            {"row": key, "digest": chain.row_digest(values)},
        )


def _lock_streams(streams: set[str]) -> dict[str, tuple[int, str]]:
    """The streams' ends, locked until the transaction ends; new streams are created."""
    ends = _lock_existing(streams)
    new = sorted(streams - ends.keys())
    if new:
        rows = [AuditStream(stream=stream, seq=0, hash=chain.GENESIS) for stream in new]
        AuditStream.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
        ends = _lock_existing(streams)
    return ends


def _lock_existing(streams: set[str]) -> dict[str, tuple[int, str]]:
    """In SQL, as each event needs it: Django would take longer to word the query than to run it."""
    wanted = bulk.among(streams, str)
    locked = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"{ENDS} ({wanted.sql}) ORDER BY stream{locked}", wanted.params)
        return {stream: (seq, hash_) for stream, seq, hash_ in cursor.fetchall()}


def _chain_entry(entry: AuditEntry, seq: int, now: datetime) -> chain.ChainEntry:
    return chain.ChainEntry(
        stream=entry.stream,
        seq=seq,
        at=now,
        event=entry.event,
        subject=chain.storable(entry.subject, MAX_SUBJECT_CHARACTERS),
        actor=chain.storable(entry.actor or current_actor().actor, MAX_ACTOR_CHARACTERS),
        detail=chain.canonical(entry.detail),
    )
