"""Figures of customers and recurring revenue, currency by currency."""

from datetime import date
from decimal import Decimal

import pytest

from revenue.customers import reports, services
from revenue.customers.models import Customer
from revenue.mrr import reports as ledger
from tests.revenue.customers.conftest import NOW, TODAY, mrr

pytestmark = pytest.mark.django_db


@pytest.fixture
def euros(subscribe):
    other = Customer.objects.create(external_id="e", name="Euro", segment="Bank", currency="EUR")
    subscribe(date(2026, 3, 2), "7", of=other, plan="pro")
    return other


def test_an_empty_ledger_has_no_mrr():
    assert ledger.currencies() == []
    assert mrr("USD", TODAY) == 0
    assert reports.mrr_by_plan("USD") == []


def test_currencies_are_never_added(subscribe, euros):
    subscribe(date(2026, 3, 1), "10", plan="starter")
    subscribe(date(2026, 3, 5), "5", plan="starter")
    assert ledger.currencies() == ["EUR", "USD"]
    assert mrr("USD", TODAY) == 15
    assert mrr("EUR", TODAY) == 7
    assert mrr("USD", date(2026, 3, 4)) == 10
    assert reports.mrr_by_plan("USD") == [("starter", Decimal(15), 2, 1)]
    assert reports.current_mrr("USD")[0] == 15
    assert reports.current_mrr("USD")[1] == 1
    assert not any(reports.current_mrr("GBP"))


def test_those_who_pay_most_come_first(customer, subscribe, euros):
    small = Customer.objects.create(external_id="s", name="Small", currency="USD")
    subscribe(date(2026, 3, 1), "1", of=small)
    subscribe(date(2026, 2, 1), "10")
    subscribe(date(2026, 3, 1), "20")
    gone = subscribe(date(2026, 3, 1), "99")
    services.end(gone.pk, on=date(2026, 3, 2), now=NOW)
    found = reports.paying_customers("USD").order_by("-mrr")
    assert [(each.name, int(each.mrr), each.running) for each in found] == [
        ("Acme", 30, 2),
        ("Small", 1, 1),
    ]
    assert found[0].since == date(2026, 2, 1)
    assert reports.paying_totals("USD") == {"count": 2, "running_sum": 3, "mrr_sum": 31}


def test_segments_add_up_and_follow_a_merge(customer, subscribe):
    other = Customer.objects.create(external_id="o", name="O", segment="Bank", currency="USD")
    subscribe(date(2026, 3, 1), "10")
    subscribe(date(2026, 3, 1), "20", of=other)
    ends = {
        name: each[0].closing
        for name, each in ledger.bridges_by_segment("USD", TODAY, TODAY).items()
    }
    assert ends == {"Bank": 20, "Retail": 10}
    services.merge(customer.pk, other.pk, now=NOW)
    parts = ledger.bridges_by_segment("USD", TODAY, TODAY)
    assert {name: each[0].closing for name, each in parts.items()} == {"Retail": 30}


def test_the_bridge_takes_one_query(subscribe, django_assert_num_queries):
    subscribe(date(2026, 3, 1), "10")
    with django_assert_num_queries(1):
        ledger.bridge("USD", date(2020, 1, 1), TODAY)
