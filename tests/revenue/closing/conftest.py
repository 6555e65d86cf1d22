"""Two customers with a plan in March; today is 20 April 2026."""

from datetime import date

import pytest
from django.apps import apps

from operations.automations.registry import RunContext
from operations.automations.seeding import seed as schedule
from revenue.billing.periods import month
from revenue.billing.services import invoice_run
from revenue.customers.models import Customer
from revenue.pricing.seeding import seed_default_book
from tests.revenue.billing.conftest import NOW, subscribed

MARCH = month(date(2026, 3, 1))
NAME = "revenue.issue_invoices"


@pytest.fixture
def automation(db):
    """Its row, as the migration seeds it."""
    schedule(apps, name=NAME, title="Issue the month's invoices", at="04:40")
    rows = apps.get_model("operations", "Automation").objects.filter(name=NAME)
    rows.update(data_age_hours=None, largest_change_percent=None)
    return rows.get()


@pytest.fixture
def payers(automation):
    seed_default_book(apps)
    made = [
        Customer.objects.create(external_id=name, name=name, currency="USD")
        for name in ("acme", "birch")
    ]
    for each in made:
        subscribed(each, since=date(2026, 1, 1))
    return made


@pytest.fixture
def odd(payers):
    """One more, on a plan that no price book holds."""
    made = Customer.objects.create(external_id="odd", name="Odd", currency="USD")
    subscribed(made, plan="handmade", since=date(2026, 1, 1))
    return made


def run(mode="propose", now=NOW, held=None):
    more = {"may_continue": held} if held else {}
    return invoice_run.perform(RunContext(NAME, None, now, now, mode, dry_run=False, **more))
