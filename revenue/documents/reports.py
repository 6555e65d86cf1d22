"""Read documents: their PDF, what is open, and until when they are kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from django.db.models import Count, Max, Min, QuerySet, Sum

from aethercrown.csv.export import Cell, Exporter
from operations.messaging import reports as messaging
from revenue.documents.document import DocumentState, content_from_json
from revenue.documents.mail_texts import INVOICE_KEY, REMINDER_KEY
from revenue.documents.models import (
    BillingDetails,
    InvoiceDocument,
    InvoiceIssuer,
    PaymentReminder,
)
from revenue.documents.reminder_steps import SentReminder, due_step

INVOICE_ROLES = ("finance", "owner")  # of the first that there is, every active contact
REMINDED, YEAR = timedelta(days=14), timedelta(days=365)
FONTS = Path("static", "unfold", "fonts", "inter")  # in the admin theme


class NothingPrinted(Exception):
    """The document's content was erased after its legal term."""


def documents() -> QuerySet[InvoiceDocument]:
    """Documents with issuer and customer, the newest first."""
    return InvoiceDocument.objects.select_related("issuer", "customer__merged_into")


def drawn(row: InvoiceDocument) -> bytes:
    """The document as PDF, the same bytes each time. Raises NothingPrinted."""
    from revenue.documents import pdf  # noqa: PLC0415 - the fonts' library takes long to import

    if row.content is None:
        raise NothingPrinted(f"The content of {row} was erased after {row.retain_until}.")
    return pdf.draw(content_from_json(row.content), font_folder())


def font_folder() -> Path:
    """The folder of Inter, which the admin theme brings."""
    return Path(str(files("unfold"))) / FONTS


def outstanding(row: InvoiceDocument) -> Decimal:
    """What credit notes left of an invoice, with tax."""
    notes = InvoiceDocument.objects.filter(credit_note__invoice=row.invoice_id)
    return sum(notes.values_list("gross", flat=True), row.gross)


def owner_of(row: InvoiceDocument) -> int:
    """The customer, or the one that it was merged into since."""
    return row.customer.merged_into_id or row.customer_id


def without_details(customer_ids: Collection[int]) -> set[int]:
    """Customers who cannot be invoiced yet: there is a default issuer, and they have no details."""
    if not InvoiceIssuer.objects.filter(is_default=True).exists():
        return set()
    known = BillingDetails.objects.filter(customer__in=customer_ids).values_list("customer")
    return set(customer_ids) - {key for (key,) in known}


def kept_until(customer_ids: Collection[int]) -> date | None:
    """The last day on which documents of these customers are kept; None without any."""
    rows = InvoiceDocument.objects.filter(customer__in=customer_ids, content__isnull=False)
    last: date | None = rows.aggregate(last=Max("retain_until"))["last"]
    return last


def personal_data(customer_ids: Collection[int]) -> Mapping[str, Any]:
    """Billing details and documents of some customers, as plain values."""
    own = {"customer__in": customer_ids}
    return {
        "billing_details": list(BillingDetails.objects.filter(**own).order_by("pk").values()),
        "documents": list(InvoiceDocument.objects.filter(**own).order_by("pk").values()),
    }


class OverdueSum(NamedTuple):
    """What is open past its due day in one currency."""

    currency: str
    amount: Decimal
    customers: int
    oldest: date


def overdue(today: date) -> list[OverdueSum]:
    """What customers owe past the due day, by currency; in one query."""
    rows = InvoiceDocument.objects.filter(state=DocumentState.OPEN, due_on__lt=today)
    grouped: Any = rows.order_by("currency").values_list("currency")
    found = grouped.annotate(Sum("gross"), Count("customer", distinct=True), Min("due_on"))
    return [OverdueSum(*each) for each in found]


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A step of an unpaid invoice that is due, and whether there is anybody to write to."""

    number: str
    days: int
    has_recipient: bool


def due_reminders(today: date) -> list[DueReminder]:
    """The steps that are due today of every open invoice past its due day."""
    late = documents().filter(
        state=DocumentState.OPEN,
        due_on__lt=today,
        content__isnull=False,
        issuer__reminder_steps__isnull=False,
    )
    rows = (
        late.distinct()
        .order_by("due_on", "pk")
        .prefetch_related(
            "reminders",
            "issuer__reminder_steps",
            "customer__contacts",
            "customer__merged_into__contacts",
        )
    )
    found = []
    for row in rows:
        steps = [each.days for each in row.issuer.reminder_steps.all()]
        sent = [SentReminder(each.days, each.queued_at.date()) for each in row.reminders.all()]
        days = due_step(row.due_on or today, steps, sent, today)
        if days is not None:
            people = (row.customer.merged_into or row.customer).contacts.all()
            someone = any(each.is_active and each.role in INVOICE_ROLES for each in people)
            found.append(DueReminder(row.number, days, someone))
    return found


def paid_after_reminders(today: date) -> tuple[int, int]:
    """How many reminders of the last year brought the payment within 14 days, and of how many."""
    rows = PaymentReminder.objects.filter(
        queued_at__date__lt=today - REMINDED, queued_at__date__gte=today - YEAR
    ).select_related("document")
    paid = total = 0
    for row in rows:
        total += 1
        on = row.document.paid_on
        paid += on is not None and on <= row.queued_at.date() + REMINDED
    return paid, total


def reminder_keys(row: PaymentReminder) -> list[str]:
    """The keys of a reminder's mails."""
    return messaging.keys_of(f"{REMINDER_KEY}{row.document_id}:{row.pk}:")


def mailed(row: InvoiceDocument) -> list[str]:
    """What became of each mail of a document and of its reminders, the oldest first."""
    return messaging.mail_course([f"{INVOICE_KEY}{row.pk}:", f"{REMINDER_KEY}{row.pk}:"])


COLUMNS = ("number", "customer", "issued_on", "due_on", "currency", "net", "tax", "gross")


def _rows() -> Iterator[Sequence[Cell]]:
    rows = InvoiceDocument.objects.order_by("issued_on", "pk")
    fields = ("number", "customer__external_id", *COLUMNS[2:], "state", "paid_on")
    yield from rows.values_list(*fields).iterator()


EXPORTERS = (
    Exporter(
        "documents", "Numbered invoices and credit notes", (*COLUMNS, "state", "paid_on"), _rows
    ),
)
