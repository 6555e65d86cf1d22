"""Closed months are rated again only where something was recorded of them since."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from revenue.billing.models import UnbilledUseChoice
from revenue.billing.periods import billing_month
from revenue.billing.reports import previews
from revenue.billing.reports.versions import PriceBooks
from revenue.billing.services import invoices, usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing.models import PriceBookVersion
from tests.revenue.billing.conftest import APRIL, MARCH, subscribed

MAY = billing_month(date(2026, 5, 1))
ISSUED = datetime(2100, 5, 3, tzinfo=UTC)  # after the price book was published
LATER = ISSUED + timedelta(days=9)


@pytest.fixture
def issued(customer):
    """Both months are invoiced long after the last fact."""
    invoices.issue(customer.pk, MARCH, by="ada", now=ISSUED)
    invoices.issue(customer.pk, APRIL, by="ada", now=ISSUED)
    return customer


def late(*rows):
    return previews.late_customers([each.pk for each in rows], MAY)


def use(customer, day, at):
    total = DailyTotal(customer.pk, "api_calls", day, Decimal(60_000))
    usage.record([total], now=at)


def test_without_later_facts_closed_months_are_not_read(issued, django_assert_num_queries):
    assert late(issued) == set()
    use(issued, date(2026, 5, 4), LATER)  # of the open month
    assert late(issued) == set()
    books = PriceBooks()
    with django_assert_num_queries(16):
        previews.preview(issued, MAY.start, books)


def test_a_late_fact_of_each_kind_is_found_and_adjusted(issued):
    use(issued, date(2026, 4, 30), LATER)
    assert late(issued) == {issued.pk}
    found, _ = previews.preview(issued, MAY.start)
    assert [each.month.span.start for each in found.adjustments] == [APRIL]
    own = Customer.objects.create(external_id="own", name="Own", currency="USD")
    subscription = subscribed(own, since=MARCH)
    other = Customer.objects.create(external_id="other", name="Other", currency="USD")
    subscribed(other, since=MARCH)
    for each in (own, other):
        for month in (MARCH, APRIL):
            invoices.issue(each.pk, month, by="ada", now=ISSUED)
    assert late(own, other) == set()
    customers.change(subscription.pk, amount=Decimal(7), on=date(2026, 4, 20), now=LATER)
    UnbilledUseChoice.objects.create(
        customer=other, first_day=APRIL, end_day=MAY.start, choice="waive", chosen_at=LATER
    )
    assert late(own, other) == {own.pk, other.pk}


def test_what_began_before_the_invoice_and_ended_after_it_is_found(issued):
    use(issued, date(2026, 4, 30), ISSUED - timedelta(hours=2))
    assert late(issued) == {issued.pk}


def test_merged_customers_and_a_later_price_book_are_always_checked(issued):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    assert late(twin) == set()
    subscribed(twin, since=MARCH)
    published_at = PriceBookVersion.objects.get().published_at
    assert published_at is not None
    invoices.issue(twin.pk, APRIL, by="ada", now=published_at)
    assert late(issued, twin) == {twin.pk}
    kept = Customer.objects.create(external_id="kept", name="Kept", currency="USD")
    customers.merge(kept.pk, twin.pk, now=LATER)
    assert late(kept) == {kept.pk}
