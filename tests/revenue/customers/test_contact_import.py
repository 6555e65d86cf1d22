"""Contacts from a CSV file, and on their own pages in the admin."""

import io
from typing import Any

import pytest
from django.urls import reverse

from aethercrown.csv import importing
from aethercrown.csv.importing import ImportOptions
from revenue.customers import reports, services
from revenue.customers.models import Contact

pytestmark = pytest.mark.django_db
HEADER = "customer,email,name,role,locale,time_zone,gets_mail,consent\n"


def load(rows: str):
    file = io.BytesIO(f"{HEADER}{rows}".encode())
    return importing.load(importing.named("contacts"), file, {}, ImportOptions("USD"))


def consents() -> dict[str, str]:
    return {each.email: reports.consent_text(each).split(" ")[0] for each in reports.contacts()}


def test_a_file_of_contacts_is_stored_and_a_second_one_changes_nothing(customer):
    rows = (
        "acme,ada@example.org,Ada,finance,de-AT,Europe/Vienna,,yes\n"
        "acme,bob@example.org,Bob,,,,no,no\n"
        "acme,eve@example.org,Eve,owner,,,yes,\n"
    )
    assert load(rows).created == 3
    ada, bob, eve = reports.contacts()
    assert (ada.role, ada.locale, ada.time_zone) == ("finance", "de-AT", "Europe/Vienna")
    assert [each.is_active for each in (ada, bob, eve)] == [True, False, True]
    assert list(consents().values()) == ["given", "withdrawn", "unknown"]
    assert load(rows.replace("finance", "viewer")).created == 0
    assert Contact.objects.get(pk=ada.pk).role == "finance"


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("nobody,a@example.org,A,,,,,", "customer", "there is no customer nobody"),
        ("acme,a@,A,,,,,", "email", "is not an e-mail address"),
        (f"acme,{'a' * 250}@example.org,A,,,,,", "email", "is not an e-mail address"),
        ("acme,a@example.org,A,king,,,,", "role", "is not one of owner"),
        ("acme,a@example.org,A,,1,,,", "locale", "is not a locale"),
        ("acme,a@example.org,A,,,Mars,,", "time_zone", "is not a time zone"),
        ("acme,a@example.org,A,,,,,perhaps", "consent", "perhaps"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_stored(customer, row, column, said):
    found = load(f"acme,good@example.org,Good,,,,,\n{row}\n")
    assert [(each.row, each.column) for each in found.faults] == [(3, column)]
    assert said in found.faults[0].reason
    assert not Contact.objects.exists()


def test_the_same_person_twice_in_a_file_is_named(customer):
    found = load("acme,a@example.org,A,,,,,\nacme,a@example.org,B,,,,,\n")
    assert "is in row 2 already" in found.faults[0].reason


CUSTOMER = "admin:revenue_customer_change"
CONTACT = "admin:revenue_contact"


def rows_of(customer, *contacts):
    """The form of a customer's page with its contacts."""
    given: dict[str, Any] = {
        "external_id": "acme", "name": "Acme", "currency": "USD", "time_zone": "UTC",
        "contacts-TOTAL_FORMS": len(contacts), "contacts-INITIAL_FORMS": 0,
        "movements-TOTAL_FORMS": 0, "movements-INITIAL_FORMS": 0,
    }  # fmt: skip
    for number, values in enumerate(contacts):
        initial = "id" in values
        given["contacts-INITIAL_FORMS"] += initial
        whole = {"customer": customer.pk, "role": "viewer", "is_active": "on", **values}
        given |= {f"contacts-{number}-{name}": value for name, value in whole.items()}
    return given


def test_the_customers_page_adds_changes_and_removes_contacts(admin_client, customer):
    page = reverse(CUSTOMER, args=[customer.pk])
    new = {"name": "Ada", "email": "ada@example.org"}
    assert admin_client.post(page, rows_of(customer, new)).status_code == 302
    contact = Contact.objects.get()
    assert "ada@example.org" in admin_client.get(page).text
    moved = {"id": contact.pk, "name": "Ada", "email": "new@example.org"}
    admin_client.post(page, rows_of(customer, moved))
    contact.refresh_from_db()
    assert (contact.email, contact.email_changed_at is not None) == ("new@example.org", True)
    admin_client.post(page, rows_of(customer, moved | {"DELETE": "on"}))
    assert not Contact.objects.exists()


def test_two_contacts_of_one_address_are_refused_on_the_page(admin_client, customer):
    services.add_contact(customer.pk, name="Ada", email="ada@example.org")
    page = reverse(CUSTOMER, args=[customer.pk])
    again = {"name": "B", "email": "ADA@example.org"}
    two = [{"name": name, "email": f"{name}@example.org"} for name in ("c", "C")]
    for rows in ((again,), two):
        shown = admin_client.post(page, rows_of(customer, *rows)).text
        assert "has a contact with this address" in shown
    assert Contact.objects.count() == 1


def test_consent_is_recorded_with_its_source_on_the_contacts_page(admin_client, customer):
    contact = services.add_contact(customer.pk, name="Ada", email="ada@example.org")
    page = reverse(f"{CONTACT}_change", args=[contact.pk])
    for step, said in (("consent_given", "given on"), ("consent_withdrawn", "withdrawn on")):
        path = reverse(f"{CONTACT}_{step}", args=[contact.pk])
        assert "Ada &lt;ada@example.org&gt;" in admin_client.get(path).text
        assert "required" in admin_client.post(path, {"source": ""}).text
        admin_client.post(path, {"source": "order form"})
        assert said in admin_client.get(page).text
    given = {"name": "Ada M", "email": "ada@example.org", "role": "owner", "is_active": "on"}
    assert admin_client.post(page, given).status_code == 302
    assert Contact.objects.get().name == "Ada M"
    add = {**given, "customer": customer.pk, "email": "bob@example.org"}
    assert admin_client.post(reverse(f"{CONTACT}_add"), add).status_code == 302
    assert Contact.objects.count() == 2
