"""Check long files in a worker: a page would hold a web thread for as long as that takes."""

from datetime import datetime
from typing import Any

from operations.imports.models import DataImport
from operations.imports.outcome import CheckOutcome, from_dict
from operations.imports.services.check import check_file
from operations.imports.services.draft import file_of
from operations.jobs import reports
from operations.jobs import services as jobs
from operations.jobs.models import Job
from operations.jobs.registry import JobContext, JobKind

CHECK_JOB = "operations.check_import"


def start_check(draft: DataImport, *, caller: str, now: datetime) -> Job:
    """Let a worker check a draft by its choices; the check that is under way, if there is one.

    Raises JobLimitReached.
    """
    under_way = check_of(draft)
    if under_way is not None and under_way.is_open:
        return under_way
    given = {"import": draft.pk, "choices": draft.choices}
    return jobs.start(CHECK_JOB, given, caller=caller, now=now, subject=draft.file_name[:200])


def check_of(draft: DataImport) -> Job | None:
    """The last check of a draft by its present choices."""
    job = reports.latest([CHECK_JOB], {"import": draft.pk})
    return job if job and job.input["choices"] == draft.choices else None


def outcome_of(job: Job | None) -> CheckOutcome | None:
    """What a check found; None of one that has not ended well."""
    stored = (job.result or {}).get("check") if job else None
    return from_dict(stored) if stored else None


def perform_check(context: JobContext) -> dict[str, Any]:
    draft = DataImport.objects.filter(pk=context.input["import"]).first()
    if draft is None or draft.content is None:  # it was deleted, or stored meanwhile
        return {"import": context.input["import"], "check": None}
    choices = context.input["choices"]
    with check_file(file_of(draft), draft.kind, choices, context.now.date()) as found:
        return {"import": draft.pk, "check": found.outcome.to_dict()}


CHECK_JOB_KIND = JobKind(
    CHECK_JOB,
    "Check a file",
    "operational",
    "operations.view_dataimport",
    perform_check,
    page=lambda given: f"/dashboards/imports/{given['import']}",
)
