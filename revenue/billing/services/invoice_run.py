"""Proposing a month's invoices, and issuing them.

Each function is one transaction, except `issue_all`: there each invoice is one, so an interrupted
run continues where it stopped.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from aethercrown.formatting import counted, month_text
from aethercrown.history.attribution import AUTOMATIC
from aethercrown.severity import WARNING
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome, always
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from revenue.billing import invoice_run as due
from revenue.billing.invoice_run import AUTOMATION, KIND
from revenue.billing.models import InvoiceRun
from revenue.billing.month_preview import MonthPreview
from revenue.billing.periods import Month, billing_month
from revenue.billing.reports import invoice_run
from revenue.billing.reports.previews import RATING_ERRORS
from revenue.billing.reports.versions import PriceBooks
from revenue.billing.services import invoices
from revenue.customers.billing_interval import months_before
from revenue.customers.services import InvalidEntry, erasures
from revenue.documents import services as documents

SOURCE, NOT_BILLED = "revenue", "customers_not_billed"
LINK = "/admin/revenue/invoicerun/"
LISTED = 5
HELD = "Left out: use that the month before had is missing."


@transaction.atomic
def propose(
    currency: str,
    span: Month,
    found: MonthPreview,
    *,
    mode: str,
    now: datetime,
    run: int | None = None,
) -> InvoiceRun:
    """Propose a month's invoices as a decision; returns the run of an earlier proposal."""
    made, _ = InvoiceRun.objects.get_or_create(
        currency=currency, period_start=span.start, defaults={"proposed_at": now}
    )
    row = InvoiceRun.objects.select_for_update().get(pk=made.pk)  # another may have proposed it
    if row.decision_id is None:
        _, before = invoice_run.billed(currency, months_before(span.start, 1))
        draft = due.draft(currency, span, found, before, run)
        decision = decisions.propose(draft, mode=mode, now=now)
        row.refresh_from_db()  # in mode auto it is approved already
        row.decision = decision
        row.save(update_fields=["decision"])
    return row


def issue_all(
    row: InvoiceRun,
    *,
    now: datetime,
    by: str = AUTOMATIC,
    keep_going: Callable[[], bool] = always,
    held: Collection[int] = (),
) -> bool:
    """Issue the missing invoices, each in its own transaction.

    False where `keep_going` ended it or the approval was undone before the first invoice.
    A customer that cannot be billed, or is one of `held`, is stored with the reason; the others
    are still billed.
    """
    span, books = billing_month(row.period_start), PriceBooks()
    refused: list[tuple[int, str]] = []
    for customer in invoice_run.iterate_due(row.currency, span):
        if not keep_going():
            return False
        if customer.pk in held:
            refused.append((customer.pk, HELD))
            continue
        try:
            with transaction.atomic():
                if not _approved(row.pk):
                    return False
                invoices.issue_due(customer.pk, span.start, by=by, now=now, books=books)
        except (InvalidEntry, *RATING_ERRORS) as error:
            refused.append((customer.pk, str(error)))
    _finish(row, refused, now)
    return True


def _approved(pk: int) -> bool:
    """Whether the run is approved; under its lock, no approval is undone meanwhile."""
    locked = InvoiceRun.objects.select_for_update().values_list("approved_at", flat=True)
    return locked.get(pk=pk) is not None


@transaction.atomic
def _finish(row: InvoiceRun, refused: list[tuple[int, str]], now: datetime) -> None:
    row.issued_count, _ = invoice_run.billed(row.currency, row.period_start)
    row.not_billed, row.finished_at = refused, now
    row.save(update_fields=["issued_count", "not_billed", "finished_at"])
    if not refused:
        alerts.resolve(SOURCE, NOT_BILLED, str(row), now=now)
    else:
        reasons = "; ".join(f"customer {key}: {why}" for key, why in refused[:LISTED])
        verb = "was" if len(refused) == 1 else "were"
        message = f"{counted(len(refused), 'customer')} of {row} {verb} not billed: {reasons}."
        alerts.raise_alert(
            SOURCE, NOT_BILLED, str(row), WARNING, message, link=f"{LINK}{row.pk}/change/", now=now
        )


def issue_month(
    currency: str,
    span: Month,
    *,
    by: str,
    now: datetime,
    keep_going: Callable[[], bool] = always,
    may_rate: Callable[[], bool] = always,
) -> InvoiceRun:
    """Issue a month's invoices now; called again, those that could not be billed before.

    `may_rate` is asked while customers are rated for the decision, `keep_going` before each
    invoice. What remains when that returns False is issued by the nightly run. Raises InvalidEntry
    where the month is not over or no customer is due, and InvalidTransition where the run was
    rejected.
    """
    check_over(span, now)
    row = InvoiceRun.objects.filter(currency=currency, period_start=span.start).first()
    is_proposed = row is not None and row.decision_id is not None
    held: Collection[int] = ()
    if row is None or not is_proposed or row.hold_without_use:
        found = invoice_run.month_preview(currency, span, may_rate)
        if found is None:
            raise InvalidEntry("month", "It was stopped before an invoice was issued.")
        if not is_proposed and not (found.invoices or found.refused):
            raise InvalidEntry("month", nobody_due(currency, span))
        row = propose(currency, span, found, mode="propose", now=now)
        held = found.ids_without_use if row.hold_without_use else ()
    return _approve_and_issue(row, by, now, keep_going, held)


