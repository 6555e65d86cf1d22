"""People at a customer: added once, merged, written to, and erased with what was written."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.core.exceptions import ValidationError
from django.urls import reverse

from operations.messaging import reports as messaging
from operations.messaging import services as outbox
from operations.messaging.models import Message, RecipientAddress
from operations.messaging.outside.mail_kinds import MailKind, MailPurpose, mail_kinds
from revenue.customers import reports, services
from revenue.customers.models import Contact, Customer
from tests.aethercrown.registries import isolated
from tests.revenue.customers.conftest import NOW

pytestmark = pytest.mark.django_db
KIND = MailKind(
    "hello", "Hello", MailPurpose.SERVICE, {"contact_name": "who"}, "Hi", "Hi {{ contact_name }}."
)


@pytest.fixture(autouse=True)
def _kinds(settings):
    settings.EMAIL_URL = "smtp://localhost"
    with isolated(mail_kinds, [KIND]):
        yield


def add(customer, email="ada@example.org", **more):
    return services.add_contact(customer.pk, name="Ada", email=email, **more)


def test_one_address_is_one_contact_of_a_customer(customer):
    made = add(customer, role="finance")
    assert add(customer, " ADA@example.org ").pk == made.pk
    assert str(made) == "Ada <ada@example.org>"
    with pytest.raises(ValidationError, match="has a contact with this address already"):
        Contact(customer=customer, name="B", email="ADA@example.org").full_clean()


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"role": "king"}, {"time_zone": "Mars"}, {"locale": "1"}]
)
def test_wrong_values_are_refused(customer, wrong):
    with pytest.raises(ValidationError):
        add(customer, **wrong)
    assert not Contact.objects.exists()


def test_nobody_is_added_to_an_erased_customer(customer):
    services.erase(customer.pk, now=NOW)
    with pytest.raises(services.InvalidEntry, match="was erased"):
        add(customer)
    customer.refresh_from_db()
    with pytest.raises(ValidationError, match="nothing can be added"):
        Contact(customer=customer, name="B", email="b@example.org").full_clean()


def test_the_first_role_that_somebody_has_is_written_to(customer):
    owner = add(customer, "o@example.org", role="owner")
    assert reports.recipients(customer.pk, "finance", "owner") == [owner]
    finance = [add(customer, f"f{number}@example.org", role="finance") for number in range(2)]
    assert reports.recipients(customer.pk, "finance", "owner") == finance
    for each in finance:
        each.is_active = False
        services.save_contact(each)
    assert reports.recipients(customer.pk, "finance", "owner") == [owner]
    assert reports.recipients(customer.pk, "technical") == []


def test_a_new_address_has_no_consent_of_the_old_one(customer):
    contact = add(customer)
    services.give_consent(contact, source="form", now=NOW)
    assert reports.consent_text(contact).startswith("given on 20 Mar 2026: form")
    services.save_contact(contact)
    assert contact.email_changed_at is None
    contact.email = "new@example.org"
    services.save_contact(contact)
    assert contact.email_changed_at is not None
    assert reports.consent_text(contact) == "unknown"


def test_the_history_tells_what_changed_and_never_who_it_is(customer):
    contact = add(customer)
    contact.role, contact.name = "owner", "Ada Moreau"
    services.save_contact(contact)
    rows = list(Contact.history.values())
    assert [row["role"] for row in rows] == ["owner", "viewer"]
    assert "ada" not in repr(rows).casefold()


def test_mail_goes_in_the_zone_of_the_person_or_the_customer(customer):
    Customer.objects.update(time_zone="Europe/Berlin")
    contact = reports.contacts().get(pk=add(customer).pk)
    row = services.write_to(contact, "hello", "hello:1", {}, now=NOW)
    assert (row.time_zone, row.person, row.text) == (
        "Europe/Berlin", f"contact {contact.pk}", "Hi Ada.",
    )  # fmt: skip
    contact.time_zone = "Asia/Tokyo"
    assert services.write_to(contact, "hello", "hello:2", {}, now=NOW).time_zone == "Asia/Tokyo"
    outbox.deliver_due(clock=lambda: NOW)
    assert len(mail.outbox) == 2
    assert reports.newest_mail(contact)[0].startswith("Hi: sent")


def test_a_merge_moves_contacts_and_keeps_one_of_an_address(customer):
    other = Customer.objects.create(external_id="b", name="B", currency="USD")
    kept, gone, moved = add(customer), add(other, "ADA@example.org"), add(other, "bob@example.org")
    services.merge(customer.pk, other.pk, now=NOW)
    assert list(reports.contacts().values_list("pk", "customer")) == [
        (kept.pk, customer.pk), (moved.pk, customer.pk),
    ]  # fmt: skip
    assert not Contact.objects.filter(pk=gone.pk).exists()


def test_an_erasure_takes_contacts_and_mail_and_leaves_a_suppression(customer):
    other = Customer.objects.create(external_id="b", name="B", currency="USD")
    people = [add(customer), add(customer, "bob@example.org"), add(customer, "both@example.org")]
    add(other, "both@example.org")
    services.withdraw_consent(people[1], source="phone", now=NOW)
    for each in (people[0], people[2]):
        services.give_consent(each, source="form", now=NOW)
        services.write_to(each, "hello", f"hello:{each.pk}", {}, now=NOW)
    found = reports.personal_data(customer.pk)
    assert [each["consent"] for each in found["contacts"]] == ["given", "withdrawn", "given"]
    assert [each["title"] for each in found["mails"]] == ["Hi", "Hi"]

    services.erase(customer.pk, now=NOW)
    assert list(Contact.objects.values_list("email", flat=True)) == ["both@example.org"]
    assert set(Message.objects.values_list("address", "title")) == {("", "Erased")}
    known = messaging.known(["ada@example.org", "bob@example.org", "both@example.org"])
    assert sorted(known) == ["bob@example.org", "both@example.org"]
    assert RecipientAddress.objects.count() == 2


def test_of_a_contact_that_was_deleted_before_nothing_is_left_either(customer, admin_client):
    contact = add(customer)
    services.give_consent(contact, source="form", now=NOW)
    services.write_to(contact, "hello", "hello:1", {}, now=NOW)
    page = reverse("admin:revenue_contact_change", args=[contact.pk])
    given = {"name": "Ada B", "email": contact.email, "role": "owner", "is_active": "on"}
    assert admin_client.post(page, given).status_code == 302
    contact.delete()
    services.erase(customer.pk, now=NOW)
    assert Message.objects.get().address == ""
    assert not RecipientAddress.objects.exists()
    assert "Ada" not in str(list(LogEntry.objects.values()))


def test_a_suppressed_address_is_said_beside_the_consent(customer):
    contact = add(customer)
    row = outbox.recipient(contact.email)
    outbox.suppress(row.pk, reason="by_staff", now=NOW)
    assert reports.consent_text(contact) == "unknown; nothing is sent (by staff)"


def test_contacts_are_exported_as_they_are_imported(customer):
    services.give_consent(add(customer, role="finance"), source="form", now=NOW)
    exporter = next(each for each in reports.EXPORTERS if each.kind == "contacts")
    assert list(exporter.rows()) == [
        ("acme", "ada@example.org", "Ada", "finance", "", "", True, True)
    ]
