"""Adding to the chain, and anchoring it.

An event is part of the transaction of what it tells: both stand or fall.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from aethercrown.db import bulk
from aethercrown.history.attribution import author
from aethercrown.severity import CRITICAL
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.messaging import services as outbox
from operations.messaging.message import OutgoingMessage
from security.audit import anchor_files, anchors, chain, history_streams, reports, row_digest
from security.audit.anchors import HOURLY, AnchorRecord
from security.audit.models import Anchor, Event, AuditStream
from security.audit.verify import StreamEnd, AuditFault

SOURCE, BROKEN = "audit", "broken"
NOTHING: Mapping[str, str | int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event to record, before it has its place in the chain."""

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
    detail: Mapping[str, str | int] = NOTHING,
    now: datetime | None = None,
) -> None:
    """Add one event to a stream, whose end is locked until the caller's transaction ends.

    Without an `actor` it is whoever is at work: the person, the API key or the automation.
    TypeError for a detail that is no string or whole number. Secrets never belong in it.
    """
    record_all([AuditEntry(stream, event, subject, actor, detail)], now)


@transaction.atomic
def record_all(said: Iterable[AuditEntry], now: datetime | None = None) -> int:
    """Add many events in the order given, in five queries; how many.

    Streams are locked in the order of their names, so that two batches do not wait in a circle.
    """
    now = now or timezone.now()
    waiting = list(said)
    ends = _locked({each.stream for each in waiting})
    at = bulk.stamp(now)
    rows = []
    for each in waiting:
        seq, previous = ends[each.stream]
        entry = _entry(each, seq + 1, now)
        mark = chain.link_hash(previous, entry)
        ends[each.stream] = entry.seq, mark
        said_of = (entry.event, entry.subject, entry.actor, entry.detail)
        rows.append((entry.stream, entry.seq, at, *said_of, previous, mark))
    bulk.insert(Event, COLUMNS, rows)
    moved = ((seq, mark, stream) for stream, (seq, mark) in ends.items())
    bulk.update(AuditStream, ["seq", "hash"], ["stream"], moved)
    return len(rows)


def anchor(now: datetime, folder: Path | None = None, *, kind: str = HOURLY) -> Anchor:
    """AnchorRecord the ends of all streams, in the database and then outside it.

    Two at once: the second fails on the number. A crash between the two places is made good by
    the next anchor, which takes along whatever the files lack.
    """
    ends = reports.stream_ends()
    with transaction.atomic():
        row = _sealed(ends, kind, now)
    _mark_anchored(ends)
    write_anchor_files(folder or settings.AUDIT_ANCHORS)
    return row


def restore_anchors(folder: Path) -> int:
    """Store the anchors that only the files hold, after the rows went back to an older state."""
    last = Anchor.objects.aggregate(last=Max("number"))["last"] or 0
    newer = [seal for seal in anchor_files.read_all(folder) if seal.number > last]
    rows = [Anchor(**{**asdict(each), "at": datetime.fromisoformat(each.at)}) for each in newer]
    return len(Anchor.objects.bulk_create(rows))


def run_anchor(context: RunContext) -> RunOutcome:
    """The hourly automation: look at what is new, seal it, and send the seal to who keeps it."""
    if context.dry_run:
        return RunOutcome("Would anchor the ends of all streams.")
    faults = reports.recent_faults()
    row = anchor(context.now)
    seal = reports.to_record(row)
    title = f"Audit anchor {row.number}: {row.streams} streams, root {row.root[:16]}"
    payload = {"event": "audit.anchored", "anchor": asdict(seal)}
    outbox.enqueue_anchor(
        OutgoingMessage(f"audit:anchor:{row.number}", title, seal.line(), payload), row.at
    )
    _tell(faults, "recent", context.now)
    return RunOutcome(f"{title}; {_words(faults)}")


def run_verify(context: RunContext) -> RunOutcome:
    """The nightly automation: everything that was ever recorded, and every row of history."""
    faults = [*reports.chain_faults(), *reports.history_faults()]
    if not context.dry_run:
        _tell(faults, "all", context.now)
    return RunOutcome(f"{reports.events()} events; {_words(faults)}")


