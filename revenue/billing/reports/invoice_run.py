"""Reading invoice runs: who is due, and a month's totals."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery, Sum

from operations.automations.registry import always
from revenue.billing.invoice_run import Estimate
from revenue.billing.models import Adjustment, DailyUse, Invoice, InvoiceRun
from revenue.billing.periods import Month
from revenue.billing.reports.bills import NothingPublished, Tampered, preview
from revenue.customers.models import Customer, SubscriptionChange
from revenue.customers.plan_terms import SubscriptionState
from revenue.pricing.decimals import InvalidValues

BATCH = 500
RATING_ERRORS = (InvalidValues, NothingPublished, Tampered)


def due_customers(currency: str, span: Month) -> QuerySet[Customer]:
    """Customers with something to bill for the month and without an invoice for it yet.

    They had a plan in force or a change in the month, or something was recorded of them since
    their last invoice.
    """
    mine = SubscriptionChange.objects.filter(subscription__customer=OuterRef("pk"))
    running = mine.filter(
        Q(subscription__ended_on=None) | Q(subscription__ended_on__gte=span.start),
        state__in=[SubscriptionState.ACTIVE, SubscriptionState.TRIAL],
        on__lt=span.end,
    )
    last = Invoice.objects.filter(customer=OuterRef(OuterRef("pk"))).order_by("-issued_at")
    issued_at = Subquery(last.values("issued_at")[:1])
    use = DailyUse.objects.filter(customer=OuterRef("pk"), day__lt=span.end)
    late = Exists(mine.filter(recorded_at__gte=issued_at, on__lt=span.end)) | Exists(
        use.filter(booked_at__gte=issued_at)
    )
    billed = Invoice.objects.filter(customer=OuterRef("pk"), period_start=span.start)
    rows = Customer.objects.filter(currency=currency, merged_into=None, erased_at=None)
    return rows.filter(Exists(running) | late, ~Exists(billed)).order_by("pk")


def iterate_due(currency: str, span: Month) -> Iterator[Customer]:
    """All due customers, read in batches while invoices are issued."""
    after = 0
    while batch := list(due_customers(currency, span).filter(pk__gt=after)[:BATCH]):
        after = batch[-1].pk
        yield from batch


def currencies(span: Month) -> list[str]:
    """Currencies with customers due for a month."""
    rows = Customer.objects.filter(subscriptions__started_on__lt=span.end, merged_into=None)
    return sorted(set(rows.order_by().values_list("currency", flat=True)))


def estimate(
    currency: str, span: Month, keep_going: Callable[[], bool] = always
) -> Estimate | None:
    """The previews of all due customers, added up; None where `keep_going` returned False."""
    count, total = 0, Decimal(0)
    refused: list[tuple[str, str]] = []
    for customer in iterate_due(currency, span):
        if not keep_going():
            return None
        try:
            found, _ = preview(customer, span.start)
        except RATING_ERRORS as error:
            refused.append((customer.external_id, str(error)))
        else:
            count, total = count + bool(found.lines), total + found.total
    return Estimate(count, total, tuple(refused))


def last_proposed(currency: str) -> date | None:
    """The newest month proposed in a currency."""
    rows = InvoiceRun.objects.filter(currency=currency)
    newest: date | None = rows.aggregate(last=Max("period_start"))["last"]
    return newest


def billed(currency: str, start: date) -> tuple[int, Decimal | None]:
    """The number of a month's invoices, and their total."""
    rows = Invoice.objects.filter(currency=currency, period_start=start)
    return rows.count(), rows.aggregate(total=Sum("total"))["total"]


def adjusted(currency: str, start: date) -> Decimal:
    """The sum of later adjustments of a month's invoices."""
    rows = Adjustment.objects.filter(
        original_invoice__currency=currency, original_invoice__period_start=start
    )
    return rows.aggregate(total=Sum("amount"))["total"] or Decimal(0)
