"""Reading the chain back: whether everything that was recorded is still there, and as it was."""

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

from aethercrown.history.tracking import tracked
from security.audit import anchor_files, anchors, history_streams, row_digest, verify
from security.audit.anchors import AnchorRecord
from security.audit.chain import ChainEntry
from security.audit.models import Anchor, Event, AuditStream
from security.audit.verify import EMPTY_STREAM, StreamEnd, AuditFault, Link, StreamVerifier
from security.encryption.reports import system_secrets

PAGE = 5_000
COLUMNS = (
    *("pk", "previous", "hash"),
    *("stream", "seq", "at", "event", "subject", "actor", "detail"),
)
UNREADABLE = (ValueError, TypeError, OverflowError, DataError)
MOST_PLACES = 10_000  # that an altered entry is tried in
ANCHORS = "anchors"  # the name under which their own faults are told


def events() -> int:
    return Event.objects.count()


def chain_faults(folder: Path | None = None, key: str | None = None) -> list[AuditFault]:
    """The first fault of every stream, and those of the anchors; empty where all is whole.

    `key` is the audit key, for whoever verifies without the platform's sealed secrets.

    Reads in pages and holds no lock: what is written meanwhile is left for the next time.
    """
    seals, found = trusted(folder or settings.AUDIT_ANCHORS, key)
    known = anchors.anchored_hashes(seals)
    ends = stream_ends()
    streams = {*ends, *known, *Event.objects.order_by().values_list("stream", flat=True).distinct()}
    for stream in sorted(streams):
        fault = stream_fault(stream, ends.get(stream, EMPTY_STREAM), known.get(stream, {}))
        if fault is not None:
            found.append(fault)
    return found


def recent_faults(folder: Path | None = None) -> list[AuditFault]:
    """As `chain_faults`, but only of what came since the last anchor: an hour's work."""
    seals, found = trusted(folder or settings.AUDIT_ANCHORS)
    reached = anchors.latest_ends(seals)
    for stream, end in stream_ends().items():
        since = reached.get(stream, EMPTY_STREAM)
        fault = None if since == end else stream_fault(stream, end, {}, since)
        if fault is not None:
            found.append(fault)
    return found


def stream_fault(
    stream: str, end: StreamEnd, known: Mapping[int, str], since: StreamEnd = EMPTY_STREAM
) -> AuditFault | None:
    """The first fault of one stream; `since` skips what was found whole before."""
    walk = StreamVerifier(stream, known, since)
    for each in links(stream, since.seq):
        if _newer(each, end):
            break
        fault = walk.step(each)
        if fault is not None:
            return _placed(fault, each, end)
    return walk.finish(end) or _beyond(stream, walk.at)


def links(stream: str, after: int = 0) -> Iterator[Link]:
    """A stream's events in the order of their numbers, a page at a time."""
    rows = Event.objects.filter(stream=stream).order_by("seq", "pk")
    here = Q(seq__gt=after) if after else Q()
    while page := _page(rows.filter(here)):
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1]
        here = Q(seq__gt=last.entry.seq) | Q(seq=last.entry.seq, pk__gt=last.row)


def history_faults() -> list[AuditFault]:
    """The first fault in the history of every tracked table: altered, missing or inserted rows."""
    found = (_history_fault(model, rows) for model, rows in sorted(tracked().items(), key=_label))
    return [fault for fault in found if fault is not None]


def history_values(rows: type[Model], keys: list[int]) -> dict[int, dict[str, object]]:
    """Rows of history with all that belongs to them, by key, as the database has them."""
    found: dict[int, dict[str, object]] = {
        row["history_id"]: row
        for row in rows._base_manager.filter(pk__in=keys).values()  # noqa: SLF001 - documented
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
    """Every stream's end as it is stored."""
    rows = AuditStream.objects.values_list("stream", "seq", "hash").order_by("stream")
    return {stream: StreamEnd(seq, hash_) for stream, seq, hash_ in rows.iterator()}


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
        mark=row.mark,
    )


def audit_key() -> str:
    """What anchors are sealed with: a secret of the platform's own, which does not change."""
    return system_secrets.current(system_secrets.AUDIT_KEY).value


