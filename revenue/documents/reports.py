"""Read documents: their PDF, what is open, and until when they are kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.db.models import Max, QuerySet

from aethercrown.csv.export import Cell, Exporter
from revenue.documents.document import content_from_json
from revenue.documents.models import BillingDetails, InvoiceDocument, InvoiceIssuer

FONTS = Path("static", "unfold", "fonts", "inter")  # in the admin theme


class NothingPrinted(Exception):
    """The document's content was erased after its legal term."""


def documents() -> QuerySet[InvoiceDocument]:
    """Documents with issuer and customer, the newest first."""
    return InvoiceDocument.objects.select_related("issuer", "customer")


def drawn(row: InvoiceDocument) -> bytes:
    """The document as PDF, the same bytes each time. Raises NothingPrinted."""
    from revenue.documents import pdf  # noqa: PLC0415 - the fonts' library takes long to import

    if row.content is None:
        raise NothingPrinted(f"The content of {row} was erased after {row.retain_until}.")
    return pdf.draw(content_from_json(row.content), font_folder())


def font_folder() -> Path:
    """The folder of Inter, which the admin theme brings."""
    return Path(str(files("unfold"))) / FONTS


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
