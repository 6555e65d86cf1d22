"""Reading which months are closed, who is still to be billed, and what a month came to."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Sum

from operations.automations.registry import always
from revenue.billing import reports as billing
from revenue.billing.invoice_run import Estimate
from revenue.billing.models import Adjustment, Closing, Invoice
from revenue.billing.periods import Month
from revenue.customers.models import Change, Customer
from revenue.pricing.decimals import InvalidValues

BATCH = 500
UNRATED = (InvalidValues, billing.NothingPublished, billing.Tampered)


def due_customers(currency: str, span: Month) -> QuerySet[Customer]:
    """Those who paid for a plan in the month and have no invoice of it yet."""
    paid = Change.objects.filter(
        Q(subscription__ended_on=None) | Q(subscription__ended_on__gt=span.start),
        subscription__customer=OuterRef("pk"),
        amount__gt=0,
        on__lt=span.end,
    )
    billed = Invoice.objects.filter(customer=OuterRef("pk"), period_start=span.start)
    rows = Customer.objects.filter(currency=currency, merged_into=None, erased_at=None)
    return rows.filter(Exists(paid), ~Exists(billed)).order_by("pk")


def each_due(currency: str, span: Month) -> Iterator[Customer]:
    """All of them, read in batches, while invoices are issued."""
    after = 0
    while batch := list(due_customers(currency, span).filter(pk__gt=after)[:BATCH]):
        after = batch[-1].pk
        yield from batch


def currencies(span: Month) -> list[str]:
    """Those in which somebody is due to pay for a month."""
    rows = Customer.objects.filter(subscriptions__started_on__lt=span.end, merged_into=None)
    return sorted(set(rows.order_by().values_list("currency", flat=True)))


def estimate(currency: str, span: Month, held: Callable[[], bool] = always) -> Estimate | None:
    """The previews of all who are due, added up; None where the run was taken away meanwhile."""
    count, total = 0, Decimal(0)
    refused: list[tuple[str, str]] = []
    for customer in each_due(currency, span):
        if not held():
            return None
        try:
            found, _ = billing.preview(customer, span.start)
        except UNRATED as error:
            refused.append((customer.external_id, str(error)))
        else:
            count, total = count + 1, total + found.total
    return Estimate(count, total, tuple(refused))


def last(currency: str) -> date | None:
    """The newest month put forward in a currency."""
    rows = Closing.objects.filter(currency=currency)
    newest: date | None = rows.aggregate(last=Max("period_start"))["last"]
    return newest


def begun() -> list[Closing]:
    """Approved, and not issued whole yet; the oldest first."""
    rows = Closing.objects.filter(begun_at__isnull=False, finished_at=None)
    return list(rows.order_by("period_start", "currency"))


def billed(currency: str, start: date) -> tuple[int, Decimal | None]:
    """The invoices of a month and what they came to."""
    rows = Invoice.objects.filter(currency=currency, period_start=start)
    return rows.count(), rows.aggregate(total=Sum("total"))["total"]


def adjusted(currency: str, start: date) -> Decimal:
    """What later invoices added to a month's, or gave back."""
    rows = Adjustment.objects.filter(of__currency=currency, of__period_start=start)
    return rows.aggregate(total=Sum("amount"))["total"] or Decimal(0)
