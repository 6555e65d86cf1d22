"""Verify the chain and the history: whether every recorded row is there, and unchanged."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DataError
from django.db.models import Max, Model, Q, QuerySet

from aethercrown.db import compiled_query, schema
from aethercrown.db.sealed import is_unreadable
from aethercrown.history.tracking import tracked
from security.audit import anchor_files, anchors, chain, verify
from security.audit.anchors import AnchorRecord
from security.audit.chain import ChainEntry
from security.audit.models import Anchor, AuditStream, Event
from security.audit.verify import EMPTY_STREAM, AuditFault, Link, StreamEnd, StreamVerifier
from security.encryption.reports import system_secrets

PAGE_ROWS = 5_000
COLUMNS = (
    *("pk", "previous", "hash"),
    *("stream", "seq", "at", "event", "subject", "actor", "detail"),
)
UNREADABLE = (ValueError, TypeError, OverflowError, DataError)
MAX_PLACES_TRIED = 10_000  # for an altered entry that may have been moved
ANCHORS = "anchors"  # the stream name of faults in the anchors themselves


def count_events() -> int:
    return Event.objects.count()


def chain_faults(folder: Path | None = None, key: str | None = None) -> list[AuditFault]:
    """The first fault of every stream, and those of the anchors; empty where nothing is wrong.

    `key` is the audit key, to verify without the platform's encrypted secrets. Reads in pages
    without a lock; events written meanwhile are not verified.
    """
    records, found = trusted_anchors(folder or settings.AUDIT_ANCHORS, key)
    known = anchors.anchored_hashes(records)
    ends = stream_ends()
    streams = {*ends, *known, *Event.objects.order_by().values_list("stream", flat=True).distinct()}
    faults = (
        stream_fault(stream, ends.get(stream, EMPTY_STREAM), known.get(stream, {}))
        for stream in sorted(streams)
    )
    return [*found, *filter(None, faults)]


def recent_faults(folder: Path | None = None) -> list[AuditFault]:
    """As `chain_faults`, but only of the events since the last anchor."""
    records, found = trusted_anchors(folder or settings.AUDIT_ANCHORS)
    reached = anchors.latest_ends(records)
    faults = (
        stream_fault(stream, end, {}, since)
        for stream, end in stream_ends().items()
        if (since := reached.get(stream, EMPTY_STREAM)) != end
    )
    return [*found, *filter(None, faults)]


def stream_fault(
    stream: str, end: StreamEnd, known: Mapping[int, str], since: StreamEnd = EMPTY_STREAM
) -> AuditFault | None:
    """The first fault of one stream; events up to `since` are not verified again."""
    verifier = StreamVerifier(stream, known, since)
    for each in links(stream, since.seq):
        seq: object = each.entry.seq  # SQLite stores any type
        if isinstance(seq, int) and seq > end.seq:
            break  # newer than the end that was read
        fault = verifier.check_next(each)
        if fault is not None:
            return _detect_move(fault, each, end)
    return verifier.finish(end) or _after_end(stream, verifier.at)


def links(stream: str, after: int = 0) -> Iterator[Link]:
    """A stream's events in the order of their numbers, read in pages."""
    rows = Event.objects.filter(stream=stream).order_by("seq", "pk")
    here = Q(seq__gt=after) if after else Q()
    while page := _page(rows.filter(here)):
        yield from page
        if len(page) < PAGE_ROWS:
            return
        last = page[-1]
        here = Q(seq__gt=last.entry.seq) | Q(seq=last.entry.seq, pk__gt=last.row)


def history_faults(*, without_keys: bool = False) -> list[AuditFault]:
    """The first fault in the history of every tracked table: altered, missing or inserted rows.

    `without_keys` passes rows with a value that cannot be decrypted: here it is not expected to.
    """
    names = {model._meta.label_lower: rows for model, rows in tracked().items()}  # noqa: SLF001 - documented
    found = (
        _history_fault(chain.history_stream(name), names[name], without_keys=without_keys)
        for name in sorted(names)
    )
    return list(filter(None, found))


