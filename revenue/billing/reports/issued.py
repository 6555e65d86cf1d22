"""Months that were issued or previewed, and the invoices of all customers."""

from django.db.models import QuerySet

from revenue.billing.models import Invoice, InvoiceRun


def newest_runs(most: int) -> list[InvoiceRun]:
    return list(InvoiceRun.objects.order_by("-period_start", "currency")[:most])


def run_of_month(pk: int) -> InvoiceRun | None:
    """The run of one month and currency, or None."""
    return InvoiceRun.objects.filter(pk=pk).first()


def listed_invoices() -> "QuerySet[Invoice]":
    return Invoice.objects.all()
