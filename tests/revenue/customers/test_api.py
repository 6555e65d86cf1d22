"""The calls of contacts: added once, listed by customer, changed, and asked for consent."""

import pytest

from revenue.customers import services
from revenue.customers.models import Contact, Customer
from security.apikeys import services as keys
from tests.callers import Caller
from tests.revenue.customers.conftest import NOW

pytestmark = pytest.mark.django_db
CONTACTS = "/api/v1/revenue/contacts"
FAY = {"customer_id": "acme", "name": "Fay Bell", "email": "fay@acme.example", "role": "finance"}


@pytest.fixture
def caller(customer):
    return Caller(keys.create("crm", ["revenue:read", "revenue:write"]).plaintext)


def test_a_person_is_added_once_and_changed(caller):
    added = caller.send(CONTACTS, FAY)
    row = added.json()["data"]
    assert (added.status_code, row["consent"], row["gets_mail"]) == (201, "unknown", True)
    again = caller.send(CONTACTS, {**FAY, "name": "F. Bell", "email": "FAY@acme.example"})
    assert (again.status_code, again.json()["data"]) == (200, row)
    path = f"{CONTACTS}/{row['contact_id']}"
    assert caller.get(path).json()["data"] == row
    changed = caller.send(f"{path}/change", {"role": "owner", "gets_mail": False, "locale": "de"})
    found = changed.json()["data"]
    assert (found["role"], found["gets_mail"], found["locale"], found["name"]) == (
        "owner", False, "de", "Fay Bell",
    )  # fmt: skip
    given = caller.send(f"{path}/consent", {"consent": "given", "source": "Order form"})
    assert given.json()["data"]["consent"] == "given"
    withdrawn = caller.send(f"{path}/consent", {"consent": "withdrawn", "source": "A call"})
    assert withdrawn.json()["data"]["consent"] == "withdrawn"


def test_contacts_are_listed_by_customer_also_by_a_merged_record(
    caller, customer, django_assert_max_num_queries
):
    other = Customer.objects.create(external_id="old", name="Old")
    for each, name in ((customer, "a"), (customer, "b"), (other, "c")):
        services.add_contact(each.pk, name=name, email=f"{name}@example.org")
    services.merge(customer.pk, other.pk, now=NOW)
    Customer.objects.create(external_id="none", name="None")
    for query, names in (("", "abc"), ("?customer_id=acme", "abc"), ("?customer_id=old", "abc"),
                         ("?customer_id=none", "")):  # fmt: skip
        with django_assert_max_num_queries(12):
            rows = caller.get(f"{CONTACTS}{query}").json()["data"]["contacts"]
        assert "".join(each["name"] for each in rows) == names


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"customer_id", "name", "email"}),
        ({**FAY, "customer_id": "nobody"}, {"customer_id"}),
        ({**FAY, "email": "no address", "time_zone": "Mars", "locale": "1"},
         {"email", "time_zone", "locale"}),
        ({**FAY, "role": "boss", "mail": "x"}, {"role", "mail"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_stored(caller, body, fields):
    answer = caller.send(CONTACTS, body)
    assert answer.status_code == 400
    assert {each["field"] for each in answer.json()["errors"]} == fields
    assert not Contact.objects.exists()


def test_of_an_erased_customer_nobody_is_added(caller, customer):
    services.erase(customer.pk, now=NOW)
    answer = caller.send(CONTACTS, {**FAY, "customer_id": f"erased-{customer.pk}"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "customer_id")


def test_a_wrong_change_changes_nothing(caller, customer):
    row = services.add_contact(customer.pk, name="Fay", email="fay@acme.example")
    for wrong in ({"time_zone": "Mars"}, {"email": "x@example.org"}, {"gets_mail": "no"}):
        assert caller.send(f"{CONTACTS}/{row.pk}/change", wrong).status_code == 400
    wrong = {"consent": "maybe", "source": ""}
    errors = caller.send(f"{CONTACTS}/{row.pk}/consent", wrong).json()["errors"]
    assert {each["field"] for each in errors} == {"consent", "source"}
    assert caller.get(f"{CONTACTS}/{row.pk + 1}").status_code == 404
