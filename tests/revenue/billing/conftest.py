"""A customer on the professional plan since last year, and meters; today is 20 April 2026."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.apps import apps

from revenue.billing import services
from revenue.billing.services import Total
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.seeding import seed_default_book

NOW = datetime(2026, 4, 20, 9, tzinfo=UTC)
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture
def published(db):
    seed_default_book(apps)
    return PriceBookVersion.objects.get(number=1)


@pytest.fixture
def meters(db):
    services.meter("api_calls", title="API calls")
    services.meter("storage_gb", combine="last")
    services.meter("daily_active_rate", part="engagement", combine="mean")


@pytest.fixture
def customer(published, meters) -> Customer:
    made = Customer.objects.create(
        external_id="acme", name="Acme", segment="Retail", currency="USD", time_zone="Asia/Tokyo"
    )
    subscribed(made)
    return made


def subscribed(customer, plan="professional", amount=99, since=date(2025, 1, 1), **more):
    return customers.record_subscription(
        customer.pk,
        external_id=f"{customer.external_id}-{customer.subscriptions.count() + 1}",
        amount=Decimal(amount),
        currency=customer.currency,
        started_on=since,
        plan=plan,
        now=more.pop("now", NOW),
    )


def told(customer, **days):
    """Totals of calls by day: told(customer, d0305=10) is 5 March."""
    return services.record(
        [
            Total(customer.pk, "api_calls", date(2026, int(k[1:3]), int(k[3:])), Decimal(v))
            for k, v in days.items()
        ],
        now=NOW,
    )
