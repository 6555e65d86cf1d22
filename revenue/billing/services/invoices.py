"""Issuing invoices."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from django.db import transaction

from aethercrown.formatting import money_text, month_text
from revenue.billing import periods
from revenue.billing.models import Adjustment, Invoice
from revenue.billing.periods import Month
from revenue.billing.reports import bills, invoice_run
from revenue.billing.reports.previews import preview
from revenue.billing.reports.versions import PriceBooks, in_force
from revenue.billing.services import credit_balance
from revenue.billing.statement import LateAdjustment, Statement
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry, lock_customer
from revenue.documents import services as documents
from revenue.documents.services import Claim


def issue_due(
    customer_id: int, day: date, *, by: str, now: datetime, books: PriceBooks | None = None
) -> Invoice | None:
    """As `issue`; None where there is nothing to bill or to credit for the month."""
    return _issue(customer_id, day, by=by, now=now, books=books, skip_empty=True)


def issue(
    customer_id: int, day: date, *, by: str, now: datetime, shown: Decimal | None = None
) -> Invoice:
    """Close the month that contains `day` with an invoice; returns the invoice of a closed month.

    It has the lines that `reports.previews.preview` shows at that moment. Raises InvalidEntry where
    the month is not over, a later one is closed or the total is not the one that was `shown`, and
    what a preview raises.
    """
    return cast("Invoice", _issue(customer_id, day, by=by, now=now, skip_empty=False, shown=shown))


@transaction.atomic
def _issue(
    customer_id: int,
    day: date,
    *,
    by: str,
    now: datetime,
    skip_empty: bool,
    books: PriceBooks | None = None,
    shown: Decimal | None = None,
) -> Invoice | None:
    customer = lock_customer(customer_id)
    existing = bills.issued_invoice(customer, day)
    if existing is not None:
        return existing
    span = periods.billing_month(day)
    _check_may_close(customer, span, now)
    found, version = preview(customer, day, books)
    if skip_empty and not found.lines:
        return None
    _check_shown(found, shown)
    made = Invoice.objects.create(
        customer=customer,
        version=version,
        digest=version.digest,
        currency=found.currency,
        period_start=span.start,
        period_end=span.end,
        issued_at=now,
        issued_by=by[:150],
        inputs=found.situation.as_json(),
        plan_periods=[asdict(each) for each in found.plan_periods],
        lines=[each.as_json() for each in found.lines],
        rated=found.rated,
        total=found.total,
        carried=found.carried,
    )
    _store_adjustments(made, found.adjustments)
    credit_balance.book_invoice(made, found.used_credit, now=now)
    _number(made, found)
    return made


def _number(made: Invoice, found: Statement) -> None:
    """Give an invoice over something its number and document, where an issuer is set up."""
    if not made.total:
        return
    documents.issue(
        Claim(
            made.customer,
            made.currency,
            month_text(made.period_start),
            [(each.description, each.amount) for each in found.lines],
            made.total,
            made.issued_at,
            invoice_id=made.pk,
        )
    )


def _check_may_close(customer: Customer, span: Month, now: datetime) -> None:
    """Raise InvalidEntry where the month is not over or a later one is closed."""
    today = periods.today_in(customer.time_zone, now)
    if today < span.end:
        month = month_text(span.start)
        raise InvalidEntry("period", f"{month} runs until {span.end}; today is {today}.")
    if invoice_run.closed_later([customer.pk], span):
        raise InvalidEntry("period", invoice_run.words_of_closed_later(span))


def _check_shown(found: Statement, shown: Decimal | None) -> None:
    """Raise InvalidEntry where a total was shown and it is another one now."""
    if shown is not None and found.total != shown:
        now_due, before = (money_text(each, found.currency) for each in (found.total, shown))
        raise InvalidEntry("total", f"It is {now_due} now, and was {before} when it was shown.")


def _store_adjustments(made: Invoice, adjustments: Iterable[LateAdjustment]) -> None:
    Adjustment.objects.bulk_create(
        Adjustment(
            invoice=made,
            original_invoice_id=each.month.key or _close_empty(made, each.month.span).pk,
            rated=each.total,
            amount=each.amount,
        )
        for each in adjustments
    )


def _close_empty(made: Invoice, span: Month) -> Invoice:
    """An invoice of zero for an earlier month in which nothing was due, so that it is adjusted."""
    version = in_force(made.currency, span.start)
    return Invoice.objects.create(
        customer_id=made.customer_id,
        version=version,
        digest=version.digest,
        currency=made.currency,
        period_start=span.start,
        period_end=span.end,
        issued_at=made.issued_at,
        issued_by=made.issued_by,
        inputs={},
        plan_periods=[],
        lines=[],
        rated=0,
        total=0,
    )
