"""A customer's bill of a month: previewed, or as issued."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from revenue.billing import periods
from revenue.billing.models import Invoice
from revenue.billing.periods import Month
from revenue.billing.plan_calendar import DaysInForce
from revenue.billing.reports.previews import billed_periods, preview
from revenue.billing.reports.unbilled_use import chosen
from revenue.billing.reports.usage import readings
from revenue.billing.statement import CustomerUsage, UnbilledUse, unbilled
from revenue.customers.models import Customer
from revenue.customers.reports import agreed_terms
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.inputs import PricingInputs, inputs_from_json
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.rating.rate import PriceLine, line_from_json

NothingPublished = pricing.NothingPublished
Tampered = pricing.Tampered


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
        return Bill(
            customer,
            span,
            version,
            found.situation,
            found.lines,
            found.total,
            found.carried,
            found.not_given,
            is_complete,
            None,
            found.unbilled,
            found.overlaps,
        )
    return Bill(
        customer,
        span,
        issued.version,
        inputs_from_json(issued.inputs),
        lines(issued),
        issued.total,
        issued.carried,
        (),
        is_complete,
        issued,
        tuple(unbilled_since(issued, customer)),
    )


def unbilled_since(issued: Invoice, customer: Customer) -> list[UnbilledUse]:
    """Use in an issued month that is charged neither by its invoice nor by what is known since."""
    span, key = Month(issued.period_start, issued.period_end), customer.pk
    known = CustomerUsage(
        since=None,
        terms=agreed_terms([key]).get(key, []),
        readings=readings([key], span.start, span.end).get(key, {}),
        chosen=chosen([key]).get(key, []),
    )
    return unbilled(known, billed_periods(issued), span, pricing.book(issued.version))


def lines(found: Invoice) -> tuple[PriceLine, ...]:
    return tuple(line_from_json(each) for each in found.lines)


def invoices_of(customer_ids: Collection[int], most: int) -> list[Invoice]:
    """The newest invoices of some customers."""
    return list(Invoice.objects.filter(customer__in=customer_ids).order_by("-period_start")[:most])


def issued_months(months: Collection[tuple[int, date]]) -> dict[tuple[int, date], Invoice]:
    """The invoices of some customers' months, given by their first days."""
    rows = Invoice.objects.filter(
        customer__in={customer for customer, _ in months},
        period_start__in={month for _, month in months},
    )
    found = {
        (each.customer_id, each.period_start): each for each in rows.select_related("customer")
    }
    return {key: each for key, each in found.items() if key in months}


def issued_invoice(customer: Customer, day: date) -> Invoice | None:
    """The invoice of the month that contains `day`; None where it is not closed."""
    rows = Invoice.objects.select_related("version__book", "customer")
    return rows.filter(customer=customer, period_start=periods.billing_month(day).start).first()