def trusted(folder: Path, key: str | None = None) -> tuple[list[AnchorRecord], list[AuditFault]]:
    """The anchors to compare with, those outside where there are any; and what is wrong with them.

    The database may hold newer ones than the files, after a crash between the two. The files hold
    newer ones only where somebody cut the database short.
    """
    rows = stored_anchors()
    try:
        kept = anchor_files.read_all(folder)
    except (anchor_files.InvalidAnchorFile, OSError) as error:
        return rows, [AuditFault("anchors", ANCHORS, 0, str(error))]
    words = anchors.faults(kept or rows, key or audit_key()) or _differences(kept, rows)
    return kept or rows, [AuditFault("anchors", ANCHORS, 0, each) for each in words[:1]]


def _differences(kept: list[AnchorRecord], rows: list[AnchorRecord]) -> list[str]:
    if rows and not kept:
        return [f"none of the {len(rows)} anchors that the database holds is kept outside"]
    held = {each.number: each for each in rows}
    lost = [each.number for each in kept if each.number not in held]
    other = [each.number for each in kept if held.get(each.number, each) != each]
    return [
        *(f"anchor {number} is outside, and the database has lost it" for number in lost),
        *(f"anchor {number} is another outside than in the database" for number in other),
    ]


def _history_fault(model: type[Model], rows: type[Model]) -> AuditFault | None:
    """Rows are compared in the order in which the chain tells of them."""
    stream = history_streams.stream(model._meta.label_lower)  # noqa: SLF001 - documented
    newest = rows._base_manager.aggregate(newest=Max("pk"))["newest"] or 0  # noqa: SLF001 - documented
    told: set[int] = set()
    for page in _told(stream):
        values = history_values(rows, [detail["row"] for _seq, detail in page])
        for seq, detail in page:
            told.add(detail["row"])
            row = values.get(detail["row"])
            if row is None:
                words = f"row {detail['row']} of the history is not there"
                return AuditFault("missing", stream, seq, words)
            if row_digest.digest(row) != detail["digest"]:
                words = "the row of the history does not fit its digest"
                return AuditFault("altered", stream, seq, words, detail["row"])
    keys = rows._base_manager.filter(pk__lte=newest).values_list("pk", flat=True)  # noqa: SLF001 - documented
    odd = min(set(keys.iterator()) - told, default=None)
    if odd is None:
        return None
    return AuditFault("inserted", stream, len(told) + 1, "the chain knows nothing of this row", odd)


def _told(stream: str) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """What the chain says of a history, a page at a time; entries without a row are no history."""
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
            continue  # altered, which the chain's own walk has told


def _label(pair: tuple[type[Model], type[Model]]) -> str:
    return pair[0]._meta.label_lower  # noqa: SLF001 - documented


def _newer(found: Link, end: StreamEnd) -> bool:
    """Written since the ends were read, or made to look so."""
    seq: object = found.entry.seq
    return isinstance(seq, int) and seq > end.seq


def _beyond(stream: str, at: StreamEnd) -> AuditFault | None:
    """An event after the stream's end as it is by now."""
    end = AuditStream.objects.filter(stream=stream).values_list("seq", flat=True).first() or 0
    odd = Event.objects.filter(stream=stream, seq__gt=end).order_by("seq", "pk").first()
    if odd is None:
        return None
    words = f"the stream's end says {end} entries"
    return AuditFault("inserted", stream, at.seq + 1, words, odd.pk)


def _placed(fault: AuditFault, found: Link, end: StreamEnd) -> AuditFault:
    """An altered entry may be a good one that stands in another's place."""
    if fault.kind != "altered":
        return fault
    near = islice(verify.nearby(fault.seq, end.seq), MOST_PLACES)
    place = verify.original_place(found, near)
    if place is None:
        return fault
    return replace(fault, kind="reordered", words=f"what stands here is entry {place}")


def _page(rows: QuerySet[Event]) -> list[Link]:
    try:
        return [_link(*each) for each in rows.values_list(*COLUMNS)[:PAGE]]
    except UNREADABLE:
        return [_one(row, seq) for row, seq in rows.values_list("pk", "seq")[:PAGE]]


def _link(row: int, previous: str, hash_: str, *said: Any) -> Link:
    return Link(row, ChainEntry(*said), previous, hash_)


def _one(row: int, seq: int) -> Link:
    """One event alone; without a time, which no hash fits, where it cannot be read."""
    try:
        return _link(*Event.objects.filter(pk=row).values_list(*COLUMNS).get())
    except UNREADABLE:
        unread: Any = None
        return Link(row, ChainEntry("", seq, unread, "", "", "", ""), "", "")
