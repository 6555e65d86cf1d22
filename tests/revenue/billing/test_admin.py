"""Meters, daily use and invoices are shown; a month is closed by those who may approve."""

from datetime import date

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from aethercrown.csv.admin import CSVAdmin
from operations.decisions import services as decisions
from operations.jobs.services import run_next
from revenue.billing.models import CreditEntry, DailyUse, Invoice, InvoiceRun, Meter
from revenue.billing.services import invoices
from revenue.customers import services as customers
from revenue.customers.models import Customer
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


def step(run, name):
    return reverse(f"admin:revenue_invoicerun_{name}", args=[run.pk])


def issue_path():
    return reverse("admin:revenue_invoicerun_issue_month")


def test_a_month_is_previewed_then_issued_by_a_person(two_customers, customer_without_price):
    client = browser(APPROVER)
    assert "First you see how many" in client.get(issue_path()).content.decode()
    found = client.post(issue_path(), {"month": "2026-03-15", "currency": ""}, follow=True)
    assert messages_of(found) == ["The preview is being made; load this page again."]
    run = InvoiceRun.objects.get()
    page = f"{RUNS}{run.pk}/change/"
    assert "Preview a month" in client.get(page).content.decode()
    assert "Preview the month first" in client.get(step(run, "issue")).content.decode()
    run_next()
    shown = client.get(page).content.decode()
    assert "2 invoices, $198.00" in shown
    assert "customer_without_price: " in shown
    assert "no invoice the month before" in shown
    question = " ".join(client.get(step(run, "issue")).content.decode().split())
    assert "2 invoices, $198.00 by the preview of" in question
    assert "1 customer cannot be billed" in question
    client.post(step(run, "issue"), {"hold_without_use": "on"})
    run_next()
    assert Invoice.objects.count() == 2
    run.refresh_from_db()
    actors = {run.requested_by, *Invoice.objects.values_list("issued_by", flat=True)}
    assert [each.partition(":")[0] for each in actors] == ["user"]
    assert "Roll back" not in client.get(f"{DECISIONS}{run.decision_id}/change/").content.decode()
    assert "customer_without_price: " in client.get(page).content.decode()
    assert "Invoices of March 2026 in USD" in client.get(RUNS).content.decode()


def test_a_preview_is_made_again_and_a_refusal_is_shown(two_customers):
    client = browser(APPROVER)
    client.post(issue_path(), {"month": "2026-03-15", "currency": "usd"})
    run = InvoiceRun.objects.get()
    path = step(run, "preview_again")
    assert "by what is stored now" in client.get(path).content.decode()
    assert messages_of(client.post(path, follow=True)) == [f"{run}: preview started."]
    found = client.post(step(run, "issue"), {}, follow=True)
    assert "were not previewed yet" in messages_of(found)[0]


DECISIONS = "/admin/operations/decision/"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"month": "2099-01-01", "currency": "USD"}, "January 2099 runs until 2099-02-01"),
        ({"month": "2026-03-01", "currency": "EUR"}, "No customer is due in EUR"),
        ({"month": "2020-03-01"}, "No customer is due in this month"),
        ({"month": "soon", "currency": "USD"}, "Enter a valid date"),
    ],
)
def test_a_wrong_month_is_told_beside_its_field(two_customers, values, words):
    assert words in browser(APPROVER).post(issue_path(), values).content.decode()
    assert not InvoiceRun.objects.exists()


def test_a_month_that_was_rejected_is_not_issued(two_customers):
    run_automation()
    run = InvoiceRun.objects.get()
    decisions.reject(run.decision_id or 0, actor="ada", now=NOW)
    client = browser(APPROVER)
    client.post(issue_path(), {"month": "2026-03-01", "currency": "USD"})
    run_next()
    client.post(step(run, "issue"), {})
    job = run_next()
    assert job is not None
    assert "rejected" in job.error
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
    assert messages_of(found) == ["\N{MINUS SIGN}$5.00, paid out for Acme."]
    assert browser(OPERATOR).get(path).status_code == 403


ISSUE_ONE = "admin:revenue_invoice_issue_one"


