"""An issuer in Germany, its tax rates, and a customer with billing details."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.apps import apps

from revenue.billing.services import invoices
from revenue.customers.models import Customer
from revenue.documents.models import BillingDetails, InvoiceDocument, InvoiceIssuer, TaxRate
from revenue.pricing.seeding import seed_default_book
from tests.revenue.billing.conftest import subscribed

NOW = datetime(2026, 4, 20, 9, tzinfo=UTC)
MARCH = date(2026, 3, 1)


@pytest.fixture
def issuer(db):
    made = InvoiceIssuer.objects.create(
        name="Crown GmbH",
        address="Hauptstraße 1\n10115 Berlin",
        country="DE",
        tax_id="DE123",
        payment_details="IBAN DE00 1234",
        number_prefix="INV",
        is_default=True,
    )
    first = date(2020, 1, 1)
    rows = [
        ("DE", "all", "19", ""),
        ("", "with_tax_id", "0", "Reverse charge."),
        ("", "all", "0", ""),
    ]
    for country, customers, percent, note in rows:
        TaxRate.objects.create(
            issuer=made,
            country=country,
            customers=customers,
            title="VAT",
            percent=Decimal(percent),
            note=note,
            effective_from=first,
        )
    return made


@pytest.fixture
def customer(db):
    """On the professional plan (99 a month) since last year."""
    seed_default_book(apps)
    made = Customer.objects.create(external_id="acme", name="Acme", currency="USD")
    subscribed(made)
    return made


@pytest.fixture
def details(customer):
    return BillingDetails.objects.create(
        customer=customer, name="Acme AG", address="Ring 2\n10117 Berlin", country="DE"
    )


@pytest.fixture
def numbered(issuer, details, customer):
    """The document of March's invoice."""
    return issue(customer, MARCH)


def issue(customer, month):
    made = invoices.issue(customer.pk, month, by="ada", now=NOW)
    return InvoiceDocument.objects.get(invoice=made)
