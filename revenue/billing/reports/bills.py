"""A customer's bill of a month: previewed, or as issued."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Q, Sum, When

from revenue.billing import periods
from revenue.billing.models import Invoice
from revenue.billing.periods import Month
from revenue.billing.reports.usage import first_days, readings
from revenue.billing.statement import ClosedMonth, CustomerUsage, Statement, statement
from revenue.customers.models import Customer
from revenue.customers.reports import plan_changes
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.inputs import PricingInputs, inputs_from_json
from revenue.pricing.decimals import invalid
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.version import NoSuchPlan
from revenue.pricing.rating.rate import PriceLine, line_from_json

ADJUSTED_MONTHS = 13  # closed months before a bill that are rated again

NothingPublished = pricing.NothingPublished
Tampered = pricing.Tampered


def in_force(currency: str, on: date) -> PriceBookVersion:
    """The version in force in a currency, of the standard book if any. Raises NothingPublished."""
    standard = Case(When(book__code=pricing.STANDARD_BOOK, then=0), default=1)
    found = PriceBookVersion.objects.select_related("book").filter(
        book__currency=currency, state=PriceBookVersion.State.PUBLISHED, effective_from__lte=on
    )
    version = found.order_by(standard, "book__code", "-effective_from", "-number").first()
    if version is None:
        raise NothingPublished(
            f"No version of a price book in {currency} is published for {on}: publish one in the"
            " admin."
        )
    return version


def preview(customer: Customer, day: date) -> tuple[Statement, PriceBookVersion]:
    """The bill of the month that contains `day`, by what is stored now; nothing is written.

    Raises InvalidValues, NothingPublished and Tampered.
    """
    span = periods.billing_month(day)
    version = in_force(customer.currency, span.start)
    issued = _issued(customer, span.start)
    first = issued[0].period_start if issued else span.start
    known = CustomerUsage(
        since=first_days([customer.pk]).get(customer.pk),
        changes=plan_changes([customer.pk]).get(customer.pk, []),
        readings=readings([customer.pk], first, span.end).get(customer.pk, {}),
    )
    book = pricing.with_every_plan_active(pricing.book(version))
    try:
        found = statement(known, span, book, _closed(issued), _credit(issued))
    except NoSuchPlan as error:
        message = f"of the customer's subscription {error}"
        raise invalid("plan", "unknown_tier", message) from None
    return found, version


def _issued(customer: Customer, before: date) -> list[Invoice]:
    """The customer's invoices before a day that may still be adjusted, by month."""
    since = periods.billing_month(before).start - timedelta(days=31 * ADJUSTED_MONTHS)
    rows = Invoice.objects.filter(
        Q(customer=customer) | Q(customer__merged_into=customer),
        period_start__lt=before,
        period_start__gte=since,
    )
    billed = rows.annotate(adjusted=Sum("adjusted_by__amount")).select_related("version__book")
    return list(billed.order_by("period_start", "pk"))


def _closed(issued: Sequence[Any]) -> list[ClosedMonth]:
    """Each closed month once; for merged customers, with what was billed to both."""
    found: dict[date, ClosedMonth] = {}
    for row in issued:
        billed = row.rated + (row.adjusted or Decimal(0))
        same = found.get(row.period_start)
        found[row.period_start] = (
            replace(same, billed=same.billed + billed)
            if same
            else ClosedMonth(
                row.pk,
                Month(row.period_start, row.period_end),
                pricing.with_every_plan_active(pricing.book(row.version)),
                billed,
            )
        )
    return list(found.values())


def _credit(issued: Sequence[Invoice]) -> Decimal:
    """The credit that the latest invoice of each record carried over."""
    last = {each.customer_id: each.carried for each in issued}
    return sum(last.values(), Decimal(0))


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
    if issued is None:
        found, version = preview(customer, span.start)
        parts = (found.situation, found.lines, found.total, found.carried, found.not_given)
    else:
        version, inputs = issued.version, inputs_from_json(issued.inputs)
        parts = (inputs, lines(issued), issued.total, issued.carried, ())
    return Bill(customer, span, version, *parts, is_complete=today >= span.end, issued=issued)


def lines(found: Invoice) -> tuple[PriceLine, ...]:
    return tuple(line_from_json(each) for each in found.lines)


def issued_invoice(customer: Customer, day: date) -> Invoice | None:
    """The invoice of the month that contains `day`; None where it is not closed."""
    rows = Invoice.objects.select_related("version__book", "customer")
    return rows.filter(customer=customer, period_start=periods.billing_month(day).start).first()
