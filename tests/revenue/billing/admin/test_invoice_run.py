"""A month is closed by a button, by those who may approve."""

import pytest
from django.urls import reverse

from operations.decisions import services as decisions
from revenue.billing.models import Invoice, InvoiceRun
from security.access.roles import APPROVER, OPERATOR
from tests.operations.people import messages_of
from tests.revenue.billing.conftest import NOW, run_automation
from tests.revenue.upsell.test_admin import browser

HOME = "/admin/revenue/invoicerun/"


def issue_path():
    return reverse("admin:revenue_invoicerun_issue_month")


def test_the_button_issues_a_month_and_the_list_shows_it(two_customers, customer_without_price):
    client = browser(APPROVER)
    assert "cannot be changed" in client.get(issue_path()).content.decode().replace("\n", " ")
    found = client.post(issue_path(), {"month": "2026-03-15", "currency": "usd"}, follow=True)
    words = "Invoices of March 2026 in USD: 2 invoices issued; 1 customer could not be billed."
    assert messages_of(found) == [words]
    assert Invoice.objects.count() == 2
    assert "Invoices of March 2026 in USD" in client.get(HOME).content.decode()
    shown = client.get(f"{HOME}{InvoiceRun.objects.get().pk}/change/").content.decode()
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
    assert "Invoices of March 2026 in USD" in client.get(HOME).content.decode()
    assert client.post(issue_path(), {"month": "2026-03-01", "currency": "USD"}).status_code == 403
