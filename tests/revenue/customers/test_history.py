"""Customers and subscriptions keep what they were, under the names of the time."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from aethercrown.csv.importing import ImportOptions
from aethercrown.history import display
from aethercrown.history.attribution import acting
from revenue.customers import services
from revenue.customers.models import Customer, Subscription
from revenue.customers.reports import personal_data
from revenue.customers.services.imports import save_customers
from security.audit.reports import history_faults
from tests.revenue.customers.conftest import NOW

MARCH_2 = date(2026, 3, 2)


def told(row):
    """By change, the newest first: (act, actor, {column: (before, after)})."""
    found = display.changes(row)
    assert found is not None
    return [
        (each.act, each.actor, {v.name: (v.before, v.after) for v in each.values}) for each in found
    ]


def rename(customer, name, by="user:anna"):
    customer.name = name
    with acting(by):
        customer.save()


def test_a_customer_that_is_renamed_twice_shows_each_name(customer):
    rename(customer, "Acme Ltd")
    rename(customer, "Acme Group", "user:bob")
    newest, middle, first = told(customer)
    assert newest == ("changed", "user:bob", {"Name": ("Acme Ltd", "Acme Group")})
    assert middle[2] == {"Name": ("Acme", "Acme Ltd")}
    assert first[2]["Name"] == ("", "Acme")


def test_a_subscription_shows_its_customer_under_the_name_of_the_time(customer, subscribe):
    one = subscribe(MARCH_2, "100")
    services.change(one.pk, amount=Decimal(150), on=date(2026, 3, 5), now=NOW)
    rename(customer, "Acme Group")
    [first] = told(Subscription.objects.get(pk=one.pk))
    assert first[0] == "created"
    assert first[2]["Customer"] == ("", "Acme")


def test_a_merge_is_kept_of_customers_and_of_their_subscriptions(customer, subscribe):
    twin = Customer.objects.create(external_id="acme-2", name="Acme Ltd", currency="USD")
    third = Customer.objects.create(external_id="acme-3", name="Acme Inc", currency="USD")
    one = subscribe(MARCH_2, "100", of=twin)
    Subscription.history.all().delete()  # as of a row from before its history
    services.merge(twin.pk, third.pk, now=NOW)
    services.merge(customer.pk, twin.pk, now=NOW)
    newest, first = told(Subscription.objects.get(pk=one.pk))
    assert newest[2] == {"Customer": ("Acme Ltd", "Acme")}
    assert first[2]["Customer"] == ("", "Acme Ltd")
    assert told(twin)[0][2] == {"Merged into": ("empty", "Acme")}
    assert told(third)[0][2] == {"Merged into": ("Acme Ltd", "Acme")}


def test_an_import_keeps_what_it_changes_and_nothing_of_what_stays(customer):
    Customer.objects.bulk_create([Customer(external_id="old", name="Old", currency="USD")])
    names = ("name", "segment", "size", "owner", "currency", "time_zone")
    blank: dict[str, Any] = dict.fromkeys(names)
    rows: list[Any] = [
        (1, {**blank, "external_id": "acme", "name": "Acme"}),
        (2, {**blank, "external_id": "old", "segment": "Retail"}),
        (3, {**blank, "external_id": "new", "name": "New", "currency": "USD"}),
    ]
    with acting("user:anna"):
        counts = save_customers(rows, ImportOptions("USD", update=True))
    assert (counts.created, counts.updated) == (1, 2)
    assert Customer.history.filter(external_id="new").count() == 0
    assert customer.history.count() == 1
    newest, first = told(Customer.objects.get(external_id="old"))
    assert newest == ("changed", "user:anna", {"Segment": ("empty", "Retail")})
    assert first[2]["Name"] == ("", "Old")


def test_an_erasure_reaches_the_history_and_the_audit_finds_no_fault(customer, subscribe):
    one = subscribe(MARCH_2, "100")
    rename(customer, "Acme Group")
    assert [each["name"] for each in personal_data(customer.pk)["earlier"]] == [
        "Acme",
        "Acme Group",
    ]
    services.erase(customer.pk, now=NOW)
    rows = [*Customer.history.filter(id=customer.pk), *Subscription.history.filter(id=one.pk)]
    assert {each.external_id for each in rows} == {
        f"erased-{customer.pk}",
        f"erased-{one.pk}",
    }
    assert "acme" not in repr([vars(each) for each in rows]).casefold()
    assert history_faults() == []


@pytest.mark.parametrize("name", ["rolled_segment"])
def test_what_the_rollups_write_is_no_change(customer, name):
    setattr(customer, name, "Retail")
    customer.save(update_fields=[name])
    assert customer.history.count() == 1
