"""Figures of customers and recurring revenue, currency by currency."""

from datetime import date
from decimal import Decimal

import pytest

from revenue.customers import reports, services
from revenue.customers.models import Customer
from revenue.mrr import reports as ledger
from tests.revenue.customers.conftest import NOW, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def euros(subscribe):
    other = Customer.objects.create(external_id="e", name="Euro", segment="Bank", currency="EUR")
    subscribe(date(2026, 3, 2), "7", of=other, plan="pro")
    return other


def test_an_empty_ledger_has_no_days_and_no_mrr():
    assert reports.days("USD") is None
    assert reports.currencies() == []
    assert reports.mrr("USD", TODAY) == 0
    assert reports.plans("USD") == []


def test_currencies_are_never_added(subscribe, euros):
    subscribe(date(2026, 3, 1), "10", plan="starter")
    subscribe(date(2026, 3, 5), "5", plan="starter")
    assert reports.currencies() == ["USD", "EUR"]
    assert reports.mrr("USD", TODAY) == 15
    assert reports.mrr("EUR", TODAY) == 7
    assert reports.mrr("USD", date(2026, 3, 4)) == 10
    assert reports.days("USD") == (date(2026, 3, 1), date(2026, 3, 5))
    assert reports.plans("USD") == [("starter", Decimal(15), 2, 1)]
    assert reports.running("USD")[0] == 15
    assert reports.running("USD")[1] == 1
    assert not any(reports.running("GBP"))


def test_those_who_pay_most_come_first(customer, subscribe, euros):
    small = Customer.objects.create(external_id="s", name="Small", currency="USD")
    subscribe(date(2026, 3, 1), "1", of=small)
    subscribe(date(2026, 2, 1), "10")
    subscribe(date(2026, 3, 1), "20")
    gone = subscribe(date(2026, 3, 1), "99")
    services.end(gone.pk, on=date(2026, 3, 2), now=NOW)
    found = reports.paying("USD", 5)
    assert [(each.name, int(each.mrr), each.subscriptions) for each in found] == [
        ("Acme", 30, 2),
        ("Small", 1, 1),
    ]
    assert found[0].since == date(2026, 2, 1)
    assert len(reports.paying("USD", 1)) == 1


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
    assert reports.bridge("USD", TODAY, TODAY, segment="Bank")[0].closing == 0


def test_the_bridge_takes_one_query(subscribe, django_assert_num_queries):
    subscribe(date(2026, 3, 1), "10")
    with django_assert_num_queries(1):
        reports.bridge("USD", date(2020, 1, 1), TODAY)
