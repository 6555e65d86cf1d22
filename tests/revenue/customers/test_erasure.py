"""After an erasure no table and no log names the customer, but for documents kept by law."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.urls import reverse

from revenue.billing.services import invoices
from revenue.customers import services as customers
from revenue.customers.models import Customer, Payment
from revenue.documents.models import BillingDetails, InvoiceDocument, InvoiceIssuer, TaxRate
from revenue.upsell import services as upsell
from revenue.upsell.models import Opportunity
from security.audit.models import Event
from tests.revenue.upsell.conftest import NOW, calls, customer, published, sweep

__all__ = ["calls", "published"]
NEEDLE = "zaphod"
MARCH = date(2026, 3, 1)


@pytest.fixture
def known(calls, admin_client):
    """A customer of whom everything that the services and the admin write is stored."""
    with time_machine.travel(NOW, tick=False):
        made = customer(NEEDLE, calls, 500)
        Customer.objects.update(owner="Zaphod Owner", segment="Retail")
        issuer = InvoiceIssuer.objects.create(
            name="Crown", address="Berlin", country="DE", is_default=True
        )
        TaxRate.objects.create(
            issuer=issuer, title="VAT", percent=Decimal(19), effective_from=date(2020, 1, 1)
        )
        BillingDetails.objects.create(
            customer=made, name="Zaphod AG", address="Zaphod Street", country="DE"
        )
        Payment.objects.create(
            external_id="zaphod-paid", customer=made, paid_on=MARCH, amount=9, currency="USD"
        )
        sweep()
        act(admin_client, made)
    return made


def act(admin_client: Any, made: Customer) -> None:
    """Offer, accept, change, issue, credit and edit, as people do."""
    row = Opportunity.objects.get()
    upsell.assign(row.pk, owner="Zaphod Sales", notes="Call Zaphod")
    for name, body in (("offer", {}), ("accept", {"amount": "80", "outcome": "Zaphod agreed"})):
        admin_client.post(reverse(f"admin:revenue_opportunity_{name}", args=[row.pk]), body)
    row.refresh_from_db()
    assert row.state == "accepted"
    invoice = invoices.issue(made.pk, MARCH, by="ada", now=NOW)
    credit = reverse("admin:revenue_invoice_credit", args=[invoice.pk])
    assert admin_client.post(credit, {"amount": "1", "reason": "Outage"}).status_code == 302
    billing = reverse("admin:revenue_billingdetails_change", args=[made.billing_details.pk])
    form = {"name": "Zaphod AG", "address": "Zaphod Street", "country": "DE", "tax_id": "Z1"}
    assert admin_client.post(billing, form).status_code == 302


def named_in() -> dict[str, int]:
    """By table, how many rows hold the needle in any column."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - a table of ours
            rows = sum(NEEDLE in repr(row).casefold() for row in cursor.fetchall())
            if rows:
                found[model._meta.db_table] = rows
    return found


def test_an_erased_customer_is_named_nowhere(known, admin_client):
    assert {"revenue_customer", "revenue_opportunity", "django_admin_log"} <= named_in().keys()
    assert Event.objects.exists()
    customers.erase(known.pk, now=NOW)
    assert named_in() == {"revenue_invoicedocument": 2}  # kept by law
    InvoiceDocument.objects.update(content=None)
    assert named_in() == {}


def test_pages_show_the_name_until_the_erasure(known, admin_client):
    page = "/dashboards/decisions"
    assert "Zaphod (customer" in admin_client.get(page).text
    customers.erase(known.pk, now=NOW)
    assert f"to customer {known.pk} (" in admin_client.get(page).text
