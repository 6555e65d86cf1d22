"""A customer on the professional plan since last year, and meters; today is 20 April 2026."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.apps import apps

from operations.automations.registry import RunContext
from operations.automations.seeding import seed as schedule
from revenue.billing.periods import billing_month
from revenue.billing.services import invoice_run, usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.models import Customer, SubscriptionChange
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.seeding import seed_default_book

NOW = datetime(2026, 4, 20, 9, tzinfo=UTC)
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
MARCH_MONTH = billing_month(MARCH)


@pytest.fixture
def published(db):
    seed_default_book(apps)
    return PriceBookVersion.objects.get(number=1)


@pytest.fixture
def meters(db):
    usage.ensure_meter("api_calls", title="API calls")
    usage.ensure_meter("storage_gb", aggregation="last")
    usage.ensure_meter("daily_active_rate", input_group="engagement", aggregation="mean")


@pytest.fixture
def customer(published, meters) -> Customer:
    made = Customer.objects.create(
        external_id="acme", name="Acme", segment="Retail", currency="USD", time_zone="Asia/Tokyo"
    )
    subscribed(made)
    return made


def subscribed(customer, plan="professional", amount=None, since=date(2025, 1, 1), **more):
    return customers.record_subscription(
        customer.pk,
        external_id=f"{customer.external_id}-{customer.subscriptions.count() + 1}",
        amount=None if amount is None else Decimal(amount),
        currency=customer.currency,
        started_on=since,
        plan=plan,
        now=more.pop("now", NOW),
        **more,
    )


def record_calls(customer, **days):
    """Totals of calls by day: record_calls(customer, d0305=10) is 5 March."""
    return usage.record(
        [
            DailyTotal(customer.pk, "api_calls", date(2026, int(k[1:3]), int(k[3:])), Decimal(v))
            for k, v in days.items()
        ],
        now=NOW,
    )


AUTOMATION = "revenue.issue_invoices"


@pytest.fixture
def automation(db):
    """Its row, as the migration seeds it."""
    schedule(apps, name=AUTOMATION, title="Issue the month's invoices", at="04:40")
    rows = apps.get_model("operations", "Automation").objects.filter(name=AUTOMATION)
    rows.update(data_age_hours=None, largest_change_percent=None)
    return rows.get()


@pytest.fixture
def two_customers(automation):
    seed_default_book(apps)
    made = [
        Customer.objects.create(external_id=name, name=name, currency="USD")
        for name in ("acme", "birch")
    ]
    for each in made:
        subscribed(each, since=date(2026, 1, 1))
    return made


@pytest.fixture
def customer_without_price(two_customers):
    """One more, at the list price of a plan that no price book holds."""
    made = Customer.objects.create(external_id="customer_without_price", name="Odd", currency="USD")
    subscribed(made, since=date(2026, 1, 1))
    SubscriptionChange.objects.filter(subscription__customer=made).update(plan="handmade")
    return made


def run_automation(mode="propose", now=NOW, held=None):
    more = {"may_continue": held} if held else {}
    return invoice_run.run_invoicing(
        RunContext(AUTOMATION, None, now, now, mode, dry_run=False, **more)
    )
