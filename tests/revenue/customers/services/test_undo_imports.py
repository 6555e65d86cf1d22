"""What an import stored of customers, contacts and payments is taken back, or nothing is."""

import io
from datetime import UTC, datetime

import pytest

from operations.imports import services as imports
from operations.imports.models import DataImport
from operations.jobs import services as jobs
from operations.messaging import reports as messaging
from operations.messaging import services as outbox
from revenue.customers import services
from revenue.customers.models import Contact, Customer, Payment

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
PEOPLE = "external_id,name,segment,currency\na,Ada Ltd,Retail,USD\nb,Bea Ltd,,EUR\n"
CONTACTS = "customer,email,name,role,consent\n"
pytestmark = pytest.mark.django_db


def stored(kind, content, **choices) -> DataImport:
    record = imports.create_draft(kind, "a.csv", io.BytesIO(content.encode()), actor="x", now=NOW)
    imports.choose(record, choices)
    imports.start(record.pk, caller="user:ada", now=NOW)
    jobs.run_next(clock=lambda: NOW)
    record.refresh_from_db()
    assert record.state == "current", record.error
    return record


def undo(record) -> str:
    """Why it was refused; empty where it was undone."""
    try:
        imports.undo(record.pk, actor="user:ada", now=NOW)
    except imports.NotStorable as error:
        assert DataImport.objects.get(pk=record.pk).state == "current"
        return str(error)
    return ""


def consent(email: str) -> str:
    return str(messaging.address_states([email])[email]["consent"])


def test_customers_that_were_created_go_and_those_that_were_changed_are_as_before():
    old = Customer.objects.create(external_id="a", name="Old Ltd", segment="Bank", currency="USD")
    record = stored("customers", PEOPLE, update=True)
    assert record.summary["replaced"] == 1
    old.refresh_from_db()
    assert (old.name, old.segment, Customer.objects.count()) == ("Ada Ltd", "Retail", 2)
    assert undo(record) == ""
    old.refresh_from_db()
    assert (old.name, old.segment) == ("Old Ltd", "Bank")
    assert list(Customer.objects.all()) == [old]


def test_what_has_something_since_or_was_changed_is_not_undone():
    record = stored("customers", PEOPLE)
    bea = Customer.objects.get(external_id="b")
    services.add_contact(bea.pk, name="Bo", email="bo@example.org")
    assert "b has contacts since" in undo(record)
    Contact.objects.all().delete()
    bea.owner = "Cy"
    bea.save()
    assert "Bea Ltd was changed since" in undo(record)
    again = stored("customers", PEOPLE.replace("Ada", "Eva"), update=True)
    ada = Customer.objects.get(external_id="a")
    ada.owner = "Cy"
    ada.save()
    assert "a was changed since" in undo(again)
    services.erase(ada.pk, now=NOW)
    assert "was erased" in undo(again)
    assert Customer.objects.count() == 2


def test_contacts_go_with_the_consent_that_came_with_them():
    Customer.objects.create(external_id="a", name="Ada")
    outbox.withdraw_consent("out@example.org", source="A mail.", now=NOW)
    rows = "a,in@example.org,In,owner,yes\na,no@example.org,No,viewer,no\n"
    record = stored("contacts", f"{CONTACTS}{rows}a,out@example.org,Out,viewer,yes\n")
    found = [consent(f"{name}@example.org") for name in ("in", "no", "out")]
    assert found == ["given", "withdrawn", "withdrawn"]  # who unsubscribed stays so
    assert undo(record) == ""
    assert not Contact.objects.exists()
    found = [consent(f"{name}@example.org") for name in ("in", "no", "out")]
    assert found == ["unknown", "unknown", "withdrawn"]
    assert not messaging.may_be_offered("no@example.org")


def test_a_contact_that_was_changed_since_is_not_undone():
    Customer.objects.create(external_id="a", name="Ada")
    record = stored("contacts", f"{CONTACTS}a,in@example.org,In,owner,yes\n")
    services.change_contact(Contact.objects.get().pk, {"role": "viewer"})
    assert "was changed since" in undo(record)
    assert consent("in@example.org") == "given"


def test_payments_go():
    Customer.objects.create(external_id="a", name="Ada", currency="USD")
    rows = "payment,customer,paid_on,amount\np1,a,2026-03-01,9.50\n"
    record = stored("payments", rows)
    assert Payment.objects.get().data_import == record
    assert undo(record) == ""
    assert not Payment.objects.exists()
