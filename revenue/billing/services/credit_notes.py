"""Credit notes: what an issued invoice is no longer claimed for."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from aethercrown.currencies import exponent
from aethercrown.formatting import money_text, month_text
from revenue.billing.models import CreditNote, Invoice
from revenue.customers.services import InvalidEntry
from revenue.documents import services as documents
from revenue.documents.models import InvoiceDocument
from revenue.documents.services import Claim


def creditable(invoice: Invoice) -> Decimal:
    """What of the invoice no credit note took back yet."""
    credited = invoice.credit_notes.aggregate(total=Sum("total"))["total"] or Decimal(0)
    return round(invoice.total + credited, exponent(invoice.currency))


@transaction.atomic
def issue(
    invoice_id: int, amount: Decimal | None, *, reason: str, by: str, now: datetime
) -> CreditNote:
    """Issue a credit note over an amount, by default all that is left. Raises InvalidEntry.

    The month stays billed: it is not billed again, and not adjusted by the note.
    """
    invoice = Invoice.objects.select_for_update().get(pk=invoice_id)
    left, currency = creditable(invoice), invoice.currency
    wanted = left if amount is None else amount
    if not wanted.is_finite() or not 0 < wanted <= left:
        most = money_text(left, currency)
        raise InvalidEntry("amount", f"must be above 0 and at most {most}, not {wanted}.")
    digits = exponent(currency)
    if wanted != round(wanted, digits):
        raise InvalidEntry("amount", f"{currency} has {digits} decimals, not as many as {wanted}.")
    if not reason.strip():
        raise InvalidEntry("reason", "A credit note needs its reason.")
    made = CreditNote.objects.create(
        invoice=invoice,
        total=-wanted,
        reason=reason.strip()[:200],
        issued_at=now,
        issued_by=by[:150],
    )
    _number(made)
    return made


def _number(made: CreditNote) -> None:
    """Give the note its number and document, if its invoice has one."""
    invoice = made.invoice
    refers_to = InvoiceDocument.objects.filter(invoice=invoice).first()
    if refers_to is not None:
        documents.issue(
            Claim(
                invoice.customer,
                invoice.currency,
                month_text(invoice.period_start),
                [(made.reason, made.total)],
                made.total,
                made.issued_at,
                credit_note_id=made.pk,
                refers_to=refers_to,
            )
        )