def history_values(rows: type[Model], keys: list[int]) -> dict[int, dict[str, object]]:
    """Rows of history with their many-to-many values, by key, as the database has them.

    What somebody wrote in the place of a key, and no key can be, names no row.
    """
    keys = [each for each in keys if type(each) is int and abs(each) < 2**63]
    found: dict[int, dict[str, object]] = {
        row["history_id"]: row for row in compiled_query.values_by_key(rows, keys)
    }
    for field in getattr(rows, "_history_m2m_fields", ()):
        far = field.m2m_reverse_field_name()
        links = getattr(rows, field.name).model._base_manager.filter(history__in=keys)  # noqa: SLF001 - documented
        sets: dict[int, list[int]] = {key: [] for key in keys}
        for key, other in links.order_by(far).values_list("history_id", f"{far}_id"):
            sets[key].append(other)
        for key, row in found.items():
            row[field.name] = sets[key]
    return found


def stream_ends() -> dict[str, StreamEnd]:
    """Every stream's stored end."""
    rows = AuditStream.objects.values_list("stream", "seq", "hash").order_by("stream")
    return {stream: StreamEnd(seq, hash_) for stream, seq, hash_ in rows.iterator()}


def newest_anchor() -> Anchor | None:
    return Anchor.objects.order_by("-number").first()


def events() -> "QuerySet[Event]":
    return Event.objects.all()


def stored_anchors() -> list[AnchorRecord]:
    """The anchors that the database holds."""
    return [to_record(each) for each in Anchor.objects.order_by("number")]


def to_record(row: Anchor) -> AnchorRecord:
    return AnchorRecord(
        number=row.number,
        at=row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        kind=row.kind,
        streams=row.streams,
        root=row.root,
        ends=row.ends,
        previous=row.previous,
        mac=row.mac,
    )


def audit_key() -> str:
    """The key of the anchors' MACs, a system secret that does not change."""
    return system_secrets.current(system_secrets.AUDIT_KEY).value


def trusted_anchors(
    folder: Path, key: str | None = None
) -> tuple[list[AnchorRecord], list[AuditFault]]:
    """The anchors to compare with (those of the files, if there are any), and their faults.

    The database may have newer ones than the files, after a crash between the two writes. The
    files have newer ones only where somebody deleted rows of the database.
    """
    rows = stored_anchors()
    try:
        files = anchor_files.read_all(folder)
    except (anchor_files.InvalidAnchorFile, OSError) as error:
        return rows, [AuditFault("anchors", ANCHORS, 0, str(error))]
    words = anchors.faults(files or rows, key or audit_key()) or _differences(files, rows)
    return files or rows, [AuditFault("anchors", ANCHORS, 0, each) for each in words[:1]]


def _differences(files: list[AnchorRecord], rows: list[AnchorRecord]) -> list[str]:
    if rows and not files:
        return [f"none of the {len(rows)} anchors that the database holds is in a file"]
    by_number = {each.number: each for each in rows}
    lost = [each.number for each in files if each.number not in by_number]
    other = [each.number for each in files if by_number.get(each.number, each) != each]
    return [
        *(f"anchor {number} is in a file, and not in the database" for number in lost),
        *(f"anchor {number} differs between file and database" for number in other),
    ]


