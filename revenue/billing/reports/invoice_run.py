"""Reading invoice runs: who is due, what a month would bill, and what it billed."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery, Sum

from aethercrown.formatting import month_text
from operations.automations.registry import always
from revenue.billing.models import Adjustment, DailyUse, Invoice, InvoiceRun, UnbilledUseChoice
from revenue.billing.month_preview import MonthPreview, PastInvoice
from revenue.billing.periods import Month
from revenue.billing.reports.previews import RefusedBill, previews
from revenue.billing.reports.versions import PriceBooks
from revenue.billing.unbilled_use import UseChoice
from revenue.customers.billing_interval import months_before
from revenue.customers.models import Customer, SubscriptionChange
from revenue.customers.plan_terms import SubscriptionState
from revenue.documents import reports as documents
from revenue.pricing.calculation.inputs import inputs_from_json

BATCH = 1_000


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
    chosen = UnbilledUseChoice.objects.filter(customer=OuterRef("pk"), first_day__lt=span.end)
    late = (
        Exists(mine.filter(recorded_at__gte=issued_at, on__lt=span.end))
        | Exists(use.filter(booked_at__gte=issued_at))
        | Exists(chosen.filter(chosen_at__gte=issued_at))
        | Exists(chosen.filter(choice=UseChoice.BILL, end_day__gt=span.start))
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
    """Currencies of customers with a subscription before the end of a month."""
    rows = Customer.objects.filter(subscriptions__started_on__lt=span.end, merged_into=None)
    return sorted(set(rows.order_by().values_list("currency", flat=True)))


def due_currencies(span: Month) -> list[str]:
    """Currencies in which somebody is due."""
    return [each for each in currencies(span) if due_customers(each, span).exists()]


def month_preview(
    currency: str, span: Month, keep_going: Callable[[], bool] = always
) -> MonthPreview | None:
    """The previews of all due customers, added up; None where `keep_going` returned False."""
    found, books, after = MonthPreview(), PriceBooks(), 0
    while batch := list(due_customers(currency, span).filter(pk__gt=after)[:BATCH]):
        after = batch[-1].pk
        keys = [each.pk for each in batch]
        unnamed = documents.without_details(keys)
        past, later = _past_invoices(keys, months_before(span.start, 1)), closed_later(keys, span)
        for each in previews(batch, span, books):
            if not keep_going():
                return None
            key = each.customer.pk
            if key in later:
                found.refused.append((key, words_of_closed_later(span)))
            elif isinstance(each, RefusedBill):
                found.refused.append((key, str(each.error)))
            elif key in unnamed and each.found.total:
                found.refused.append((key, "There are no billing details to invoice."))
            elif each.found.lines:
                usage = each.found.situation.usage
                found.add(key, each.found.total, usage, past.get(key))
    return found


def closed_later(keys: Collection[int], span: Month) -> set[int]:
    """Customers with an invoice of a later month: no earlier month is closed any more."""
    rows = Invoice.objects.filter(customer__in=keys, period_start__gt=span.start).order_by()
    return set(rows.values_list("customer", flat=True))


def words_of_closed_later(span: Month) -> str:
    return f"A month after {month_text(span.start)} is closed already."


def _past_invoices(keys: Collection[int], start: date) -> dict[int, PastInvoice]:
    """The invoices of a month, by customer."""
    rows = Invoice.objects.filter(customer__in=keys, period_start=start).order_by()
    found = rows.values_list("customer", "total", "inputs")
    return {key: PastInvoice(total, inputs_from_json(inputs).usage) for key, total, inputs in found}


def named(rows: Iterable[tuple[int | str, str]]) -> list[tuple[str, str]]:
    """Stored customer numbers with a text, as external ids; older rows have these already."""
    pairs = list(rows)
    found = Customer.objects.filter(pk__in=[key for key, _ in pairs if isinstance(key, int)])
    names = dict(found.values_list("pk", "external_id"))
    return [
        (names.get(key, f"customer {key}") if isinstance(key, int) else key, text)
        for key, text in pairs
    ]


def last_proposed(currency: str) -> date | None:
    """The newest month proposed in a currency."""
    rows = InvoiceRun.objects.filter(currency=currency, decision__isnull=False)
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
