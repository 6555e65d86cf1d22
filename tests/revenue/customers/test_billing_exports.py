"""Subscriptions of billing systems' exports."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from aethercrown.csv.reader import InvalidCSV
from operations.imports import services
from operations.imports.models import DataImport
from revenue.customers import billing_exports
from revenue.customers import reports as ledger
from revenue.customers import services as customers
from revenue.customers.models import Customer, Subscription, SubscriptionChange
from revenue.mrr.reports import consistency
from tests.revenue.customers.conftest import mrr

TODAY = date(2026, 11, 20)
STRIPE = (
    "id,Customer ID,Customer Email,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),"
    "Start Date (UTC),Current Period End (UTC),Trial End (UTC),Ended At (UTC)\n"
    "s1,c1,a@b.c,pro,1,usd,month,99,active,2026-03-01 10:12,2026-03-01 10:12,2026-12-01 10:12,,\n"
    's2,c2,,pro,3,eur,year,"1,188.00",active,2026-03-01 10:12,2026-03-01 10:12,2026-12-01 10:12,,\n'
    "s3,c1,,pro,1,usd,month,29,trialing,2026-11-19 10:12,2026-11-19 10:12,2026-12-04 10:12,"
    "2026-12-04 10:12,\n"
    "s4,c4,,pro,1,jpy,month,2900,canceled,2026-01-20 10:12,2026-01-20 10:12,2026-10-20 10:12,,"
    "2026-10-20 10:12\n"
)


def store(content, **given):
    file = io.BytesIO(content.encode())
    with services.check_file(file, billing_exports.KIND, given, TODAY) as found:
        if found.is_storable:
            services.store_file(
                file, found, name="a", given={}, actor="command:ann", progress=lambda *_: None
            )
        return found.findings


@pytest.mark.django_db
def test_a_stripe_export_with_its_new_customers():
    found = store(STRIPE)
    assert found.lines == [
        ("EUR", "1", "€99.00", "0", "0"),
        ("JPY", "1", "¥0", "0", "1"),
        ("USD", "2", "$99.00", "1", "0"),
    ]
    assert found.new_names == ["c1", "c2", "c4"]
    stored = {each.external_id: each for each in Subscription.objects.select_related("customer")}
    assert stored["s1"].customer.name == "a@b.c"
    assert (stored["s2"].price, stored["s2"].quantity, stored["s2"].amount) == (396, 3, 99)
    assert (stored["s3"].state, stored["s3"].amount) == ("trial", 0)
    trial = SubscriptionChange.objects.get(subscription=stored["s3"])
    assert trial.trial_until == date(2026, 12, 4)
    assert stored["s4"].ended_on == date(2026, 10, 20)

    store("subscription,customer,amount,currency,started_on\ns5,c1,5,,2026-01-01\n")
    assert Subscription.objects.get(external_id="s5").customer.external_id == "c1"

    found = store(STRIPE)
    assert found.fault_count == 4
    assert "s1 is stored already" in found.faults[0].reason


@pytest.mark.django_db
def test_faults_of_an_export_are_named():
    head = "subscription,customer,amount,mrr,every,currency,started_on\n"
    found = store(
        head + "a,c,,,month,USD,2026-01-01\na,c,1,,month,USD,2026-01-01\n"
        "b,c,1,,fortnight,USD,2026-01-01\nd,c,1,,month,USD,2099-01-01\n"
    )
    assert sorted((each.row, each.column) for each in found.faults) == [
        *((2, "amount"), (3, "subscription"), (4, "every"), (5, "started_on")),
    ]


@pytest.mark.parametrize(
    ("mrr", "every", "amount"),
    [
        ("1041.67", "two_years", "25000"),
        ("99.00", "month", "99"),
        ("99.00", "year", "1188"),
        ("33.33", "quarter", "100"),
        ("0", "year", "0"),
        ("12.34", "week", "2.85"),
    ],
)
def test_the_price_of_a_term_is_the_roundest_with_that_mrr(mrr, every, amount):
    assert billing_exports.term_amount(Decimal(mrr), every) == Decimal(amount)


def test_a_price_that_cents_do_not_divide_is_of_one_unit():
    assert billing_exports.unit_price(Decimal(100), 3) == (Decimal(100), 1)
    assert billing_exports.unit_price(Decimal(1188), 3) == (Decimal(396), 3)


def test_intervals_in_words():
    assert billing_exports.interval_words(" 2  Years ") == "two_years"
    with pytest.raises(InvalidCSV, match="no billing interval"):
        billing_exports.interval_words("x")


# --- Undo ---------------------------------------------------------------------------------------

SIMPLE = (
    "subscription,customer,amount,currency,started_on,ended_on\n"
    "s1,c1,99,USD,2026-03-01,\ns2,c1,29,USD,2026-04-01,2026-08-01\n"
)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def imported(db):
    with time_machine.travel(NOW, tick=False):
        store(SIMPLE)
        yield DataImport.objects.get()


def undo(record):
    return services.undo(record.pk, actor="user:bob", now=NOW)


def test_an_import_of_subscriptions_is_undone_and_the_ledger_says_so(imported):
    assert ledger.current_mrr("USD") == (Decimal(99), 1)
    undo(imported)
    assert not Subscription.objects.exists()
    assert not SubscriptionChange.objects.exists()
    assert Customer.objects.get().external_id == "c1"
    assert mrr("USD", date(2026, 5, 1)) == mrr("USD", TODAY) == 0
    assert consistency.differing_customers(today=TODAY) == (0, [])
    assert undo(imported).state == "undone"
    store(SIMPLE)
    assert mrr("USD", TODAY) == 99


def test_what_was_changed_since_is_not_undone(imported):
    changed = Subscription.objects.get(external_id="s1")
    customers.change(changed.pk, on=TODAY, now=NOW, amount=Decimal(120))
    with pytest.raises(services.NotStorable, match="s1 was changed since"):
        undo(imported)
    imported.refresh_from_db()
    assert (imported.state, Subscription.objects.count()) == ("current", 2)


def test_of_an_erased_customer_nothing_is_undone(imported):
    customers.erase(Customer.objects.get().pk, now=NOW)
    with pytest.raises(services.NotStorable, match="was erased on"):
        undo(imported)


def test_subscriptions_of_others_stay(imported):
    other = Customer.objects.create(external_id="x", name="X", currency="USD")
    customers.record_subscription(
        other.pk, external_id="x1", amount=Decimal(5), currency="USD",
        started_on=TODAY, now=NOW,
    )  # fmt: skip
    undo(imported)
    assert Subscription.objects.get().external_id == "x1"


@pytest.mark.django_db
def test_a_rate_converts_amounts_and_no_quantity():
    rows = "id,Customer ID,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),"
    rows += "Start Date (UTC),Current Period End (UTC)\n"
    rows += "s1,c1,pro,3,eur,month,300.00,active,2026-03-01,2026-03-01,2026-04-01\n"
    file = io.BytesIO(rows.encode())
    given = {"rates": {"EUR": "1.10"}, "currency": "USD"}
    with services.check_file(file, "subscriptions-export", given, date(2026, 3, 20)) as found:
        assert found.findings.faults == []
        assert found.findings.totals["MRR in USD"] == "330.000000"
    file = io.BytesIO(rows.replace("300.00", "900000000.00").encode())
    given = {"rates": {"EUR": "2"}, "currency": "USD"}
    with services.check_file(file, "subscriptions-export", given, date(2026, 3, 20)) as found:
        assert "must be 0 to 1000000000" in found.findings.faults[0].reason
