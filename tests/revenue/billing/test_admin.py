"""Meters, daily use and invoices are shown; a month is closed by those who may approve."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from operations.decisions import services as decisions
from revenue.billing.models import CreditEntry, DailyUse, Invoice, InvoiceRun, Meter
from revenue.billing.services import invoices
from security.access.roles import APPROVER, OPERATOR
from tests.operations.people import messages_of
from tests.revenue.billing.conftest import MARCH, NOW, record_calls, run_automation
from tests.revenue.upsell.test_admin import browser

HOME = "/admin/revenue"


def test_a_meter_that_was_used_keeps_how_it_is_counted(admin_client, customer):
    record_calls(customer, d0305=10)
    meter = Meter.objects.get(code="api_calls")
    path = f"{HOME}/meter/{meter.pk}/change/"
    admin_client.post(path, {"title": "Calls", "unit": "", "aggregation": "max", "code": "x"})
    meter.refresh_from_db()
    assert (meter.title, meter.aggregation, meter.code) == ("Calls", "sum", "api_calls")
    unused = Meter.objects.get(code="storage_gb")
    values = {"title": "Storage", "unit": "GB", "input_group": "usage", "aggregation": "max"}
    admin_client.post(f"{HOME}/meter/{unused.pk}/change/", values)
    unused.refresh_from_db()
    assert (unused.aggregation, unused.code) == ("max", "storage_gb")
    assert admin_client.get(f"{HOME}/meter/add/").status_code == 200


def test_use_and_invoices_are_read_and_exported(admin_client, customer):
    record_calls(customer, d0305=10)
    made = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    for path in ("dailyuse/", "invoice/", f"invoice/{made.pk}/change/"):
        assert admin_client.get(f"{HOME}/{path}").status_code == 200
    use = DailyUse.objects.get()
    assert admin_client.get(f"{HOME}/dailyuse/{use.pk}/delete/").status_code == 403
    admin_client.post(f"{HOME}/invoice/{made.pk}/change/", {"total": "1"})
    assert Invoice.objects.get().total == made.total


def test_a_file_of_use_is_shown_before_it_is_stored(admin_client, customer):
    content = f"customer,metric,day,quantity\nacme,api_calls,{date(2026, 3, 5)},12.5\n"
    file = SimpleUploadedFile("use.csv", content.encode())
    assert timezone.now().date() > date(2026, 3, 5)
    shown = admin_client.post(
        f"{HOME}/dailyuse/import-csv/", {"kind": "billed-use", "file": file, "currency": "USD"}
    )
    assert "12.5" in shown.content.decode()
    assert not DailyUse.objects.exists()


RUNS = "/admin/revenue/invoicerun/"


def issue_path():
    return reverse("admin:revenue_invoicerun_issue_month")


def test_the_button_issues_a_month_and_the_list_shows_it(two_customers, customer_without_price):
    client = browser(APPROVER)
    assert "cannot be changed" in client.get(issue_path()).content.decode().replace("\n", " ")
    found = client.post(issue_path(), {"month": "2026-03-15", "currency": "usd"}, follow=True)
    words = "Invoices of March 2026 in USD: 2 invoices issued; 1 customer could not be billed."
    assert messages_of(found) == [words]
    assert Invoice.objects.count() == 2
    assert "Invoices of March 2026 in USD" in client.get(RUNS).content.decode()
    shown = client.get(f"{RUNS}{InvoiceRun.objects.get().pk}/change/").content.decode()
    assert "customer_without_price: " in shown


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"month": "2099-01-01", "currency": "USD"}, "January 2099 runs until 2099-02-01"),
        ({"month": "2026-03-01", "currency": "EUR"}, "No customer is due in EUR"),
        ({"month": "soon", "currency": "USD"}, "Enter a valid date"),
    ],
)
def test_a_wrong_month_is_told_beside_its_field(two_customers, values, words):
    assert words in browser(APPROVER).post(issue_path(), values).content.decode()
    assert not InvoiceRun.objects.exists()


def test_a_month_that_was_rejected_is_not_issued(two_customers):
    run_automation()
    decisions.reject(InvoiceRun.objects.get().decision_id or 0, actor="ada", now=NOW)
    shown = browser(APPROVER).post(issue_path(), {"month": "2026-03-01", "currency": "USD"})
    assert "rejected" in shown.content.decode()
    assert not Invoice.objects.exists()


def test_an_operator_may_look_and_not_issue(two_customers):
    run_automation()
    client = browser(OPERATOR)
    assert "Invoices of March 2026 in USD" in client.get(RUNS).content.decode()
    assert client.post(issue_path(), {"month": "2026-03-01", "currency": "USD"}).status_code == 403


def test_a_customers_credit_is_listed_and_paid_out(customer):
    made = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    CreditEntry.objects.create(
        customer=customer, currency="USD", kind="carried", amount=20, invoice=made, booked_at=NOW
    )
    client = browser(APPROVER)
    assert "20.00" in client.get(f"{HOME}/creditentry/").content.decode()
    path = reverse("admin:revenue_creditentry_pay_out")
    assert "leaves the customer" in client.get(path).content.decode()
    for values, words in (
        ({"customer": "nobody", "amount": "5"}, "There is no customer nobody"),
        ({"customer": "acme", "amount": "21"}, "at most the balance of 20.00"),
    ):
        assert words in client.post(path, values).content.decode()
    found = client.post(path, {"customer": "acme", "amount": "5", "note": "by bank"}, follow=True)
    assert messages_of(found) == ["-5 USD, paid out for Acme."]
    assert browser(OPERATOR).get(path).status_code == 403
