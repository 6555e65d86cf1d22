"""Previews of a month's bills; what is stored of many customers is read in sets.

Closed months are rated again only where something was recorded of them since the customer's last
invoice, which adjusted whatever was known then.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max, Min, QuerySet, Sum
from django.db.models.functions import Coalesce

from revenue.billing import periods
from revenue.billing.models import DailyUse, Invoice, UnbilledUseChoice
from revenue.billing.periods import MeterReadings, Month
from revenue.billing.plan_calendar import one_plan
from revenue.billing.reports import credit_balance
from revenue.billing.reports.unbilled_use import chosen
from revenue.billing.reports.usage import first_days, month_sums, readings
from revenue.billing.reports.versions import PriceBooks
from revenue.billing.statement import ClosedMonth, CustomerUsage, Statement, statement
from revenue.customers.billing_interval import months_before
from revenue.customers.models import Customer, SubscriptionChange
from revenue.customers.reports import agreed_terms, owners_of
from revenue.pricing.calculation.plan_use import PlanPeriod
from revenue.pricing.decimals import InvalidValues, invalid
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.version import NoSuchPlan
from revenue.pricing.reports import NothingPublished, Tampered

ADJUSTED_MONTHS = 13  # closed months before a bill that are rated again
RATING_ERRORS = (InvalidValues, NothingPublished, Tampered)
COMMIT_DELAY = timedelta(days=1)  # a fact's own time may be this much before it could be read
OWNER = Coalesce("customer__merged_into", "customer")


@dataclass(frozen=True, slots=True)
class RatedBill:
    """One customer's bill."""

    customer: Customer
    found: Statement
    version: PriceBookVersion


@dataclass(frozen=True, slots=True)
class RefusedBill:
    """A customer who cannot be billed, and why."""

    customer: Customer
    error: Exception


def preview(
    customer: Customer, day: date, books: PriceBooks | None = None
) -> tuple[Statement, PriceBookVersion]:
    """The bill of the month that contains `day`, by what is stored now; nothing is written.

    Raises InvalidValues, NothingPublished and Tampered.
    """
    (found,) = previews([customer], periods.billing_month(day), books or PriceBooks())
    if isinstance(found, RefusedBill):
        raise found.error
    return found.found, found.version


def previews(
    customers: Sequence[Customer], span: Month, books: PriceBooks
) -> Iterator[RatedBill | RefusedBill]:
    """The bills of some customers for a month, in their order."""
    stored = StoredFacts(customers, span, books)
    for customer in customers:
        try:
            version = books.in_force(customer.currency, span.start)
            yield RatedBill(customer, stored.rated(customer, version, books), version)
        except NoSuchPlan as error:
            message = f"of the customer's subscription {error}"
            yield RefusedBill(customer, invalid("plan", "unknown_tier", message))
        except RATING_ERRORS as error:
            yield RefusedBill(customer, error)


class StoredFacts:
    """What is stored of some customers for the bill of a month."""

    def __init__(self, customers: Sequence[Customer], span: Month, books: PriceBooks) -> None:
        keys = [each.pk for each in customers]
        self._span, self._owners = span, owners_of(keys)
        late = late_customers(keys, span)
        self._first = _first_invoices(late)
        self._issued = _issued(late, span.start)
        since = [min(each, span.start) for each in self._first.values()]
        first = max(min(since, default=span.start), _adjusted_since(span.start))
        self._terms = agreed_terms(keys)
        self._chosen = chosen(keys, self._owners)
        known = {each: _plans(books, each, span) for each in {row.currency for row in customers}}
        self._readings = self._read(
            {each.pk: known[each.currency] for each in customers if each.pk not in late}
        )
        if late:
            self._readings |= readings(late, first, span.end, owners=self._owners)
        self._first_days = first_days(keys)
        self._credit = credit_balance.balances(keys, self._owners)
        self._billed_before = _billed_to_merged(keys, span.start)

    def _read(self, plans: Mapping[int, Collection[str]]) -> dict[int, dict[str, MeterReadings]]:
        """The month's use: of customers on one plan its sum, of others each day.

        `plans` are the plans that each customer's price book has.
        """
        summed = {
            key
            for key, known in plans.items()
            if key not in self._chosen and one_plan(self._terms.get(key, ()), self._span) in known
        }
        rest = plans.keys() - summed
        found = month_sums(summed, self._span, self._owners) if summed else {}
        return found | (readings(rest, *self._span, owners=self._owners) if rest else {})

    def rated(self, customer: Customer, version: PriceBookVersion, books: PriceBooks) -> Statement:
        key = customer.pk
        issued = self._issued.get(key, [])
        closed = [*closed_months(issued, books), *self._between(customer, issued, books)]
        closed.sort(key=_start)
        return statement(
            self._known(key),
            self._span,
            books.book(version),
            closed,
            credit=self._credit.get(key, Decimal(0)),
            billed_before=self._billed_before.get(key, Decimal(0)),
        )

    def _known(self, key: int) -> CustomerUsage:
        return CustomerUsage(
            self._first_days.get(key),
            self._terms.get(key, []),
            self._readings.get(key, {}),
            self._chosen.get(key, []),
        )

    def _between(
        self, customer: Customer, issued: Sequence[Invoice], books: PriceBooks
    ) -> Iterator[ClosedMonth]:
        """The months without an invoice since the first one: nothing was due in them then."""
        start = self._span.start
        known = {each.period_start for each in issued}
        month = max(self._first.get(customer.pk, start), _adjusted_since(start))
        while month < start:
            span = periods.billing_month(month)
            if month not in known:
                book = books.book(books.in_force(customer.currency, month))
                yield ClosedMonth(None, span, book, Decimal(0))
            month = span.end


