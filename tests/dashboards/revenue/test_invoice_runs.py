"""The page of one month's invoices."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from operations.jobs import services as job_services
from operations.jobs.models import Job
from revenue.billing import periods
from revenue.billing.models import Invoice, InvoiceRun
from revenue.customers import services as customers
from revenue.customers.models import Customer
from security.access.models import User
from security.access.roles import APPROVER

LIST = "/dashboards/invoices"


@pytest.fixture
def month(db):
    """The last whole month, in which two customers can be billed."""
    last = periods.complete_months(timezone.localdate(), 1)[0]
    for name, plan, amount in (("acme", "", Decimal(44)), ("birch", "handmade", Decimal(5))):
        made = Customer.objects.create(external_id=name, name=name.title(), currency="USD")
        customers.record_subscription(
            made.pk, external_id=name, amount=amount, currency="USD", plan=plan,
            started_on=periods.complete_months(timezone.localdate(), 2)[0].start,
            now=timezone.now(),
        )  # fmt: skip
    return last.start


@pytest.fixture
def approver(client, month):
    person = User.objects.create_user("ann")
    person.groups.add(Group.objects.get(name=APPROVER))
    client.force_login(person)
    return client


def work():
    while job_services.run_next(clock=timezone.now):
        pass


def hidden(text):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))


def test_a_month_is_previewed_looked_at_and_issued_without_the_admin(approver, month):
    started = approver.post(LIST, {"month": month.isoformat()})
    run = InvoiceRun.objects.get()
    path = f"{LIST}/{run.pk}"
    assert started.headers["Location"] == path
    assert "It is being made" in approver.get(path).content.decode()
    work()
    text = approver.get(path).content.decode()
    for words in ("$49.00", "Cannot be billed", "0 customers", "Largest differences", "birch"):
        assert words in text, words
    asked = approver.get(f"{path}?step=issue&hold=yes").content.decode()
    assert "cannot be changed" in asked
    assert "left out: 0 customers" in asked
    given = hidden(asked)
    assert given["hold"] == "yes"
    approver.post(path, given)
    work()
    assert sum(each.total for each in Invoice.objects.all()) == 49
    text = approver.get(path).content.decode()
    assert "Done: 2 invoices" in text
    assert "ann" in text


def test_what_was_previewed_again_meanwhile_is_not_issued_unseen(approver, month):
    approver.post(LIST, {"month": month.isoformat()})
    work()
    run = InvoiceRun.objects.get()
    path = f"{LIST}/{run.pk}"
    asked = approver.get(f"{path}?step=issue").content.decode()
    assert "billed without it" in asked
    given = hidden(asked)
    assert "hold" not in given
    again = approver.post(path, {"step": "preview"}, follow=True)
    assert "The preview is being made" in again.content.decode()
    work()
    refused = approver.post(path, given, follow=True)
    assert "previewed again meanwhile" in refused.content.decode()
    assert not Invoice.objects.exists()


def test_a_job_that_failed_and_a_customer_without_use_are_said(approver, month):
    approver.post(LIST, {"month": month.isoformat()})
    run = InvoiceRun.objects.get()
    Job.objects.update(state="failed", error="ValueError: no price", ended_at=timezone.now())
    text = approver.get(f"{LIST}/{run.pk}").content.decode()
    assert "ValueError: no price" in text
    assert "There is none yet" in text
    acme, birch = Customer.objects.order_by("name").values_list("pk", flat=True)
    run.preview = {
        "invoices": 1, "total": "44.00", "made_at": timezone.now(),
        "refused": [[birch, "no price of handmade"]], "refused_count": 1,
        "without_use": [[acme, ["api_calls"]]], "without_use_count": 1,
        "differences": [{"customer_id": acme, "before": None, "now": "44.00"}],
    }  # fmt: skip
    run.save()
    text = approver.get(f"{LIST}/{run.pk}").content.decode()
    for words in (
        "Use is missing: api calls",
        "No price of handmade",
        "/dashboards/customers/acme",
    ):
        assert words in text, words
    run.not_billed, run.approved_at = [[birch, "No plan"]], timezone.now()
    run.finished_at = run.approved_at
    run.save()
    text = approver.get(f"{LIST}/{run.pk}").content.decode()
    assert "No plan" in text
    assert "Use is missing: api" not in text


def test_who_may_not_approve_only_reads(page, approver, month):
    approver.post(LIST, {"month": month.isoformat()})
    work()
    run = InvoiceRun.objects.get()
    path = f"{LIST}/{run.pk}"
    assert "Issue these invoices" not in page.get(path).content.decode()
    assert page.get(f"{path}?step=issue").status_code == 400
    assert page.post(path, {"step": "issue"}).status_code == 403
    assert page.get(f"{LIST}/99999").status_code == 404
    assert approver.post(path, {"step": "issue", "seen": "\0"}).status_code in {302, 400}
    assert page.get(f"{LIST}").content.decode().count(path) == 1
