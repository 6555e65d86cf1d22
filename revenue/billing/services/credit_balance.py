"""Booking a customer's credit, and paying it out."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from aethercrown.currencies import exponent
from revenue.billing.models import CreditEntry, Invoice
from revenue.billing.reports import credit_balance
from revenue.customers.services import InvalidEntry, lock_customer


def book_invoice(made: Invoice, used: Decimal, *, now: datetime) -> None:
    """Book what an invoice left of credit and what it used, in its transaction."""
    for kind, amount in ((CreditEntry.Kind.CARRIED, made.carried), (CreditEntry.Kind.USED, -used)):
        if amount:
            CreditEntry.objects.create(
                customer=made.customer,
                currency=made.currency,
                kind=kind,
                amount=amount,
                invoice=made,
                booked_at=now,
                booked_by=made.issued_by,
            )


@transaction.atomic
def pay_out(
    customer_id: int, amount: Decimal, *, by: str, now: datetime, note: str = ""
) -> CreditEntry:
    """Record that credit was paid to the customer. Raises InvalidEntry above the balance."""
    customer = lock_customer(customer_id)
    balance = credit_balance.balances([customer.pk]).get(customer.pk, Decimal(0))
    digits = exponent(customer.currency)
    if not amount.is_finite() or not 0 < amount <= balance:
        message = f"must be above 0 and at most the balance of {balance:.{digits}f}, not {amount}."
        raise InvalidEntry("amount", message)
    if amount != round(amount, digits):
        message = f"{customer.currency} has {digits} decimals, not as many as {amount}."
        raise InvalidEntry("amount", message)
    return CreditEntry.objects.create(
        customer=customer,
        currency=customer.currency,
        kind=CreditEntry.Kind.PAID_OUT,
        amount=-amount,
        note=note,
        booked_at=now,
        booked_by=by,
    )
