"""CSV exports, and billing's part of a customer's personal data."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import F, Sum

from aethercrown.csv.export import Cell, Exporter
from revenue.billing.models import (
    Adjustment,
    CreditEntry,
    CreditNote,
    DailyUse,
    Invoice,
    UnbilledUseChoice,
)
from revenue.billing.reports import credit_balance

USE = ("customer", "metric", "day", "quantity")


def _use_rows() -> Iterator[Sequence[Cell]]:
    """The total of each customer, metric and day."""
    rows = DailyUse.objects.order_by("day", "customer__external_id", "meter__code")
    grouped = rows.values_list("customer__external_id", "meter__code", "day")
    yield from grouped.annotate(Sum("quantity")).iterator()


INVOICES = ("customer", "period_start", "period_end", "currency", "total", "carried", "issued_at")


def _invoice_rows() -> Iterator[Sequence[Cell]]:
    rows = Invoice.objects.order_by("period_start", "pk").annotate(who=F("customer__external_id"))
    yield from rows.values_list("who", *INVOICES[1:]).iterator()


CREDIT_NOTES = ("customer", "period_start", "currency", "total", "reason", "issued_at")


def _credit_note_rows() -> Iterator[Sequence[Cell]]:
    rows = CreditNote.objects.order_by("issued_at", "pk")
    fields = ("invoice__customer__external_id", "invoice__period_start", "invoice__currency")
    yield from rows.values_list(*fields, *CREDIT_NOTES[3:]).iterator()


EXPORTERS = (
    Exporter("billed-use", "Billed usage by day", USE, _use_rows),
    Exporter("invoices", "Invoices", INVOICES, _invoice_rows),
    Exporter("credit-notes", "Credit notes", CREDIT_NOTES, _credit_note_rows),
    credit_balance.EXPORTER,
)


def personal_data(customer_ids: Collection[int]) -> Mapping[str, Any]:
    """Stored usage, invoices and adjustments of these customers, as plain values."""
    own = {"customer__in": customer_ids}
    return {
        "daily_use": list(DailyUse.objects.filter(**own).order_by("day", "pk").values()),
        "invoices": list(Invoice.objects.filter(**own).order_by("period_start").values()),
        "adjustments": list(
            Adjustment.objects.filter(invoice__customer__in=customer_ids).order_by("pk").values()
        ),
        "credit_notes": list(
            CreditNote.objects.filter(invoice__customer__in=customer_ids).order_by("pk").values()
        ),
        "unbilled_use_choices": list(
            UnbilledUseChoice.objects.filter(**own).order_by("pk").values()
        ),
        "credit_entries": list(CreditEntry.objects.filter(**own).order_by("pk").values()),
    }
