"""Previewing and issuing a month's invoices as jobs, with progress and the name of who asked."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.db import transaction

from aethercrown.formatting import counted
from aethercrown.transitions import InvalidTransition
from operations.jobs import reports as job_reports
from operations.jobs import services as jobs
from operations.jobs.registry import JobContext, JobKind
from revenue.billing.models import InvoiceRun
from revenue.billing.month_preview import MonthPreview
from revenue.billing.periods import Month, billing_month
from revenue.billing.reports import invoice_run as reports
from revenue.billing.services import invoice_run
from revenue.customers.services import InvalidEntry

PREVIEW_JOB, ISSUE_JOB = "revenue.preview_invoices", "revenue.issue_month"


@transaction.atomic
def request_previews(currency: str, span: Month, *, caller: str, now: datetime) -> list[InvoiceRun]:
    """Start the preview of a month in one currency, or in each in which somebody is due; or none.

    Raises as `request_preview`.
    """
    every = [currency] if currency else reports.due_currencies(span)
    return [request_preview(each, span, caller=caller, now=now) for each in every]


@transaction.atomic
def request_preview(currency: str, span: Month, *, caller: str, now: datetime) -> InvoiceRun:
    """Start the preview of a month; its result is stored with the run.

    Raises InvalidEntry where the month is not over or nobody is due, and JobLimitReached.
    """
    invoice_run.check_over(span, now)
    if not reports.due_customers(currency, span).exists():
        raise InvalidEntry("month", invoice_run.nobody_due(currency, span))
    row, _ = InvoiceRun.objects.get_or_create(
        currency=currency, period_start=span.start, defaults={"proposed_at": now}
    )
    jobs.start(PREVIEW_JOB, {"run": row.pk}, caller=caller, now=now, subject=subject(row))
    return row


@transaction.atomic
def request_issue(run_id: int, *, hold_without_use: bool, caller: str, now: datetime) -> None:
    """Start issuing a month that was previewed. Raises InvalidTransition and JobLimitReached.

    With `hold_without_use` customers whose use is missing are left out, also by the nightly run
    where it issues what the job did not.
    """
    row = InvoiceRun.objects.select_for_update().get(pk=run_id)
    if row.preview is None:
        raise InvalidTransition(f"{row} were not previewed yet; look at the preview first.")
    if is_open(row):
        raise InvalidTransition(f"{row} are being previewed or issued already.")
    row.hold_without_use = hold_without_use
    row.save(update_fields=["hold_without_use"])
    jobs.start(ISSUE_JOB, {"run": row.pk}, caller=caller, now=now, subject=subject(row))


def subject(row: InvoiceRun) -> str:
    return str(row)


def newest_job(row: InvoiceRun) -> Any:
    """The last job of the run, or None."""
    return job_reports.latest((PREVIEW_JOB, ISSUE_JOB), {"run": row.pk})


def is_open(row: InvoiceRun) -> bool:
    job = newest_job(row)
    return job is not None and job.is_open


def perform_preview(context: JobContext) -> dict[str, Any]:
    """Rate every due customer, and store what issuing would do."""
    row = InvoiceRun.objects.get(pk=context.input["run"])
    span = billing_month(row.period_start)
    total = reports.due_customers(row.currency, span).count()
    rating = _reporter(context, total, "Rating")  # it raises where the job is to stop
    found = cast("MonthPreview", reports.month_preview(row.currency, span, rating))
    row.preview = {**found.as_dict(), "made_at": context.now}
    row.save(update_fields=["preview"])
    return {"invoices": found.invoices, "total": str(found.total), "currency": row.currency}


def perform_issue(context: JobContext) -> dict[str, Any]:
    """Issue the missing invoices; a job that runs twice issues none twice."""
    row = InvoiceRun.objects.get(pk=context.input["run"])
    span = billing_month(row.period_start)
    total = reports.due_customers(row.currency, span).count()
    done = invoice_run.issue_month(
        row.currency,
        span,
        by=context.actor,
        now=context.now,
        keep_going=_reporter(context, total, "Issuing"),
        may_rate=_reporter(context, total, "Rating"),
    )
    words = f"{counted(done.issued_count, 'invoice')} issued"
    return {"issued": done.issued_count, "not_billed": len(done.not_billed), "summary": words}


def _reporter(context: JobContext, total: int, note: str) -> Callable[[], bool]:
    """Counts a customer at each call; raises where the job is to stop."""
    done = 0

    def report() -> bool:
        nonlocal done
        context.report(done, total, note)
        done += 1
        return True

    return report


SEES_INVOICES = "revenue.view_invoice"
JOB_KINDS = (
    JobKind(PREVIEW_JOB, "Preview a month's invoices", "revenue", SEES_INVOICES, perform_preview),
    JobKind(ISSUE_JOB, "Issue a month's invoices", "revenue", SEES_INVOICES, perform_issue),
)
