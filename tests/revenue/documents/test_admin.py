"""The buttons of a document in the admin."""

from datetime import date

import pytest
import time_machine
from django.urls import reverse

from revenue.documents.models import BillingDetails, InvoiceIssuer, TaxRate
from tests.revenue.documents.conftest import NOW

pytestmark = pytest.mark.django_db


def page(numbered, name):
    return reverse(f"admin:revenue_invoicedocument_{name}", args=[numbered.pk])


def test_a_document_is_downloaded_paid_and_reopened(admin_client, numbered):
    found = admin_client.get(page(numbered, "download"))
    assert found["Content-Type"] == "application/pdf"
    assert found["Content-Disposition"] == 'attachment; filename="INV-2026-000001.pdf"'
    assert "Was the whole amount paid?" in admin_client.get(page(numbered, "pay")).text
    with time_machine.travel(NOW, tick=False):
        admin_client.post(page(numbered, "pay"), {"on": "2026-04-20", "note": ""})
    numbered.refresh_from_db()
    assert (numbered.state, numbered.paid_on) == ("paid", date(2026, 4, 20))
    answer = admin_client.post(page(numbered, "write_off"), {"note": "never"}, follow=True)
    assert "is paid" in answer.text
    admin_client.post(page(numbered, "reopen"), {"note": "returned"})
    numbered.refresh_from_db()
    assert numbered.state == "open"


def test_what_was_erased_is_not_downloaded(admin_client, numbered):
    type(numbered).objects.update(content=None)
    assert "was erased after" in admin_client.get(page(numbered, "download"), follow=True).text


def test_people_enter_issuers_rates_and_details(admin_client, customer, issuer, details):
    assert str(issuer) == "Crown GmbH"
    assert str(TaxRate.objects.get(country="DE")) == "VAT of 19%, DE"
    assert str(BillingDetails.objects.get()) == "Billing details of Acme"
    path = reverse("admin:revenue_billingdetails_change", args=[details.pk])
    assert admin_client.get(path).status_code == 200
    assert admin_client.get(reverse("admin:revenue_billingdetails_add")).status_code == 200
    assert InvoiceIssuer.objects.count() == 1
