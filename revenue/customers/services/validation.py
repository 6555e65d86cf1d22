"""Checks that subscriptions and payments share."""

from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from aethercrown.currencies import CODES
from revenue.customers.models import Customer

MAX_AMOUNT = Decimal(1_000_000_000)


class InvalidEntry(ValueError):
    """The entry cannot be stored; `field` names the value that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def check_currency(customer: Customer, currency: str) -> None:
    if currency not in CODES:
        raise InvalidEntry("currency", f"{currency!r} is not an ISO 4217 code such as USD.")
    if currency != customer.currency:
        raise InvalidEntry(
            "currency", f"{customer} pays in {customer.currency}, not in {currency}."
        )


def check_not_future(field: str, day: date, now: datetime) -> None:
    today = timezone.localdate(now)
    if day > today:
        raise InvalidEntry(field, f"{day} is after today, {today}; record it on its day.")


def checked_amount(amount: Decimal) -> Decimal:
    if not (amount.is_finite() and 0 <= amount <= MAX_AMOUNT):
        raise InvalidEntry("amount", f"must be 0 to {MAX_AMOUNT}, not {amount}.")
    return amount
