"""Customers with use that outgrew their plans; now is 1 April 2026."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.apps import apps

from operations.automations.registry import RunContext
from revenue.billing.models import DailyUse
from revenue.billing.services import usage
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.seeding import seed_default_book
from revenue.upsell import services
from revenue.upsell.models import Opportunity

NOW = datetime(2026, 4, 1, 4, 10, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def published(db):
    seed_default_book(apps)
    return PriceBookVersion.objects.get(number=1)


@pytest.fixture
def calls(published):
    return usage.ensure_meter("api_calls", title="API calls")


@pytest.fixture
def grown(calls):
    """A starter customer who makes 500 calls a day: 15,000 a month, above the plan's 10,000."""
    return customer("grown", calls, 500)


def customer(key, meter, a_day, plan="starter"):
    made = Customer.objects.create(external_id=key, name=key.title(), currency="USD")
    customers.record_subscription(
        made.pk,
        external_id=f"{key}-1",
        amount=None if plan == "starter" else Decimal(29),
        currency="USD",
        started_on=date(2025, 11, 1),
        plan=plan,
        now=NOW,
    )
    owner = customers.add_contact(
        made.pk, name=f"{key.title()} Owner", email=f"{key}@example.org", role="owner"
    )
    customers.give_consent(owner, source="order form", now=NOW)
    DailyUse.objects.bulk_create(
        DailyUse(
            customer=made,
            meter=meter,
            day=TODAY - timedelta(days=back),
            quantity=Decimal(a_day),
            booked_at=NOW,
        )
        for back in range(1, 61)
    )
    return made


def sweep(mode="propose", now=NOW, may_continue=lambda: True):
    return services.find_and_offer(
        RunContext("revenue.upsell", None, now, now, mode, dry_run=False, may_continue=may_continue)
    )


def only():
    return Opportunity.objects.get()
