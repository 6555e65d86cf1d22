"""Number documents, record their payment, and forget those whose legal term is over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from aethercrown.transitions import InvalidTransition
from revenue.customers.data_hooks import CustomerDataHook
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry, erase_admin_log
from revenue.documents import document, reports
from revenue.documents.document import (
    ApplicableRate,
    DocumentContent,
    DocumentState,
    Party,
    TaxedCustomer,
)
from revenue.documents.models import BillingDetails, InvoiceDocument, InvoiceIssuer, NumberSeries
from revenue.documents.services import mailing

IssueTerms = tuple[InvoiceIssuer, ApplicableRate, Party]  # of whom, taxed how, to whom


@dataclass(frozen=True, slots=True)
class Claim:
    """What is invoiced or credited: the rows it is of, its lines and their sum."""

    customer: Customer
    currency: str
    period: str
    lines: Sequence[tuple[str, Decimal]]
    total: Decimal
    issued_at: datetime
    invoice_id: int | None = None
    credit_note_id: int | None = None
    refers_to: InvoiceDocument | None = None


@transaction.atomic
def issue(claim: Claim) -> InvoiceDocument | None:
    """Number a document, in the transaction that issues its invoice; None without an issuer.

    A customer's issuer is theirs, else the default one. A credit note is of the issuer, and at the
    tax rate, of its invoice. Raises InvalidEntry where the customer has no billing details or
    no tax rate is for them.
    """
    issued_on = timezone.localdate(claim.issued_at)
    terms = _terms(claim, issued_on)
    if terms is None:
        return None
    issuer = terms[0]
    count = _next_count(issuer, issued_on.year)
    made = _store(claim, issuer, count, _content(claim, terms, count, issued_on))
    if claim.refers_to is not None:
        _close_credited(claim.refers_to.pk)
    mailing.mail_new(made, claim.issued_at)
    return made


def _content(claim: Claim, terms: IssueTerms, count: int, issued_on: date) -> DocumentContent:
    issuer, rate, addressee = terms
    tax = _tax(claim, rate.percent)
    is_note = claim.credit_note_id is not None
    return DocumentContent(
        number=document.number_text(issuer.number_prefix, issued_on.year, count),
        title="Credit note" if is_note else "Invoice",
        issued_on=issued_on,
        due_on=None if is_note else document.due_day(issued_on, issuer.payment_days),
        period=claim.period,
        issuer=Party(issuer.name, issuer.address, issuer.country, issuer.tax_id),
        customer=addressee,
        payment_details=issuer.payment_details,
        currency=claim.currency,
        lines=document.document_lines(claim.lines),
        net=claim.total,
        tax_title=rate.title,
        tax_percent=rate.percent,
        tax=tax,
        tax_note=rate.note,
        gross=claim.total + tax,
        refers_to=claim.refers_to.number if claim.refers_to else "",
    )


def _tax(claim: Claim, percent: Decimal) -> Decimal:
    of = claim.refers_to
    if of is None:
        return document.tax_of(claim.total, percent, claim.currency)
    notes = InvoiceDocument.objects.filter(credit_note__invoice=of.invoice_id)
    earlier = notes.values_list("net", "tax")
    return document.tax_of_note(claim.total, earlier, percent, claim.currency)


def _store(
    claim: Claim, issuer: InvoiceIssuer, count: int, content: DocumentContent
) -> InvoiceDocument:
    return InvoiceDocument.objects.create(
        issuer=issuer,
        year=content.issued_on.year,
        count=count,
        number=content.number,
        customer=claim.customer,
        invoice_id=claim.invoice_id,
        credit_note_id=claim.credit_note_id,
        issued_on=content.issued_on,
        due_on=content.due_on,
        currency=content.currency,
        net=content.net,
        tax=content.tax,
        gross=content.gross,
        content=content.as_json(),
        retain_until=document.retained_until(content.issued_on, issuer.retention_years),
        state=(DocumentState.OPEN if content.due_on else DocumentState.CREDIT).value,
    )


def _close_credited(document_id: int) -> None:
    """Nothing is due any more of an open invoice whose credit notes take back all of it."""
    row = _locked(document_id)
    if row.state == DocumentState.OPEN and reports.outstanding(row) <= 0:
        row.state = DocumentState.CREDITED.value
        row.save(update_fields=["state"])


def _terms(claim: Claim, on: date) -> IssueTerms | None:
    """Issuer, tax rate and addressee; of a credit note those of its invoice."""
    of = claim.refers_to
    if of is not None and of.content:
        printed = document.content_from_json(of.content)
        taxed = printed.tax_title, printed.tax_percent, printed.tax_note
        return of.issuer, ApplicableRate("", TaxedCustomer.ALL, on, *taxed), printed.customer
    details = BillingDetails.objects.filter(customer=claim.customer).first()
    issuer = (details and details.issuer) or InvoiceIssuer.objects.filter(is_default=True).first()
    if issuer is None:
        return None
    if details is None:
        name = claim.customer.external_id
        raise InvalidEntry("customer", f"{name} has no billing details to invoice.")
    rates = map(ApplicableRate._make, issuer.tax_rates.values_list(*ApplicableRate._fields))
    has_tax_id = bool(details.tax_id)
    rate = document.rate_for(rates, details.country, has_tax_id=has_tax_id, on=on)
    if rate is None:
        raise InvalidEntry("tax", f"{issuer} has no tax rate for {details.country} on {on}.")
    return issuer, rate, Party(details.name, details.address, details.country, details.tax_id)


def _next_count(issuer: InvoiceIssuer, year: int) -> int:
    """The next number of the year; its row stays locked until the transaction ends, so no gap."""
    NumberSeries.objects.get_or_create(issuer=issuer, year=year)
    row = NumberSeries.objects.select_for_update().get(issuer=issuer, year=year)
    row.last += 1
    row.save(update_fields=["last"])
    return row.last


@transaction.atomic
def mark_paid(document_id: int, *, on: date, by: str, note: str = "") -> InvoiceDocument:
    """Record that a document was paid on a day, once. Raises InvalidTransition, InvalidEntry."""
    row = _locked(document_id)
    if row.state == DocumentState.PAID:
        return row
    _check_state(row, DocumentState.OPEN, DocumentState.WRITTEN_OFF)
    if not row.issued_on <= on <= timezone.localdate():
        raise InvalidEntry("paid_on", f"must be from {row.issued_on} to today, not {on}.")
    row.paid_on = on
    return _change(row, DocumentState.PAID, by, note)


@transaction.atomic
def reopen(document_id: int, *, by: str, note: str = "") -> InvoiceDocument:
    """Take back a payment or a write-off, as when a payment bounced. Raises InvalidTransition."""
    row = _locked(document_id)
    if row.state == DocumentState.OPEN:
        return row
    _check_state(row, DocumentState.PAID, DocumentState.WRITTEN_OFF)
    row.paid_on = None
    return _change(row, DocumentState.OPEN, by, note)


@transaction.atomic
def write_off(document_id: int, *, by: str, note: str) -> InvoiceDocument:
    """Record that an open document will not be paid, with the reason. Raises InvalidTransition."""
    row = _locked(document_id)
    if row.state == DocumentState.WRITTEN_OFF:
        return row
    _check_state(row, DocumentState.OPEN)
    if not note.strip():
        raise InvalidEntry("note", "A write-off needs its reason.")
    return _change(row, DocumentState.WRITTEN_OFF, by, note)


def _locked(document_id: int) -> InvoiceDocument:
    return InvoiceDocument.objects.select_for_update().get(pk=document_id)


def _check_state(row: InvoiceDocument, *allowed: DocumentState) -> None:
    if row.state not in allowed:
        raise InvalidTransition(f"{row} is {row.state.replace('_', ' ')}.")


def _change(row: InvoiceDocument, state: DocumentState, by: str, note: str) -> InvoiceDocument:
    row.state, row.changed_by, row.payment_note = state.value, by[:150], note.strip()[:200]
    row.save(update_fields=["state", "paid_on", "changed_by", "payment_note"])
    return row


def erase(customer_ids: Collection[int]) -> None:
    """Erase billing details and what is printed on documents whose legal term is over.

    Documents within it stay as the law wants them; `forget_expired` erases them later.
    """
    details = BillingDetails.objects.filter(customer__in=customer_ids)
    documents = InvoiceDocument.objects.filter(customer__in=customer_ids)
    for rows in (details, documents):
        erase_admin_log(rows)
    details.delete()
    documents.update(payment_note="")
    forget_expired(timezone.localdate())


def forget_expired(today: date) -> int:
    """Erase what is printed on documents of erased customers after the legal term; how many."""
    rows = InvoiceDocument.objects.filter(
        customer__erased_at__isnull=False, retain_until__lt=today, content__isnull=False
    )
    return rows.update(content=None, payment_note="")


CUSTOMER_HOOK = CustomerDataHook(
    "documents", reports.personal_data, erase, kept_until=reports.kept_until
)