def _history_fault(stream: str, rows: type[Model], *, without_keys: bool) -> AuditFault | None:
    """Rows are compared in the order in which the chain recorded them."""
    newest = rows._base_manager.aggregate(newest=Max("pk"))["newest"] or 0  # noqa: SLF001 - documented
    erased = _digests_after_erasure(stream)
    seen: set[int] = set()
    for page in _recorded_digests(stream):
        values = history_values(rows, [detail["row"] for _seq, detail in page])
        for seq, detail in page:
            seen.add(detail["row"])
            row = values.get(detail["row"])
            if row is None:
                words = f"row {detail['row']} of the history is not there"
                return AuditFault("missing", stream, seq, words)
            if without_keys and any(map(is_unreadable, row.values())):
                continue
            if not _fits(rows, row, erased.get(detail["row"], detail["digest"])):
                words = "the row of the history does not fit its digest"
                return AuditFault("altered", stream, seq, words, detail["row"])
    keys = rows._base_manager.filter(pk__lte=newest).values_list("pk", flat=True)  # noqa: SLF001 - documented
    odd = min(set(keys.iterator()) - seen, default=None)
    if odd is None:
        return None
    return AuditFault("inserted", stream, len(seen) + 1, "the chain has no digest of this row", odd)


def _fits(rows: type[Model], row: Mapping[str, object], digest: str) -> bool:
    """Whether a row has its digest, by the columns that the table had when it was recorded.

    Columns that a later version has added are not compared.
    """
    if chain.row_digest(row) == digest:
        return True
    meta = rows._meta  # noqa: SLF001 - documented
    present = {field.attname for field in meta.concrete_fields}
    return any(
        chain.row_digest({n: row[n] for n in row if n in past or n not in present}) == digest
        for past in schema.past_columns(meta.app_label, str(meta.model_name))
        if past < present
    )


def _digests_after_erasure(stream: str) -> dict[int, str]:
    """The newest digest of each row of history from which a person's data were erased."""
    rows = Event.objects.filter(stream=stream, event=chain.HISTORY_ERASED).order_by("seq")
    found = _details(list(rows.values_list("seq", "detail")))
    return {detail["row"]: detail["digest"] for _seq, detail in found}


def _recorded_digests(stream: str) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """The recorded digests of a history, in pages; entries without a row are skipped."""
    after = 0
    rows = Event.objects.filter(stream=stream).order_by("seq").values_list("seq", "detail")
    while page := list(rows.filter(seq__gt=after)[:500]):
        after = page[-1][0]
        yield [(seq, detail) for seq, detail in _details(page) if "row" in detail]


def _details(page: list[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
    for seq, text in page:
        try:
            yield seq, json.loads(text)
        except ValueError:
            continue  # altered, which chain_faults reports


def _after_end(stream: str, at: StreamEnd) -> AuditFault | None:
    """The fault of an event after the stream's present end."""
    end = AuditStream.objects.filter(stream=stream).values_list("seq", flat=True).first() or 0
    odd = Event.objects.filter(stream=stream, seq__gt=end).order_by("seq", "pk").first()
    if odd is None:
        return None
    words = f"the stream's end says {end} entries"
    return AuditFault("inserted", stream, at.seq + 1, words, odd.pk)


def _detect_move(fault: AuditFault, found: Link, end: StreamEnd) -> AuditFault:
    """The fault as `reordered`, where an altered entry is a right one in another place."""
    if fault.kind != "altered":
        return fault
    near = islice(verify.nearby(fault.seq, end.seq), MAX_PLACES_TRIED)
    place = verify.original_place(found, near)
    if place is None:
        return fault
    return replace(fault, kind="reordered", message=f"what stands here is entry {place}")


def _page(rows: QuerySet[Event]) -> list[Link]:
    try:
        return [_link(*each) for each in rows.values_list(*COLUMNS)[:PAGE_ROWS]]
    except UNREADABLE:
        return [_read_one(row, seq) for row, seq in rows.values_list("pk", "seq")[:PAGE_ROWS]]


def _link(row: int, previous: str, hash_: str, *values: Any) -> Link:
    return Link(row, ChainEntry(*values), previous, hash_)


def _read_one(row: int, seq: int) -> Link:
    """One event alone; where it cannot be read, without a time, so that no hash fits."""
    try:
        return _link(*Event.objects.filter(pk=row).values_list(*COLUMNS).get())
    except UNREADABLE:
        unread: Any = None
        return Link(row, ChainEntry("", seq, unread, "", "", "", ""), "", "")
