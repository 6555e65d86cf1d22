"""A month as people walk it: import, plan, approve, bill, credit note, forecast.

Each step is the form that its page shows, posted; every figure on the way agrees with the next.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse

from aethercrown.formatting import money_text
from marketing.budget.models import Allocation, BudgetPlan
from operations.decisions.decision_text import promised
from operations.decisions.models import Decision
from operations.jobs import services as jobs
from operations.messaging import services as outbox
from revenue.billing.models import Invoice, InvoiceRun
from revenue.customers.reports import current_mrr
from revenue.documents.models import InvoiceDocument
from revenue.pricing.seeding import seed_default_book

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
WEEKS, FIRST = 30, date(2026, 3, 30)
SUBSCRIPTIONS = (
    "subscription,customer,customer_name,plan,amount,currency,started_on\n"
    "s1,acme,Acme Ltd,professional,99.00,USD,2026-05-01\n"
    "s2,globex,Globex Inc,enterprise,499.00,USD,2026-06-01\n"
)
MRR = Decimal(598)
TAX = Decimal("1.19")


@pytest.fixture(autouse=True)
def _now(settings):
    settings.EMAIL_URL = "smtp://localhost"
    settings.DEFAULT_MARKETING_BUDGET = Decimal(5000)
    seed_default_book(apps)
    with time_machine.travel(NOW, tick=False):
        yield


class Walk:
    """Somebody who posts what the pages show; workers do what was started."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def read(self, path: str) -> str:
        """A page's words, on one line."""
        answer = self.client.get(path, follow=True)
        assert answer.status_code == 200, path
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))

    def send(self, path: str, **fields: Any) -> str:
        """The path that follows a posted form."""
        answer = self.client.post(path, fields)
        assert answer.status_code == 302, re.sub(r"<[^>]+>", "", answer.text)[-2000:]
        while jobs.run_next(clock=lambda: NOW):
            pass
        return str(answer.headers["Location"])

    def upload(self, kind: str, content: str) -> tuple[str, str]:
        """An import's page with what storing would change, and after it is stored."""
        file = SimpleUploadedFile("file.csv", content.encode())
        page = self.send("/dashboards/imports", kind=kind, file=file)
        before = self.read(page)
        self.send(page, store="yes")
        return before, self.read(page)


def spend_file() -> tuple[str, Decimal]:
    lines, spent = ["date,channel,spend,revenue"], Decimal(0)
    for week in range(WEEKS):
        for place, channel in enumerate(("Search", "Radio", "Print")):
            spend = Decimal(900 + 137 * ((week * (place + 3)) % 11))
            revenue = spend * 2 + 40 * ((week * 7 + place) % 5)
            lines.append(f"{FIRST + timedelta(weeks=week)},{channel},{spend},{revenue}")
            spent += spend
    return "\n".join(lines) + "\n", spent


def add(walk: Walk, model: str, **fields: Any) -> None:
    walk.send(reverse(f"admin:revenue_{model}_add"), **fields)


def set_up_issuer(walk: Walk) -> None:
    """An issuer with its rate, and who gets the invoices."""
    none = {f"reminder_steps-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    rate = {"title": "VAT", "percent": "19", "effective_from": "2020-01-01", "customers": "all"}
    add(
        walk, "invoiceissuer", name="Crown GmbH", address="Berlin", country="DE",
        number_prefix="INV", payment_days=14, retention_years=10, is_default="on",
        mails_invoices="on", **none,
        **{"tax_rates-TOTAL_FORMS": 1, "tax_rates-INITIAL_FORMS": 0},
        **{f"tax_rates-0-{name}": value for name, value in rate.items()},
    )  # fmt: skip
    from revenue.customers.models import Customer  # noqa: PLC0415

    for row in Customer.objects.all():
        add(walk, "billingdetails", customer=row.pk, name=row.name, address="Rome", country="IT")
        add(
            walk, "contact", customer=row.pk, name="Fay", email=f"fay@{row.external_id}.example",
            role="finance", is_active="on",
        )  # fmt: skip


def test_a_month_from_the_import_to_the_forecast(admin_client):
    walk = Walk(admin_client)

    # Import: what the page says is what is stored, and what the next page shows
    before, after = walk.upload("subscriptions-export", SUBSCRIPTIONS)
    assert f"USD 2 {money_text(MRR, 'USD')}" in before
    assert "2 rows are stored. 2 new customers." in after
    assert current_mrr("USD") == (MRR, 2)
    assert money_text(MRR, "USD").removesuffix(".00") in walk.read("/dashboards/revenue")
    content, spent = spend_file()
    before, after = walk.upload("budget-performance", content)
    assert f"In all {money_text(spent, 'USD')} of spend" in before
    assert f"{WEEKS * 3} rows make {WEEKS * 3} records of 3 channels" in after

    # Plan and approve: the decision, the task of the person and what is in force are one amount
    call_command("run_automation", "--only", "marketing.optimize_budget")
    decision = Decision.objects.get(kind="marketing.budget_plan")
    assert "$5,000" in decision.title
    walk.send(reverse("admin:operations_decision_approve", args=[decision.pk]), note="")
    in_force = Allocation.objects.filter(valid_to=None)
    assert sum(each.amount for each in in_force) == 5000
    page = walk.read("/dashboards/budget")
    assert "The marketing budget in USD is now $5,000.00" in page
    assert "admin sets the amounts" in page

    # Forecast: the page tells what the decision promised
    plan = BudgetPlan.objects.get(decision=decision)
    assert f"Expected revenue ${plan.revenue_estimate:,.0f}" in page
    promise = promised(decision.expected)[1:]  # the page begins it with a capital
    assert promise in walk.read(f"/dashboards/decisions/{decision.pk}")

    # Bill: the preview, the invoices, the documents and the mails add up to the MRR
    set_up_issuer(walk)
    run_page = walk.send(
        reverse("admin:revenue_invoicerun_issue_month"), month="2026-10-01", currency="USD"
    )
    assert f"2 invoices, {money_text(MRR, 'USD')}" in walk.read(run_page)
    run = InvoiceRun.objects.get()
    walk.send(reverse("admin:revenue_invoicerun_issue", args=[run.pk]), hold_without_use="on")
    assert sum(each.total for each in Invoice.objects.all()) == MRR
    gross = sum(each.gross for each in InvoiceDocument.objects.all())
    assert gross == MRR * TAX
    assert outbox.deliver_due(clock=lambda: NOW) == 2
    assert {each.attachments[0][0] for each in mail.outbox} == {
        "INV-2026-000001.pdf", "INV-2026-000002.pdf",
    }  # fmt: skip

    # Credit note: the documents' sum falls by what it says, and the MRR stays
    invoice = Invoice.objects.get(total=99)
    walk.send(
        reverse("admin:revenue_invoice_credit", args=[invoice.pk]), amount="99", reason="Outage"
    )
    note = InvoiceDocument.objects.get(credit_note__isnull=False)
    assert note.gross == -99 * TAX
    listed = admin_client.get(reverse("admin:revenue_invoicedocument_changelist")).text
    assert money_text(abs(note.gross), "USD").strip("$") in listed
    total = sum(each.gross for each in InvoiceDocument.objects.all())
    assert total == (MRR - 99) * TAX
    assert current_mrr("USD") == (MRR, 2)
