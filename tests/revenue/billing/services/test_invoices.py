"""Invoices equal their previews; late usage adjusts a later month."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from revenue.billing.models import Adjustment, Invoice
from revenue.billing.reports import bills
from revenue.billing.services import invoices
from revenue.customers import services as customers
from revenue.customers.models import Customer, ImmutableRow
from revenue.customers.services import InvalidEntry
from revenue.pricing import services as pricing
from revenue.pricing.decimals import InvalidValues
from tests.revenue.billing.conftest import APRIL, MARCH, NOW, record_calls, subscribed

pytestmark = pytest.mark.django_db


def test_the_invoice_is_its_preview_line_for_line(customer):
    record_calls(customer, d0305=50_000)
    preview, version = bills.preview(customer, MARCH)
    made = invoices.issue(customer.pk, date(2026, 3, 9), by="ada", now=NOW)
    assert bills.lines(made) == preview.lines
    assert (made.total, made.version) == (preview.total, version)
    assert made.total == Decimal("103.46")  # 99 x 1.1, less 5 % for 14 months
    assert str(made) == "Acme, March 2026"
    assert bills.issued_invoice(customer, MARCH) == made


def test_a_month_is_closed_once(customer):
    first = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    record_calls(customer, d0305=50_000)
    assert invoices.issue(customer.pk, MARCH, by="bob", now=NOW) == first
    assert Invoice.objects.count() == 1
    with pytest.raises(ImmutableRow):
        first.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.update(total=1)


def test_a_running_month_and_one_before_a_closed_one_are_refused(customer):
    with pytest.raises(InvalidEntry, match="April 2026 runs until 2026-05-01; today is 2026-04-20"):
        invoices.issue(customer.pk, APRIL, by="ada", now=NOW)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    with pytest.raises(InvalidEntry, match="A month after February 2026 is closed already"):
        invoices.issue(customer.pk, date(2026, 2, 1), by="ada", now=NOW)


def test_use_that_came_late_is_adjusted_in_the_open_month_at_the_closed_ones_version(customer):
    record_calls(customer, d0305=100)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    draft = pricing.draft("standard", effective_from=APRIL, now=NOW)
    draft.prices.filter(plan__code="professional").update(base_price=200)
    pricing.publish(draft.pk, actor="ada", now=NOW)
    record_calls(customer, d0305=50_000)
    found, version = bills.preview(customer, APRIL)
    assert version.number == 2
    assert [each.kind for each in found.lines if each.kind == "adjustment"] == ["adjustment"]
    late = found.lines[-1]
    assert (late.description, late.amount) == ("Adjustment of March 2026", Decimal("9.41"))
    may = datetime(2026, 5, 2, tzinfo=UTC)
    made = invoices.issue(customer.pk, APRIL, by="ada", now=may)
    booked = Adjustment.objects.get()
    assert (booked.invoice, booked.amount, booked.rated) == (made, late.amount, Decimal("103.46"))
    assert str(booked) == "+9.410 for Acme, March 2026"
    after, _ = bills.preview(customer, date(2026, 5, 1))
    assert after.adjustments == ()


def test_a_credit_is_carried_to_the_next_invoice(customer):
    record_calls(customer, d0305=200_000)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    subscription = customer.subscriptions.get()
    customers.end(subscription.pk, on=APRIL, now=NOW)
    record_calls(customer, d0305=0)
    found, _ = bills.preview(customer, APRIL)
    assert (found.total, found.carried) == (Decimal(0), Decimal("47.03"))
    made = invoices.issue(customer.pk, APRIL, by="a", now=datetime(2026, 5, 2, tzinfo=UTC))
    assert made.carried == found.carried
    subscribed(customer, since=date(2026, 4, 2))
    after, _ = bills.preview(customer, date(2026, 5, 1))
    assert any(each.kind == "credit" for each in after.lines)


def test_what_two_records_were_billed_is_not_billed_again_once_they_are_one(customer):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    record_calls(customer, d0305=8_000)
    record_calls(twin, d0305=8_000)
    for each in (customer, twin):
        invoices.issue(each.pk, MARCH, by="ada", now=NOW)
    customers.merge(customer.pk, twin.pk, now=NOW)
    (late,) = bills.preview(customer, APRIL)[0].adjustments
    assert late.total == Decimal("103.46")  # 16,000 calls on one plan, where 94.05 was billed
    assert late.amount == Decimal("9.41")


def test_a_customer_in_another_currency_needs_a_book_in_it(customer):
    euro = Customer.objects.create(external_id="e", name="Euro", currency="EUR")
    subscribed(euro)
    with pytest.raises(bills.NothingPublished, match="price book in EUR is published"):
        bills.preview(euro, MARCH)


def test_a_plan_that_no_book_knows_is_refused(customer):
    subscribed(customer, plan="legacy", since=date(2026, 4, 1))
    with pytest.raises(
        InvalidValues, match=r"subscription must be an active plan: .*; not 'legacy'"
    ):
        bills.preview(customer, APRIL)


def test_two_subscriptions_at_once_are_billed_and_the_use_once(customer):
    record_calls(customer, d0305=60_000)
    alone, _ = bills.preview(customer, MARCH)
    subscribed(customer, plan="starter", amount=29, since=date(2026, 3, 1))
    both, _ = bills.preview(customer, MARCH)
    assert both.lines[: len(alone.lines)] == alone.lines
    further = both.lines[len(alone.lines) :]
    assert further[0].description == "Beside it: Starter, a month"
    assert sum(each.amount for each in further) == Decimal("27.55")  # 29 less 5 % for 14 months
    made = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert (made.total, len(made.plan_periods)) == (both.total, 2)


def test_a_preview_asks_few_questions(customer, django_assert_max_num_queries):
    record_calls(customer, d0305=10)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    with django_assert_max_num_queries(8):
        bills.preview(customer, APRIL)