def _approve_and_issue(
    row: InvoiceRun, by: str, now: datetime, keep_going: Callable[[], bool], held: Collection[int]
) -> InvoiceRun:
    if row.approved_at is None:
        decisions.approve(row.decision_id or 0, actor=by, now=now)
        row.refresh_from_db()
    row.requested_by = by
    row.finished_at = None  # if issuing is stopped, the nightly run issues the rest
    row.save(update_fields=["requested_by", "finished_at"])
    issue_all(row, now=now, by=by, keep_going=keep_going, held=held)
    return row


def check_over(span: Month, now: datetime) -> None:
    """Raise InvalidEntry where the month is not over."""
    if now.date() < span.end:
        raise InvalidEntry(
            "month", f"{month_text(span.start)} runs until {span.end}; today is {now.date()}."
        )


def nobody_due(currency: str, span: Month) -> str:
    return f"No customer is due in {currency} for {month_text(span.start)}."


def _locked_run(case: DecisionCase) -> InvoiceRun:
    currency, start = due.parse_subject(case.subject)
    return InvoiceRun.objects.select_for_update().get(currency=currency, period_start=start)


def approve_run(case: DecisionCase) -> None:
    """On approval of the decision; the next run of the automation issues the invoices."""
    row = _locked_run(case)
    row.approved_at = timezone.now()
    row.save(update_fields=["approved_at"])


def undo_approval(case: DecisionCase) -> None:
    """On rollback of the decision, as long as no invoice was issued. Raises Stale otherwise."""
    row = _locked_run(case)
    count, _ = invoice_run.billed(row.currency, row.period_start)
    if count:
        raise Stale(f"{row}: {counted(count, 'invoice')} issued already; they stay.")
    row.approved_at = row.finished_at = None
    row.save(update_fields=["approved_at", "finished_at"])


def measure(case: DecisionCase, _at: datetime) -> MeasuredEffect | None:
    """The month's total with later adjustments; None until the run is finished."""
    currency, start = due.parse_subject(case.subject)
    row = InvoiceRun.objects.filter(currency=currency, period_start=start).first()
    if row is None or row.finished_at is None:
        return None
    count, total = invoice_run.billed(currency, start)
    return due.realised(
        case.expected, total or Decimal(0), invoice_run.adjusted(currency, start), count
    )


def may_undo(subject: str) -> bool:
    """Whether an approval can still be undone: until the first invoice is issued."""
    count, _ = invoice_run.billed(*due.parse_subject(subject))
    return count == 0


KINDS = (
    DecisionType(
        KIND,
        "Invoices of a month",
        approve_run,
        undo_approval,
        measure,
        path=lambda _subject: LINK,
        may_undo=may_undo,
    ),
)


def run_invoicing(context: RunContext) -> RunOutcome:
    """Propose the month that is due in each currency, and issue approved ones."""
    made = []
    for currency, span in _due(context.now.date()):
        found = invoice_run.month_preview(currency, span, context.may_continue)
        if found is not None and (found.invoices or found.refused):
            row = propose(
                currency, span, found, mode=context.mode, now=context.now, run=context.run_id
            )
            made.append(row.decision_id)
    issued, done = _issue_approved(context)
    documents.forget_expired(context.now.date())
    erasures.keep_list()
    words = (
        f"{counted(len(made), 'month')} proposed; {counted(issued, 'invoice')} issued,"
        f" {counted(done, 'month')} closed."
    )
    return RunOutcome(words, tuple(each for each in made if each is not None))


def _due(today: date) -> list[tuple[str, Month]]:
    newest = due.due(today, None)
    spans = [
        (currency, due.due(today, invoice_run.last_proposed(currency)))
        for currency in (invoice_run.currencies(newest) if newest else [])
    ]
    return [(currency, span) for currency, span in spans if span]


def _issue_approved(context: RunContext) -> tuple[int, int]:
    """The number of invoices issued, and of months closed."""
    issued = done = 0
    approved = InvoiceRun.objects.filter(approved_at__isnull=False, finished_at=None)
    for row in approved.order_by("period_start", "currency"):
        before, _ = invoice_run.billed(row.currency, row.period_start)
        held = _left_out(row, context.may_continue)
        if held is None:
            break
        done += issue_all(row, now=context.now, keep_going=context.may_continue, held=held)
        after, _ = invoice_run.billed(row.currency, row.period_start)
        issued += after - before
    return issued, done


def _left_out(row: InvoiceRun, keep_going: Callable[[], bool]) -> Collection[int] | None:
    """Customers whom a person left out for missing use; None where `keep_going` ended it."""
    if not row.hold_without_use:
        return ()
    found = invoice_run.month_preview(row.currency, billing_month(row.period_start), keep_going)
    return None if found is None else found.ids_without_use


AUTOMATIONS = (AutomationSpec(AUTOMATION, "Issue the month's invoices", run_invoicing),)