def write_anchor_files(folder: Path) -> int:
    """Add to the files every anchor that is newer than their last; how many."""
    kept = anchor_files.read_all(folder)
    last = kept[-1].number if kept else 0
    rows = Anchor.objects.filter(number__gt=last).order_by("number")
    return anchor_files.append(folder, map(reports.to_record, rows))


def record_history_digest(history_instance: Any, **_signal: Any) -> None:
    """Record the digest of a row of history, as it was read back; the library's signal calls it."""
    rows = type(history_instance)
    table = history_instance.instance_type._meta  # noqa: SLF001 - documented
    key = history_instance.pk
    values = reports.history_values(rows, [key])[key]
    record(
        stream=history_streams.stream(table.label_lower),
        event=history_streams.ACTS[history_instance.history_type],
        subject=history_streams.subject(table.label_lower, values[table.pk.attname]),
        actor=history_instance.history_user_id or "",
        detail={"row": key, "digest": row_digest.digest(values)},
    )


def _sealed(ends: dict[str, StreamEnd], kind: str, now: datetime) -> Anchor:
    last = Anchor.objects.order_by("-number").first()
    moved = ends
    if kind == HOURLY:
        still = AuditStream.objects.filter(anchored=F("seq")).values_list("stream", "seq")
        unmoved = set(still.iterator())
        moved = {name: end for name, end in ends.items() if (name, end.seq) not in unmoved}
    seal = anchors.signed(
        AnchorRecord(
            number=last.number + 1 if last else 1,
            at=now.astimezone(UTC).isoformat(timespec="microseconds"),
            kind=kind,
            streams=len(ends),
            root=anchors.root(ends),
            ends=anchors.ends_to_json(moved),
            previous=last.mark if last else chain.GENESIS,
        ),
        reports.audit_key(),
    )
    row = Anchor(**{**asdict(seal), "at": now})
    row.save(force_insert=True)
    return row


def _tell(faults: list[AuditFault], part: str, now: datetime) -> None:
    """Raise one alert that names the first fault, or settle the one that was raised."""
    if not faults:
        alerts.resolve(SOURCE, BROKEN, part, now=now)
        return
    words = f"{_words(faults)} Run manage.py verify_audit."
    alerts.raise_alert(SOURCE, BROKEN, part, CRITICAL, words, now=now)


def _words(faults: list[AuditFault]) -> str:
    if not faults:
        return "nothing is wrong."
    return f"{len(faults)} of the streams and tables do not fit. First, {faults[0]}."


def _mark_anchored(ends: Mapping[str, StreamEnd]) -> None:
    """Note how far streams are anchored, row by row: a writer holds no two of them up."""
    for head in AuditStream.objects.exclude(anchored=F("seq")):
        end = ends.get(head.stream)
        if end is not None and end.seq != head.anchored:
            AuditStream.objects.filter(pk=head.pk).update(anchored=end.seq)


def _locked(streams: set[str]) -> dict[str, tuple[int, str]]:
    """The streams' ends, held until the transaction ends; new streams begin."""
    ends = _held(streams)
    new = sorted(streams - ends.keys())
    if new:
        rows = [AuditStream(stream=stream, seq=0, hash=chain.GENESIS) for stream in new]
        AuditStream.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
        ends = _held(streams)
    return ends


def _held(streams: set[str]) -> dict[str, tuple[int, str]]:
    wanted = bulk.among(streams, str)
    rows = AuditStream.objects.select_for_update().filter(stream__in=wanted).order_by("stream")
    return {stream: (seq, mark) for stream, seq, mark in rows.values_list("stream", "seq", "hash")}


COLUMNS = ("stream", "seq", "at", "event", "subject", "actor", "detail", "previous", "hash")


def _entry(said: AuditEntry, seq: int, now: datetime) -> chain.ChainEntry:
    """An event in its place in the stream."""
    return chain.ChainEntry(
        stream=said.stream,
        seq=seq,
        at=now,
        event=said.event,
        subject=chain.legible(said.subject, 200),
        actor=chain.legible(said.actor or author().actor, 200),
        detail=chain.canonical(said.detail),
    )


AUTOMATIONS = (
    AutomationSpec("security.anchor_audit", "Anchor the audit", run_anchor),
    AutomationSpec("security.verify_audit", "Verify the audit", run_verify),
)
