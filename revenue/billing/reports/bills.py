"""A customer's bill of a month: previewed, or as issued."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Min, Q, QuerySet, Sum

from revenue.billing import periods
from revenue.billing.models import Invoice
from revenue.billing.periods import Month
from revenue.billing.plan_calendar import DaysInForce
from revenue.billing.reports import credit_balance
from revenue.billing.reports.usage import first_days, readings
from revenue.billing.reports.versions import in_force
from revenue.billing.statement import (
    ClosedMonth,
    CustomerUsage,
    Statement,
    UnbilledUse,
    statement,
)
from revenue.customers.billing_interval import months_before
from revenue.customers.models import Customer
from revenue.customers.reports import agreed_terms
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.inputs import PricingInputs, inputs_from_json
from revenue.pricing.calculation.plan_use import PlanPeriod
from revenue.pricing.decimals import invalid
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.version import NoSuchPlan
from revenue.pricing.rating.rate import PriceLine, line_from_json

ADJUSTED_MONTHS = 13  # closed months before a bill that are rated again

NothingPublished = pricing.NothingPublished
Tampered = pricing.Tampered


def preview(customer: Customer, day: date) -> tuple[Statement, PriceBookVersion]:
    """The bill of the month that contains `day`, by what is stored now; nothing is written.

    Raises InvalidValues, NothingPublished and Tampered.
    """
    span = periods.billing_month(day)
    version = in_force(customer.currency, span.start)
    issued = _issued(customer, span.start)
    closed = [*_closed(issued), *_between(customer, issued, span)]
    closed.sort(key=lambda each: each.span.start)
    first = closed[0].span.start if closed else span.start
    known = CustomerUsage(
        since=first_days([customer.pk]).get(customer.pk),
        terms=agreed_terms([customer.pk]).get(customer.pk, []),
        readings=readings([customer.pk], first, span.end).get(customer.pk, {}),
    )
    book = pricing.with_every_plan_active(pricing.book(version))
    before = sum((each.rated for each in issued_to_merged(customer, span.start)), Decimal(0))
    credit = credit_balance.balances([customer.pk]).get(customer.pk, Decimal(0))
    try:
        found = statement(known, span, book, closed, credit=credit, billed_before=before)
    except NoSuchPlan as error:
        message = f"of the customer's subscription {error}"
        raise invalid("plan", "unknown_tier", message) from None
    return found, version


def _issued(customer: Customer, before: date) -> list[Invoice]:
    """The customer's invoices before a day that may still be adjusted, by month."""
    rows = _of_customer(customer).filter(
        period_start__lt=before, period_start__gte=_adjusted_since(before)
    )
    billed = rows.annotate(adjusted=Sum("adjusted_by__amount")).select_related("version__book")
    return list(billed.order_by("period_start", "pk"))


def _of_customer(customer: Customer) -> QuerySet[Invoice]:
    return Invoice.objects.filter(Q(customer=customer) | Q(customer__merged_into=customer))


def _adjusted_since(month: date) -> date:
    """The first month that a bill of a month still adjusts."""
    return months_before(month, ADJUSTED_MONTHS)


def issued_to_merged(customer: Customer, start: date) -> QuerySet[Invoice]:
    """Invoices of a month that were issued to records merged into this one since."""
    return Invoice.objects.filter(customer__merged_into=customer, period_start=start)


def _closed(issued: Sequence[Any]) -> list[ClosedMonth]:
    """Each closed month once; for merged customers, with what was billed to both."""
    found: dict[date, ClosedMonth] = {}
    for row in issued:
        billed = row.rated + (row.adjusted or Decimal(0))
        same = found.get(row.period_start)
        stays = [
            PlanPeriod(
                each["plan"],
                date.fromisoformat(each["active_from"]),
                date.fromisoformat(each["active_to"]),
            )
            for each in row.plan_periods
        ]
        found[row.period_start] = (
            replace(same, billed=same.billed + billed, plan_periods=[*same.plan_periods, *stays])
            if same
            else ClosedMonth(
                row.pk,
                Month(row.period_start, row.period_end),
                pricing.with_every_plan_active(pricing.book(row.version)),
                billed,
                stays,
            )
        )
    return list(found.values())


def _between(customer: Customer, issued: Sequence[Any], span: Month) -> Iterator[ClosedMonth]:
    """The months without an invoice since the first one: nothing was due in them then."""
    first = _of_customer(customer).aggregate(first=Min("period_start"))["first"] or span.start
    known = {each.period_start for each in issued}
    month = max(first, _adjusted_since(span.start))
    while month < span.start:
        if month not in known:
            version = in_force(customer.currency, month)
            book = pricing.with_every_plan_active(pricing.book(version))
            yield ClosedMonth(None, periods.billing_month(month), book, Decimal(0))
        month = periods.billing_month(month).end


@dataclass(frozen=True, slots=True)
class Bill:
    """A month's bill as previewed now, or as issued."""

    customer: Customer
    span: Month
    version: PriceBookVersion
    situation: PricingInputs
    lines: tuple[PriceLine, ...]
    total: Decimal
    carried: Decimal
    not_given: tuple[str, ...]
    is_complete: bool
    issued: Invoice | None
    unbilled: tuple[UnbilledUse, ...] = ()
    overlaps: tuple[DaysInForce, ...] = ()

    @property
    def currency(self) -> str:
        return str(self.version.book.currency)

    def as_dict(self) -> dict[str, Any]:
        """The API's fields; amounts as Decimal."""
        return {
            "customer_id": self.customer.external_id,
            "currency": self.currency,
            "period_start": self.span.start.isoformat(),
            "period_end": self.span.end.isoformat(),
            "is_complete": self.is_complete,
            "is_issued": self.issued is not None,
            "version": str(self.version),
            "usage": dict(self.situation.usage),
            "lines": [asdict(each) for each in self.lines],
            "total": self.total,
            "carried": self.carried,
            "not_given": list(self.not_given),
            "unbilled": [
                {
                    "metric": each.metric,
                    "quantity": each.quantity,
                    "first_day": each.first.isoformat(),
                    "last_day": each.last.isoformat(),
                    "reason": each.reason,
                }
                for each in self.unbilled
            ],
        }


def bill(external_id: str, day: date | None, now: datetime) -> Bill:
    """A customer's bill of the month that contains `day`, by default the current month.

    Raises Customer.DoesNotExist and what `preview` raises.
    """
    customer = Customer.objects.select_related("merged_into").get(external_id=external_id)
    customer = customer.merged_into or customer
    today = periods.today_in(customer.time_zone, now)
    span = periods.billing_month(day or today)
    issued = issued_invoice(customer, span.start)
    is_complete = today >= span.end
    if issued is None:
        found, version = preview(customer, span.start)
        parts = (found.situation, found.lines, found.total, found.carried, found.not_given)
        more = (is_complete, None, found.unbilled, found.overlaps)
        return Bill(customer, span, version, *parts, *more)
    parts = (inputs_from_json(issued.inputs), lines(issued), issued.total, issued.carried, ())
    return Bill(customer, span, issued.version, *parts, is_complete, issued)


def lines(found: Invoice) -> tuple[PriceLine, ...]:
    return tuple(line_from_json(each) for each in found.lines)


def issued_invoice(customer: Customer, day: date) -> Invoice | None:
    """The invoice of the month that contains `day`; None where it is not closed."""
    rows = Invoice.objects.select_related("version__book", "customer")
    return rows.filter(customer=customer, period_start=periods.billing_month(day).start).first()