def test_one_customers_invoice_is_shown_then_issued(customer):
    client, path = browser(APPROVER), reverse(ISSUE_ONE)
    asked = client.get(path, {"customer": "acme", "month": "2026-03-01"}).content.decode()
    assert 'value="acme"' in asked
    given = {"customer": "acme", "month": "2026-03-09"}
    shown = client.post(path, given).content.decode()
    assert "Acme, March 2026: 2 lines, $94.05. Press again to issue it" in shown
    seen = f"{customer.pk} 2026-03-01 94.05"
    assert f'name="shown" value="{seen}"' in shown
    for other in (
        "94.05",
        f"{customer.pk} 2026-03-01 90.00",
        f"{customer.pk + 1} 2026-03-01 94.05",
    ):
        assert "Press again" in client.post(path, {**given, "shown": other}).content.decode()
    assert not Invoice.objects.exists()
    found = client.post(path, {**given, "shown": seen}, follow=True)
    assert messages_of(found) == ["Acme, March 2026: issued, $94.05."]
    assert "has an invoice for March 2026 already" in client.post(path, given).content.decode()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"customer": "nobody", "month": "2026-03-01"}, "There is no such customer"),
        ({"customer": "acme", "month": "2099-03-01"}, "March 2099 is not over."),
        ({"customer": "acme", "month": "2001-03-01"}, "is published for 2001-03-01"),
    ],
)
def test_what_cannot_be_issued_is_told_beside_its_field(customer, values, words):
    assert words in browser(APPROVER).post(reverse(ISSUE_ONE), values).content.decode()
    assert not Invoice.objects.exists()


def test_a_credit_note_is_issued_for_an_invoice(customer):
    made = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    client, path = browser(APPROVER), reverse("admin:revenue_invoice_credit", args=[made.pk])
    assert "Left to credit: $94.05" in client.get(path).content.decode()
    over = client.post(path, {"amount": "95", "reason": "Outage"}).content.decode()
    assert "at most $94.05" in over
    found = client.post(path, {"amount": "4.05", "reason": "Outage"}, follow=True)
    assert messages_of(found) == ["Credit note for Acme, March 2026: \N{MINUS SIGN}$4.05."]
    assert "Outage" in client.get(f"{HOME}/creditnote/").content.decode()
    assert browser(OPERATOR).get(path).status_code == 403


def test_unbilled_use_is_waived_from_its_page(customer):
    customers.end(customer.subscriptions.get().pk, on=MARCH, now=NOW)
    record_calls(customer, d0305=10)
    client, path = browser(APPROVER), reverse("admin:revenue_unbilledusechoice_choose")
    page = client.get(f"/dashboards/revenue/bills/{customer.pk}?month=2026-03-01").content.decode()
    address = f"{path}?customer=acme&amp;first_day=2026-03-05&amp;last_day=2026-03-05"
    assert address in page
    assert 'value="acme"' in client.get(address.replace("&amp;", "&")).content.decode()
    given = {"customer": "acme", "first_day": "2026-03-05", "last_day": "2026-03-05"}
    unknown = client.post(path, {**given, "choice": "waive", "customer": "nobody"})
    assert "There is no customer nobody" in unknown.content.decode()
    wrong = client.post(path, {**given, "choice": "bill", "plan": "gold"}).content.decode()
    assert "gold is in no price book" in wrong
    Customer.objects.update(currency="EUR")
    unpublished = client.post(path, {**given, "choice": "bill", "plan": "starter"})
    assert "price book in EUR is published" in unpublished.content.decode()
    found = client.post(path, {**given, "choice": "waive"}, follow=True)
    assert messages_of(found) == ["Waive: 5 Mar 2026 to 5 Mar 2026, for Acme."]
    assert browser(OPERATOR).get(path).status_code == 403


def test_every_list_that_is_exported_has_its_button():
    lists = {type(each).__name__: each for each in admin.site._registry.values()}
    exported = {name: each for name, each in lists.items() if getattr(each, "export_kind", "")}
    assert {"InvoiceAdmin", "CreditEntryAdmin"} <= exported.keys()
    without = [
        name
        for name, each in exported.items()
        if isinstance(each, CSVAdmin) and "export_csv" not in each.actions_list
    ]
    assert without == []
