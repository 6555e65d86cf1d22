"""The page of one customer's bill."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.apps import apps

from revenue.billing.services import invoices, usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing.seeding import seed_default_book

NOW = datetime(2026, 4, 20, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def path(db):
    seed_default_book(apps)
    usage.ensure_meter("api_calls")
    made = Customer.objects.create(external_id="acme", name="Acme", currency="USD")
    customers.record_subscription(
        made.pk,
        external_id="s1",
        amount=None,
        currency="USD",
        started_on=date(2026, 1, 1),
        plan="professional",
        now=NOW,
    )
    usage.record([DailyTotal(made.pk, "api_calls", date(2026, 3, 5), Decimal(50_000))], now=NOW)
    return f"/dashboards/revenue/bills/{made.pk}"


def shown(page, path):
    answer = page.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_month_is_shown_line_by_line_before_and_after_it_is_issued(page, path):
    before = shown(page, f"{path}?month=2026-03-09")
    for each in ("Acme, March 2026", "Not issued yet", "$108.90", "api calls of 50000: x 1.1"):
        assert each in before
    invoices.issue(Customer.objects.get().pk, date(2026, 3, 1), by="ada", now=NOW)
    after = shown(page, f"{path}?month=2026-03-09")
    assert "by ada" in after
    assert "$108.90" in after


def test_the_running_month_comes_first_and_says_that_it_runs(page, path):
    assert "The month runs on" in shown(page, path)
    assert page.get(f"{path}?format=csv").status_code == 200


def test_what_cannot_be_billed_says_why(page, path):
    Customer.objects.update(currency="EUR")
    assert "price book in EUR is published" in shown(page, path)


@pytest.mark.parametrize(("end", "status"), [("?month=March", 400), ("99", 404)])
def test_a_wrong_address_is_refused(page, path, end, status):
    assert page.get(f"{path}{end}").status_code == status


def test_a_credit_is_told(page, path):
    one = Customer.objects.get()
    invoices.issue(one.pk, date(2026, 3, 1), by="ada", now=NOW)
    customers.end(one.subscriptions.get().pk, on=date(2026, 4, 1), now=NOW)
    usage.record([DailyTotal(one.pk, "api_calls", date(2026, 3, 5), Decimal(0))], now=NOW)
    assert "A credit of $9.90 is added to the customer's balance." in shown(page, path)


def test_unbilled_use_and_subscriptions_side_by_side_are_shown(page, path):
    one = Customer.objects.get()
    customers.record_subscription(
        one.pk,
        external_id="s2",
        amount=Decimal(10),
        currency="USD",
        started_on=date(2026, 3, 2),
        state="free",
        plan="starter",
        now=NOW,
    )
    page_text = shown(page, f"{path}?month=2026-03-09")
    assert "Use that is not billed" in page_text
    assert "the one that started last carries the use, beside it: s1" in page_text
