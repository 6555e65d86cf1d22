"""Anchor the ends of all streams, in the database and in files outside it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max

from security.audit import anchor_files, anchors, chain, reports
from security.audit.anchors import HOURLY, AnchorRecord
from security.audit.models import Anchor, AuditStream
from security.audit.verify import StreamEnd


def anchor(now: datetime, folder: Path | None = None, *, kind: str = HOURLY) -> Anchor:
    """Anchor the ends of all streams in the database, then in the files.

    Of two calls at once the second fails on the number. After a crash between the two writes, the
    next anchor also writes what the files lack.
    """
    ends = reports.stream_ends()
    with transaction.atomic():
        row = _create(ends, kind, now)
    _note_anchored(ends)
    write_anchor_files(folder or settings.AUDIT_ANCHORS)
    return row


def restore_anchors(folder: Path) -> int:
    """Store the anchors that only the files have, after a back-up was restored; how many."""
    last = Anchor.objects.aggregate(last=Max("number"))["last"] or 0
    newer = [each for each in anchor_files.read_all(folder) if each.number > last]
    rows = [Anchor(**{**asdict(each), "at": datetime.fromisoformat(each.at)}) for each in newer]
    return len(Anchor.objects.bulk_create(rows))


def write_anchor_files(folder: Path) -> int:
    """Append to the files every anchor that is newer than their last one; how many."""
    written = anchor_files.read_all(folder)
    last = written[-1].number if written else 0
    rows = Anchor.objects.filter(number__gt=last).order_by("number")
    return anchor_files.append(folder, map(reports.to_record, rows))


def _create(ends: dict[str, StreamEnd], kind: str, now: datetime) -> Anchor:
    last = Anchor.objects.order_by("-number").first()
    changed = ends
    if kind == HOURLY:
        same = AuditStream.objects.filter(anchored=F("seq")).values_list("stream", "seq")
        unchanged = set(same.iterator())
        changed = {name: end for name, end in ends.items() if (name, end.seq) not in unchanged}
    record = anchors.signed(
        AnchorRecord(
            number=last.number + 1 if last else 1,
            at=now.astimezone(UTC).isoformat(timespec="microseconds"),
            kind=kind,
            streams=len(ends),
            root=anchors.root(ends),
            ends=chain.encode(changed),
            previous=last.mac if last else chain.GENESIS,
        ),
        reports.audit_key(),
    )
    row = Anchor(**{**asdict(record), "at": now})
    row.save(force_insert=True)
    return row


def _note_anchored(ends: Mapping[str, StreamEnd]) -> None:
    """Store how far streams are anchored; row by row, so that writers wait for one row at most."""
    for row in AuditStream.objects.exclude(anchored=F("seq")):
        end = ends.get(row.stream)
        if end is not None and end.seq != row.anchored:
            AuditStream.objects.filter(pk=row.pk).update(anchored=end.seq)
