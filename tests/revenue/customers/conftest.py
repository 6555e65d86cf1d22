"""A customer to whom things happen; today is NOW's day."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from revenue.customers import services
from revenue.customers.models import Customer
from revenue.mrr.models import MrrMovement
from revenue.mrr.movements import MovementKind

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def customer(db) -> Customer:
    return Customer.objects.create(
        external_id="acme", name="Acme", segment="Retail", owner="Ada", currency="USD"
    )


@pytest.fixture
def subscribe(customer):
    """Record a subscription: `subscribe(started_on, amount)`, each with an id of its own."""

    def record(started_on: date, amount: str, *, of: Customer = customer, now=NOW, **more):
        count = of.subscriptions.count() + 1
        return services.record_subscription(
            of.pk,
            external_id=f"{of.external_id}-{count}",
            amount=Decimal(amount),
            currency=of.currency,
            started_on=started_on,
            now=now,
            **more,
        )

    return record


def mrr(currency: str, on: date) -> Decimal:
    """MRR at the end of a day, from every movement booked until then."""
    rows = MrrMovement.objects.filter(currency=currency, on__lte=on)
    return sum((MovementKind(row.kind).sign * row.amount for row in rows), Decimal(0))
