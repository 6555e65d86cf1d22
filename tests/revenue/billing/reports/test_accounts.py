"""The accounts that a price simulation rates."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from operations.jobs import services as jobs
from revenue.billing.reports import accounts
from revenue.customers.models import Customer
from revenue.pricing.models import PriceBook, PriceBookVersion
from tests.revenue.billing.conftest import NOW, record_calls, subscribed

pytestmark = pytest.mark.django_db


def test_a_simulation_counts_a_customers_use_once(customer):
    record_calls(customer, d0305=60_000)
    subscribed(customer, plan="starter", since=date(2026, 2, 1))
    older, newer = accounts.simulation_accounts("USD", NOW.date(), 10)
    assert older.periods == (accounts.NO_USAGE,) * 3
    assert (newer.plan, len(newer.periods)) == ("starter", 1)


def test_a_simulation_leaves_an_agreed_price_as_it_is(customer):
    subscribed(customer, plan="starter", amount=240, since=date(2026, 2, 1), every="year")
    listed, agreed = accounts.simulation_accounts("USD", NOW.date(), 10)
    assert listed.agreed.fee is None
    assert agreed.agreed.fee == 20


def test_a_simulation_counts_quantity_and_the_coupon_of_today(customer):
    subscribed(
        customer, since=date(2026, 2, 1), quantity=3,
        coupon_percent=Decimal(50), coupon_until=date(2026, 4, 21),
    )  # fmt: skip
    whole, half = accounts.simulation_accounts("USD", NOW.date(), 10)
    assert whole.agreed.is_list_price
    assert half.agreed.share == Fraction(3, 2)
    _, later = accounts.simulation_accounts("USD", date(2026, 4, 21), 10)
    assert later.agreed.share == 3


def test_a_simulation_takes_a_coupon_of_an_amount_off_the_list_price(customer):
    subscribed(customer, since=date(2026, 2, 1), every="year", coupon_amount=Decimal(120))
    _, less = accounts.simulation_accounts("USD", NOW.date(), 10)
    assert less.agreed.share == 1
    assert less.agreed.off == 10


def test_a_simulation_rates_the_last_three_complete_months(customer):
    record_calls(customer, d0105=10, d0205=20_000, d0305=60_000, d0405=200_000)
    bare = Customer.objects.create(external_id="bare", name="Bare", currency="USD")
    subscribed(bare, plan="starter")
    used, alone = accounts.simulation_accounts("USD", NOW.date(), 10)
    calls = [each.usage["api_calls"] for each in used.periods]
    assert calls == [10, 20_000, 60_000]
    assert [each.engagement["tenure_months"] for each in used.periods] == [12, 13, 14]
    assert alone.periods == (accounts.NO_USAGE,) * 3


def test_a_simulation_is_found_by_its_version_and_not_by_how_it_is_called():
    books = [PriceBook(code=code, title="Prices", currency="USD") for code in "ab"]
    one, other = (PriceBookVersion(pk=at, number=1, book=each) for at, each in enumerate(books, 1))
    kind, subject = accounts.SIMULATE_JOB, accounts.simulation_subject(one)
    made = jobs.start(kind, {"version": one.pk}, caller="account:1", now=NOW, subject=subject)
    one.book.code, other.book.code = "c", "a"  # renamed, and the name given to another
    assert accounts.newest_simulation(one) == made
    assert accounts.newest_simulation(other) is None
