"""Invoices equal their previews; late usage adjusts a later month."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from revenue.billing.models import Adjustment, Invoice
from revenue.billing.reports import bills, credit_balance, previews
from revenue.billing.services import credit_balance as paying
from revenue.billing.services import invoices
from revenue.customers import services as customers
from revenue.customers.models import Customer, ImmutableRow, SubscriptionChange
from revenue.customers.services import InvalidEntry
from revenue.pricing import services as pricing
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.models import PlanCharge
from tests.revenue.billing.conftest import APRIL, MARCH, NOW, record_calls, subscribed

pytestmark = pytest.mark.django_db


def test_the_invoice_is_its_preview_line_for_line(customer):
    record_calls(customer, d0305=50_000)
    preview, version = previews.preview(customer, MARCH)
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
    found, version = previews.preview(customer, APRIL)
    assert version.number == 2
    assert [each.kind for each in found.lines if each.kind == "adjustment"] == ["adjustment"]
    late = found.lines[-1]
    assert (late.description, late.amount) == ("Adjustment of March 2026", Decimal("9.41"))
    may = datetime(2026, 5, 2, tzinfo=UTC)
    made = invoices.issue(customer.pk, APRIL, by="ada", now=may)
    booked = Adjustment.objects.get()
    assert (booked.invoice, booked.amount, booked.rated) == (made, late.amount, Decimal("103.46"))
    assert str(booked) == "+$9.41 for Acme, March 2026"
    after, _ = previews.preview(customer, date(2026, 5, 1))
    assert after.adjustments == ()


def test_a_credit_is_carried_to_the_next_invoice(customer):
    record_calls(customer, d0305=200_000)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    subscription = customer.subscriptions.get()
    customers.end(subscription.pk, on=APRIL, now=NOW)
    record_calls(customer, d0305=0)
    found, _ = previews.preview(customer, APRIL)
    assert (found.total, found.carried) == (Decimal(0), Decimal("47.03"))
    made = invoices.issue(customer.pk, APRIL, by="a", now=datetime(2026, 5, 2, tzinfo=UTC))
    assert made.carried == found.carried
    subscribed(customer, since=date(2026, 4, 2))
    after, _ = previews.preview(customer, date(2026, 5, 1))
    assert any(each.kind == "credit" for each in after.lines)


def test_what_two_records_were_billed_is_not_billed_again_once_they_are_one(customer):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    record_calls(customer, d0305=8_000)
    record_calls(twin, d0305=8_000)
    for each in (customer, twin):
        invoices.issue(each.pk, MARCH, by="ada", now=NOW)
    customers.merge(customer.pk, twin.pk, now=NOW)
    (late,) = previews.preview(customer, APRIL)[0].adjustments
    assert late.total == Decimal("103.46")  # 16,000 calls on one plan, where 94.05 was billed
    assert late.amount == Decimal("9.41")


def test_a_customer_in_another_currency_needs_a_book_in_it(customer):
    euro = Customer.objects.create(external_id="e", name="Euro", currency="EUR")
    subscribed(euro, amount=10)
    with pytest.raises(bills.NothingPublished, match="price book in EUR is published"):
        previews.preview(euro, MARCH)


def test_an_agreed_price_is_billed_also_where_no_book_has_the_plan(customer):
    own = Customer.objects.create(external_id="own", name="Own", currency="USD")
    subscribed(own, plan="legacy", amount=20, since=date(2026, 3, 1))
    record_calls(own, d0305=70)
    found, _ = previews.preview(own, MARCH)
    assert found.total == 20
    assert found.lines[0].description == "legacy, a month"
    unbilled: Any = found.unbilled[0]
    assert (unbilled.quantity, unbilled.reason) == (70, "the plan is in no price book")


def test_a_list_price_that_no_book_knows_is_refused(customer):
    with pytest.raises(InvalidEntry, match="There is no list price of legacy in USD; give one"):
        subscribed(customer, plan="legacy")
    SubscriptionChange.objects.update(plan="legacy")
    with pytest.raises(
        InvalidValues, match=r"subscription must be an active plan: .*; not 'legacy'"
    ):
        previews.preview(customer, APRIL)


def test_two_subscriptions_at_once_are_billed_and_the_use_goes_to_the_later_one(customer):
    record_calls(customer, d0305=60_000)
    alone, _ = previews.preview(customer, MARCH)
    subscribed(customer, plan="starter", since=date(2026, 3, 1))
    both, _ = previews.preview(customer, MARCH)
    assert [each.amount for each in both.lines if each.kind == "base"] == [99, 29]
    assert both.total == 99 + Decimal("35.82")  # 29 x 1.3, less 5 % for 14 months
    assert alone.total == Decimal("122.27")
    assert [each.beside for each in both.overlaps] == [("acme-1",)]
    made = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert (made.total, len(made.plan_periods)) == (both.total, 1)


@pytest.mark.parametrize(
    ("terms", "total", "words"),
    [
        ({"amount": 20}, "20.00", "Professional, a month"),
        ({"amount": 75, "quantity": 2}, "150.00", "Professional, a month"),
        ({"amount": 1188, "every": "year"}, "1188.00", "Professional, year from 1 Mar 2026"),
        ({"amount": 594, "every": "half_year"}, "594.00", "half year from 1 Mar 2026"),
        ({"amount": 2400, "every": "two_years"}, "2400.00", "two years from 1 Mar 2026"),
        ({"amount": 2999, "every": "three_years"}, "2999.00", "three years from 1 Mar 2026"),
        ({"amount": 0}, "0", ""),
    ],
)
def test_what_was_agreed_is_what_is_billed(customer, terms, total, words):
    own = Customer.objects.create(external_id="own", name="Own", currency="USD")
    subscribed(own, since=MARCH, **terms)
    found, _ = previews.preview(own, MARCH)
    assert found.total == Decimal(total)
    assert [words in each.description for each in found.lines] == [True] * bool(words)
    following, _ = previews.preview(own, APRIL)
    assert following.total == (found.total if terms.get("every") is None else 0)


def test_a_month_billed_to_a_duplicate_is_not_billed_again_to_the_one_that_stays(customer):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    subscribed(twin)
    billed = invoices.issue(twin.pk, MARCH, by="ada", now=NOW)
    customers.merge(customer.pk, twin.pk, now=NOW)
    kept = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert [each["kind"] for each in kept.lines][-1] == "billed_before"
    assert billed.total + kept.total == Decimal("193.05")  # 99 and 94.05: one of two has the tenure
    later, _ = previews.preview(customer, APRIL)
    assert later.adjustments == ()


def test_a_credit_of_a_merged_record_is_granted_once(customer):
    record_calls(customer, d0305=200_000)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    customers.end(customer.subscriptions.get().pk, on=APRIL, now=NOW)
    record_calls(customer, d0305=0)
    may, june = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
    left = invoices.issue(customer.pk, APRIL, by="a", now=may).carried
    assert left == Decimal("47.03")
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    subscribed(twin, amount=100, since=date(2026, 5, 1), now=may)
    customers.merge(twin.pk, customer.pk, now=may)
    assert credit_balance.balances([twin.pk]) == {twin.pk: left}
    first = invoices.issue(twin.pk, date(2026, 5, 1), by="a", now=june)
    assert first.total == 100 - left
    assert previews.preview(twin, date(2026, 6, 1))[0].total == 100


def test_credit_of_a_customer_who_left_is_listed_and_paid_out(customer):
    own = Customer.objects.create(external_id="own", name="Own", currency="USD")
    held = subscribed(own, amount=365, every="year", since=date(2026, 1, 1))
    for month, at in ((1, 2), (2, 3)):
        invoices.issue(own.pk, date(2026, month, 1), by="a", now=datetime(2026, at, 2, tzinfo=UTC))
    customers.end(held.pk, on=date(2026, 3, 11), now=NOW)
    made = invoices.issue(own.pk, MARCH, by="a", now=NOW)
    assert made.total == 0
    assert made.carried == 296  # 365 - 69 days
    assert credit_balance.balances() == {own.pk: 296}
    with pytest.raises(InvalidEntry, match=r"at most the balance of 296.00, not 300"):
        paying.pay_out(own.pk, Decimal(300), by="ada", now=NOW)
    with pytest.raises(InvalidEntry, match="USD has 2 decimals"):
        paying.pay_out(own.pk, Decimal("1.001"), by="ada", now=NOW)
    paid = paying.pay_out(own.pk, Decimal(296), by="ada", now=NOW, note="by bank")
    assert str(paid) == "\N{MINUS SIGN}$296.00, paid out"
    assert credit_balance.balances() == {own.pk: 0}


def test_a_backdated_end_does_not_wipe_billed_use(customer):
    own = Customer.objects.create(external_id="own", name="Own", currency="USD")
    held = subscribed(own, plan="starter", amount=29, since=date(2026, 1, 1))
    draft = pricing.draft("standard", effective_from=MARCH, now=NOW)
    plan = draft.prices.get(plan__code="starter").plan
    PlanCharge.objects.create(
        version=draft, plan=plan, metric="api_calls", title="Calls", model="per_unit",
        price={"unit": "0.01"},
    )  # fmt: skip
    pricing.publish(draft.pk, actor="ada", now=NOW)
    record_calls(own, d0320=1000)
    assert invoices.issue(own.pk, MARCH, by="a", now=NOW).total == 39
    customers.end(held.pk, on=date(2026, 3, 11), now=NOW)
    found, _ = previews.preview(own, APRIL)
    assert found.adjustments[0].amount == Decimal("-19.65")  # the fee of 21 days, not the use
    assert found.carried == Decimal("19.65")


def test_a_preview_asks_few_questions(customer, django_assert_max_num_queries):
    record_calls(customer, d0305=10)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    with django_assert_max_num_queries(19):
        previews.preview(customer, APRIL)


def test_an_invoice_at_another_total_than_was_shown_is_refused(customer):
    shown = previews.preview(customer, MARCH)[0].total
    record_calls(customer, d0305=10**6)
    with pytest.raises(InvalidEntry, match=r"now, and was \$94\.05 when it was shown"):
        invoices.issue(customer.pk, MARCH, by="ada", now=NOW, shown=shown)
    assert not Invoice.objects.exists()
    total = previews.preview(customer, MARCH)[0].total
    assert invoices.issue(customer.pk, MARCH, by="ada", now=NOW, shown=total).total == total