def _plans(books: PriceBooks, currency: str, span: Month) -> Collection[str]:
    """The codes of the plans in the currency's price book; none where there is no book."""
    try:
        return {each.code for each in books.book(books.in_force(currency, span.start)).plans}
    except RATING_ERRORS:
        return ()


def _start(each: ClosedMonth) -> date:
    return each.span.start


def _adjusted_since(month: date) -> date:
    """The first month that a bill of a month still adjusts."""
    return months_before(month, ADJUSTED_MONTHS)


def late_customers(keys: Collection[int], span: Month) -> set[int]:
    """Customers of whom something about an earlier month was recorded since their last invoice.

    A customer with merged records is always one. Facts of the day before the invoice count too: a
    transaction may have begun before the invoice and ended after it.
    """
    rows = Invoice.objects.filter(customer__in=keys).order_by()
    last = dict(rows.values_list("customer").annotate(Max("issued_at")))
    merged = Customer.objects.filter(pk__in=keys, duplicates__isnull=False)
    found = set(merged.values_list("pk", flat=True))
    if not last:
        return found
    since = min(last.values()) - COMMIT_DELAY
    recorded = [
        *_newest(_changes(last, span, since), "subscription__customer", "recorded_at"),
        *_newest(_use(last, span, since), "customer", "booked_at"),
        *_newest(_choices(last, span, since), "customer", "chosen_at"),
    ]
    published = PriceBookVersion.objects.filter(
        book__currency__in=Customer.objects.filter(pk__in=keys).values("currency"),
        published_at__gte=since,
        effective_from__lt=span.start,
    ).aggregate(last=Max("published_at"))["last"]
    recorded += [(key, published) for key in last if published]
    return found | {key for key, at in recorded if at >= last[key] - COMMIT_DELAY}


def _changes(keys: Collection[int], span: Month, since: datetime) -> QuerySet[Any]:
    return SubscriptionChange.objects.filter(
        subscription__customer__in=keys, on__lt=span.start, recorded_at__gte=since
    )


def _use(keys: Collection[int], span: Month, since: datetime) -> QuerySet[Any]:
    return DailyUse.objects.filter(customer__in=keys, day__lt=span.start, booked_at__gte=since)


def _choices(keys: Collection[int], span: Month, since: datetime) -> QuerySet[Any]:
    return UnbilledUseChoice.objects.filter(
        customer__in=keys, first_day__lt=span.start, chosen_at__gte=since
    )


def _newest(rows: QuerySet[Any], owner: str, at: str) -> list[tuple[int, datetime]]:
    """The newest time of each owner's rows."""
    return list(rows.order_by().values_list(owner).annotate(Max(at)))


def _of_customers(keys: Collection[int]) -> QuerySet[Invoice]:
    return Invoice.objects.filter(customer__in=owners_of(keys))


def _issued(keys: Collection[int], before: date) -> dict[int, list[Invoice]]:
    """The invoices before a day that may still be adjusted, by customer and month."""
    if not keys:
        return {}
    rows = _of_customers(keys).filter(
        period_start__lt=before, period_start__gte=_adjusted_since(before)
    )
    billed = rows.annotate(adjusted=Sum("adjusted_by__amount"), owner=OWNER)
    found: dict[int, list[Invoice]] = {}
    for row in billed.select_related("version__book").order_by("period_start", "pk"):
        found.setdefault(row.owner, []).append(row)
    return found


def adjusted_since(customer_id: int, today: date) -> date | None:
    """The first day whose bill is still adjusted; None without an invoice."""
    first = _first_invoices([customer_id]).get(customer_id)
    return first and max(first, _adjusted_since(periods.billing_month(today).start))


def _first_invoices(keys: Collection[int]) -> dict[int, date]:
    """The first invoiced month of each customer."""
    rows = _of_customers(keys).order_by() if keys else Invoice.objects.none()
    return dict(rows.annotate(owner=OWNER).values_list("owner").annotate(Min("period_start")))


def _billed_to_merged(keys: Collection[int], start: date) -> Mapping[int, Decimal]:
    """What a month was billed to records that were merged since."""
    rows = Invoice.objects.filter(customer__merged_into__in=keys, period_start=start).order_by()
    found: dict[int, Decimal] = {}
    for owner, rated in rows.annotate(owner=OWNER).values_list("owner", "rated"):
        found[owner] = found.get(owner, Decimal(0)) + rated
    return found


def billed_periods(row: Invoice) -> list[PlanPeriod]:
    """The plan periods by which an invoice billed use."""
    return [
        PlanPeriod(
            each["plan"],
            date.fromisoformat(each["active_from"]),
            date.fromisoformat(each["active_to"]),
        )
        for each in row.plan_periods
    ]


def closed_months(issued: Sequence[Any], books: PriceBooks) -> list[ClosedMonth]:
    """Each closed month once; for merged customers, with what was billed to both."""
    found: dict[date, ClosedMonth] = {}
    for row in issued:
        billed = row.rated + (row.adjusted or Decimal(0))
        same, stays = found.get(row.period_start), billed_periods(row)
        found[row.period_start] = (
            replace(same, billed=same.billed + billed, plan_periods=[*same.plan_periods, *stays])
            if same
            else ClosedMonth(
                row.pk,
                Month(row.period_start, row.period_end),
                books.book(row.version),
                billed,
                stays,
            )
        )
    return list(found.values())
