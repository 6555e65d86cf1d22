"""Recording payments and refunds."""

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from revenue.customers.billing_interval import rounded
from revenue.customers.models import Payment
from revenue.customers.services.customers import lock_customer
from revenue.customers.services.validation import (
    InvalidEntry,
    check_currency,
    check_not_future,
    checked_amount,
)


@transaction.atomic
def record_payment(
    customer_id: int,
    *,
    external_id: str,
    amount: Decimal,
    currency: str,
    paid_on: date,
    now: datetime,
    kind: str = Payment.Kind.PAYMENT,
) -> Payment:
    """Store a payment from a customer, or a refund. Raises InvalidEntry."""
    customer = lock_customer(customer_id)
    check_currency(customer, currency)
    check_not_future("paid_on", paid_on, now)
    if kind not in Payment.Kind.values:
        raise InvalidEntry("kind", f"{kind!r} is not one of {', '.join(Payment.Kind.values)}.")
    try:
        with transaction.atomic():
            return Payment.objects.create(
                external_id=external_id,
                customer=customer,
                kind=kind,
                amount=rounded(checked_amount(amount)),
                currency=currency,
                paid_on=paid_on,
            )
    except IntegrityError as error:
        reason = f"A payment {external_id!r} is stored already."
        raise InvalidEntry("external_id", reason) from error
