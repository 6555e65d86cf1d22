"""Look for new files of repeating imports, and store each as a decision.

A file within its guards is stored at once in mode auto; another waits for a person, with what
storing it would change.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from aethercrown.formatting import counted
from aethercrown.http import outbound
from aethercrown.registry import UnknownName
from aethercrown.severity import WARNING
from aethercrown.text import storable_text
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail
from operations.imports.guard import largest_change_percent
from operations.imports.models import DataImport, RepeatingImport
from operations.imports.registry import Findings, import_targets
from operations.imports.services.check import InvalidChoices, choices_of, read_choices
from operations.imports.services.draft import check_draft, create_draft
from operations.imports.services.places import (
    Fetch,
    FoundFile,
    NotReadable,
    check_place,
    new_files,
)
from operations.imports.services.store import NotStorable, start, undo
from operations.jobs.models import Job
from operations.jobs.registry import JobContext, JobKind
from operations.jobs.services import JobLimitReached
from operations.jobs.services import start as start_job

AUTOMATION, KIND = "operations.repeat_imports", "operations.store_import"
LOOK_JOB = "operations.look_for_files"
SUBJECT = "import "
SOURCE, NOT_READ = "imports", "not_read"
METHOD = "same choices as before; 1"
MEASURED_AFTER = timedelta(hours=1)


def check_repeating(row: RepeatingImport) -> None:
    """Raise ValidationError beside each column that cannot be used."""
    wrong: dict[str, str] = {}
    if row.kind not in import_targets:
        wrong["kind"] = f"There is no kind {row.kind}."
    try:
        read_choices(row.choices) if "kind" in wrong else choices_of(row.kind, row.choices)
    except (InvalidChoices, AttributeError) as error:  # a list has no names
        wrong["choices"] = str(error)
    try:
        check_place(row)
    except NotReadable as error:
        wrong["folder" if row.place == RepeatingImport.Place.FOLDER else "address"] = str(error)
    if wrong:
        raise ValidationError(wrong)


def repeat_import(import_id: int, *, name: str) -> RepeatingImport:
    """A repeating import, off at first, that reads its files as a stored one was read."""
    record = DataImport.objects.get(pk=import_id)
    return RepeatingImport.objects.create(
        name=name, kind=record.kind, choices=record.choices, is_enabled=False
    )


def look_at_all(run: RunContext) -> RunOutcome:
    """Look at each place that is on."""
    made: list[int] = []
    rows = RepeatingImport.objects.filter(is_enabled=True)
    for row in rows:
        if not run.may_continue():
            break
        made += look(row.pk, mode=run.mode, now=run.now, run=run.run_id)
    return RunOutcome(
        f"{counted(len(rows), 'place')} looked at, {counted(len(made), 'new file')}.", tuple(made)
    )


def look(
    pk: int,
    *,
    mode: str,
    now: datetime,
    run: int | None = None,
    fetch: Fetch = outbound.fetch,
) -> list[int]:
    """Draft and decide each new file of one place; the decisions' ids.

    What cannot be read raises an alert, which the next file that can be ends.
    """
    row = RepeatingImport.objects.get(pk=pk)
    made, faults = [], []
    try:
        choices_of(row.kind, row.choices)
        for file in new_files(row, now, fetch):
            decision, fault = _take(row, file, mode, now, run)
            made += [decision] if decision else []
            faults += [fault] if fault else []
    except (NotReadable, InvalidChoices, UnknownName) as error:
        faults.append(str(error))
    _note(row, made, faults or waiting_faults(row), now)
    return made


def request_look(row: RepeatingImport, *, caller: str, now: datetime) -> Job:
    """Let a worker look: it calls out, and checks whole files. Raises JobLimitReached."""
    return start_job(LOOK_JOB, {"place": row.pk}, caller=caller, now=now, subject=row.name)


def perform_look(context: JobContext) -> dict[str, Any]:
    """Safe to repeat: a file that was looked at is not looked at again."""
    found = RepeatingImport.objects.filter(pk=context.input["place"]).first()
    made = look(found.pk, mode="propose", now=context.now) if found else []
    return {"new_files": len(made)}


LOOK_JOB_KIND = JobKind(
    LOOK_JOB,
    "Look for files",
    "operational",
    "operations.view_dataimport",
    perform_look,
    page=lambda given: f"/admin/operations/repeatingimport/{given['place']}/change/",
)


def waiting_faults(row: RepeatingImport) -> list[str]:
    """What is wrong with earlier files that still wait, unless a later one has the name."""
    drafts = DataImport.objects.filter(repeating=row, state=DataImport.State.DRAFT)
    later = DataImport.objects.filter(
        repeating=row, file_name=OuterRef("file_name"), pk__gt=OuterRef("pk")
    )
    waiting = drafts.exclude(error="").filter(~Exists(later)).order_by("pk")
    return list(waiting.values_list("error", flat=True))


def _note(row: RepeatingImport, made: list[int], faults: list[str], now: datetime) -> None:
    outcome = "; ".join(faults) or f"{counted(len(made), 'new file')}."
    outcome = storable_text(outcome)[:300]
    row.checked_at, row.outcome = now, outcome
    row.save(update_fields=["checked_at", "outcome"])
    if faults:
        link = f"/admin/operations/repeatingimport/{row.pk}/change/"
        words = f"The repeating import {row} has a file that cannot be stored: {outcome}"
        alerts.raise_alert(SOURCE, NOT_READ, str(row.pk), WARNING, words, link=link, now=now)
    else:
        alerts.resolve(SOURCE, NOT_READ, str(row.pk), now=now)


def _take(
    row: RepeatingImport, file: FoundFile, mode: str, now: datetime, run: int | None
) -> tuple[int | None, str]:
    """The decision to store a file, or what is wrong with it; its draft stays for a person."""
    if file.fault:
        return None, f"{file.name} {file.fault}."
    draft = create_draft(
        row.kind, file.name, BytesIO(file.content), actor=f"repeat: {row}", now=now, repeating=row
    )
    with check_draft(draft, now) as found:
        findings, storable = found.findings, found.is_storable
    if not storable:
        first = findings.faults[0]
        draft.error = f"{file.name}, line {first.row}: {first.reason}"
        draft.save(update_fields=["error"])
        return None, draft.error
    decision = decisions.propose(_draft(row, draft, findings, run), mode=mode, now=now)
    return decision.pk, ""


def _draft(row: RepeatingImport, record: DataImport, findings: Findings, run: int | None) -> Draft:
    before = last_totals(row)
    change = largest_change_percent(before, findings.totals)
    fresh = len(findings.new_names)
    count = float(findings.records)
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=f"{SUBJECT}{record.pk}",
        title=f"Store a new file of the repeating import {row.pk} "
        f"({counted(findings.records, 'record')})",
        before={"totals": before},
        after={
            "totals": findings.totals,
            "consequences": findings.consequences[:20],
            "new_names": findings.new_names[:20],
        },
        inputs_digest=digest({"import": record.pk, "file": record.digest}),
        method=METHOD,
        expected=ExpectedEffect(
            "records stored", count, count, count, 0.9, MEASURED_AFTER, "records"
        ),
        guardrails=(
            Guardrail("new_names", row.most_new_names, fresh, fresh <= row.most_new_names),
            Guardrail(
                "change_of_totals_percent",
                row.most_change_percent,
                None if change is None else round(change, 1),
                passed=change is not None and change <= row.most_change_percent,
            ),
        ),
        run_id=run,
    )


def last_totals(row: RepeatingImport) -> Mapping[str, str] | None:
    """The totals of the last file of the place that is in force; None before the first."""
    stored = DataImport.objects.filter(repeating=row, state=DataImport.State.CURRENT)
    last = stored.order_by("-current_at", "-pk").first()
    return None if last is None else last.summary.get("totals")


def import_of(subject: str) -> int:
    return int(subject.removeprefix(SUBJECT))


def store_it(case: DecisionCase) -> None:
    """Start the job that stores the file. Raises Stale where it cannot be stored any more."""
    record = DataImport.objects.filter(pk=import_of(case.subject)).first()
    if record is None:
        raise Stale("The file was deleted; it is looked at again where it is still there.")
    try:
        start(record.pk, caller=f"command:import {record.pk}", now=timezone.now())
    except (NotStorable, JobLimitReached) as error:
        raise Stale(str(error)) from error


def undo_import(case: DecisionCase) -> None:
    """Undo the import. Raises Stale where it is not in force or its kind has no undo."""
    try:
        undo(import_of(case.subject), actor="roll-back of its decision", now=timezone.now())
    except (NotStorable, DataImport.DoesNotExist) as error:
        raise Stale(str(error)) from error


def measure(case: DecisionCase, _at: datetime) -> MeasuredEffect | None:
    """How many records are in force; None while the job is open."""
    record = DataImport.objects.filter(pk=import_of(case.subject)).first()
    if record is None or record.state in {DataImport.State.STORING, DataImport.State.DRAFT}:
        return None
    is_stored = record.state == DataImport.State.CURRENT
    value = float(record.records if is_stored else 0)
    detail: dict[str, Any] = {"state": record.state}
    inside = case.expected.low <= value <= case.expected.high
    return MeasuredEffect(value, None, None, detail, inside=inside)


def may_undo(subject: str) -> bool:
    """Whether what was stored can be undone with one button."""
    record = DataImport.objects.filter(pk=import_of(subject)).first()
    return record is not None and import_targets.get(record.kind).undo is not None


KINDS = (
    DecisionType(
        KIND,
        "Store a repeating import",
        store_it,
        undo_import,
        measure,
        path=lambda subject: f"/dashboards/imports/{import_of(subject)}",
        may_undo=may_undo,
    ),
)
AUTOMATIONS = (AutomationSpec(AUTOMATION, "Look for files of repeating imports", look_at_all),)
