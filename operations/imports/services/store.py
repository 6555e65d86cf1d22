"""Store a checked file: rows are staged in short transactions and made current in one."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from aethercrown.history import audit_hooks
from aethercrown.text import storable_text
from operations.imports.models import DataImport
from operations.imports.registry import Progress, UndoRefused, import_targets
from operations.imports.services.check import FileCheck, source_of
from operations.imports.services.draft import check_draft
from operations.jobs import services as jobs
from operations.jobs.models import Job
from operations.jobs.registry import JobContext, JobKind

State = DataImport.State
STORE_JOB = "operations.store_import"
DRAFT_RETENTION = timedelta(days=7)


class NotStorable(Exception):
    """The file has errors or open questions, or the import is in another state."""


@transaction.atomic
def start(import_id: int, *, caller: str, now: datetime) -> Job:
    """Start storing a draft; its job. One that is being stored returns its job.

    Raises NotStorable and JobLimitReached.
    """
    draft = DataImport.objects.select_for_update().get(pk=import_id)
    open_job = _open_job(draft)
    if draft.state == State.STORING and open_job:
        return open_job
    if draft.content is None or draft.state in {State.CURRENT, State.UNDONE}:
        raise NotStorable(f"{draft} is {draft.get_state_display()}.")
    job = jobs.start(
        STORE_JOB, {"import": draft.pk}, caller=caller, now=now, subject=draft.file_name[:200]
    )
    draft.state, draft.job_id, draft.error = State.STORING, job.pk, ""
    draft.save(update_fields=["state", "job_id", "error"])
    return job


def _open_job(record: DataImport) -> Job | None:
    return Job.objects.filter(pk=record.job_id or 0, ended_at=None).first()


def perform(context: JobContext) -> dict[str, Any]:
    """Store the import of a job; staging begins anew where a killed worker left it."""
    draft = DataImport.objects.get(pk=context.input["import"])
    if draft.state != State.STORING:
        return {"import": draft.pk, "state": draft.state}
    try:
        with check_draft(draft, timezone.now()) as found:
            store_checked(draft, found, context.report)
    except NotStorable as error:
        return {"import": draft.pk, "state": State.FAILED, "error": str(error)}
    except Exception as error:
        if type(error) is not jobs.JobStopped:  # then another worker has it, and goes on
            _fail(draft, "It stopped half-way; nothing was stored. Store it again.")
        raise
    return {"import": draft.pk, "state": State.CURRENT, "records": draft.records}


def give_up(given: Mapping[str, Any]) -> None:
    """Record that the job of an import ended before it was done; `purge` removes staged rows."""
    _close(given["import"], "Its job ended before it was done; nothing was stored. Store it again.")


JOB_KIND = JobKind(
    STORE_JOB,
    "Import a file",
    "operational",
    "operations.view_dataimport",
    perform,
    on_cancelled=give_up,
    page=lambda given: f"/dashboards/imports/{given['import']}",
)


def store_file(
    file: BinaryIO,
    found: FileCheck,
    *,
    name: str,
    given: Mapping[str, Any],
    actor: str,
    progress: Progress,
) -> DataImport:
    """Store a file that a command checked, without keeping the file. Raises NotStorable."""
    file.seek(0)
    record = DataImport.objects.create(
        kind=found.target.kind,
        file_name=storable_text(name)[:255],
        digest=hashlib.file_digest(file, "sha256").hexdigest(),  # type: ignore[arg-type]  # seekable
        choices=dict(given),
        state=State.STORING,
        created_by=actor,
    )
    try:
        store_checked(record, found, progress)
    except BaseException:
        _fail(record, "It stopped half-way; nothing was stored.")
        raise
    return record


def store_checked(record: DataImport, found: FileCheck, progress: Progress) -> None:
    """Stage the rows, then make them current. Raises NotStorable where the check found faults."""
    findings, target = found.findings, found.target
    if found.checked is None or findings.fault_count:
        first = findings.faults[0]
        reason = f"{findings.fault_count} errors, the first in line {first.row}: {first.reason}"
        _fail(record, reason)
        raise NotStorable(reason)
    target.discard(record.pk)
    record.created_names = findings.new_names
    DataImport.objects.filter(pk=record.pk).update(created_names=findings.new_names)
    if found.checked.is_staged:
        found.checked.store(record.pk, progress)
        _make_current(record, found)
    else:
        with transaction.atomic():
            found.checked.store(record.pk, progress)
            _make_current(record, found)
    target.finish(record.pk)
    record.refresh_from_db()


@transaction.atomic
def _make_current(record: DataImport, found: FileCheck) -> None:
    """Raises NotStorable where the import is stored no longer."""
    findings = found.findings
    found.target.activate(record.pk)
    written = DataImport.objects.filter(pk=record.pk, state=State.STORING).update(
        state=State.CURRENT,
        current_at=timezone.now(),
        content=None,
        rows=findings.rows,
        records=findings.records,
        summary={
            "consequences": findings.consequences,
            "replaced": findings.replaced,
            "totals": findings.totals,
            **_source(found),
        },
    )
    if not written:
        raise NotStorable(f"{record} is stored no longer: its state changed.")
    audit_hooks.record(
        stream="imports", event="import.stored", subject=str(record), actor=record.created_by
    )


def _source(found: FileCheck) -> dict[str, Any]:
    """Whose file it is, and how its blank cells were read, for the next one of that source."""
    layout = found.layout
    return {"source": source_of(layout), "zero": sorted(layout.zero)} if layout else {}


def undo(
    import_id: int, *, actor: str, now: datetime, shown: Sequence[str] | None = None
) -> DataImport:
    """Take back what an import stored; an undone one stays as it is.

    Raises NotStorable, also where that does something else than was `shown`.
    """
    record, _ = _undo(import_id, actor, now, shown)
    import_targets.get(record.kind).finish(record.pk)
    return record


def preview_undo(import_id: int, now: datetime) -> list[str]:
    """What undoing it would do, in sentences: it is done, and rolled back. Raises NotStorable."""
    with transaction.atomic():
        _, said = _undo(import_id, "", now, None)
        transaction.set_rollback(True)
    return said


@transaction.atomic
def _undo(
    import_id: int, actor: str, now: datetime, shown: Sequence[str] | None
) -> tuple[DataImport, list[str]]:
    record = DataImport.objects.select_for_update().get(pk=import_id)
    target = import_targets.get(record.kind)
    if record.state == State.UNDONE:
        return record, []
    if record.state != State.CURRENT or target.undo is None:
        raise NotStorable(f"{record} cannot be undone.")
    record.state, record.undone_at, record.undone_by = State.UNDONE, now, actor[:200]
    record.save(update_fields=["state", "undone_at", "undone_by"])
    try:
        said = target.undo(record.pk)
    except UndoRefused as error:
        raise NotStorable(f"{record} cannot be undone: {error}") from error
    if shown is not None and said != list(shown):
        raise NotStorable(f"What undoing {record} changes is no longer what was shown; look again.")
    audit_hooks.record(stream="imports", event="import.undone", subject=str(record), actor=actor)
    return record, said


def _fail(record: DataImport, reason: str) -> None:
    """Record why an import is not stored, and remove what it staged; one in force stays."""
    _close(record.pk, reason)
    if DataImport.objects.filter(pk=record.pk, state=State.FAILED).exists():
        import_targets.get(record.kind).discard(record.pk)


def _close(import_id: int, reason: str) -> None:
    DataImport.objects.filter(pk=import_id, state=State.STORING).update(
        state=State.FAILED, error=reason
    )


def purge(now: datetime) -> int:
    """Delete drafts of more than 7 days, and what undone and failed imports staged; how many."""
    old = DataImport.objects.filter(
        state__in=(State.DRAFT, State.FAILED), created_at__lt=now - DRAFT_RETENTION
    )
    _close_abandoned(now)
    stale = DataImport.objects.filter(state__in=(State.UNDONE, State.FAILED))
    for import_id, kind in stale.values_list("pk", "kind"):
        import_targets.get(kind).discard(import_id)
    deleted, _ = old.delete()
    return deleted


def _close_abandoned(now: datetime) -> None:
    """Fail imports whose job has ended without them, or whose command was killed a day ago."""
    killed = Q(job_id=None, created_at__lt=now - timedelta(days=1))
    storing = DataImport.objects.filter(killed | Q(job_id__isnull=False), state=State.STORING)
    for record in storing.only("job_id"):
        if not _open_job(record):
            _close(record.pk, "It stopped half-way; nothing was stored.")
