"""Writing contacts and their consent, and mail to them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from operations.messaging import services as messaging
from operations.messaging.outside.mail_kinds import OutsideMail
from operations.messaging.reports import Message
from revenue.customers import reports
from revenue.customers.data_hooks import CustomerDataHook
from revenue.customers.models import Contact
from revenue.customers.services.customers import erase_admin_log_of, lock_customer


@transaction.atomic
def add_contact(
    customer_id: int,
    *,
    name: str,
    email: str,
    role: str = Contact.Role.VIEWER,
    locale: str = "",
    time_zone: str = "",
    is_active: bool = True,
    import_id: int | None = None,
) -> Contact:
    """Add a person, or return the customer's contact of that address as it is.

    Raises InvalidEntry of a merged or erased customer, and ValidationError of wrong values.
    """
    customer = lock_customer(customer_id)
    address = email.strip()
    stored = customer.contacts.filter(email__iexact=address).first()
    if stored is not None:
        return stored
    made = Contact(
        customer=customer,
        name=name.strip(),
        email=address,
        role=role,
        locale=locale,
        time_zone=time_zone,
        is_active=is_active,
        data_import_id=import_id,
    )
    made.full_clean()
    made.save()
    return made


@transaction.atomic
def change_contact(contact_id: int, values: Mapping[str, Any]) -> Contact:
    """Change some fields; the row is locked. Raises ValidationError of wrong values."""
    row = Contact.objects.select_for_update(of=("self",)).get(pk=contact_id)
    for name, value in values.items():
        setattr(row, name, value)
    row.full_clean()
    return save_contact(row)


@transaction.atomic
def save_contact(contact: Contact) -> Contact:
    """Store a contact as a form has it; a new address has no consent of the old one."""
    before = Contact.objects.filter(pk=contact.pk).values_list("email", flat=True).first()
    if before is not None and before != contact.email:
        contact.email_changed_at = timezone.now()
    contact.save()
    return contact


def give_consent(contact: Contact, *, source: str, now: datetime) -> None:
    """Record that the person agreed to offers and news, and how."""
    messaging.give_consent(contact.email, source=source, now=now)


def withdraw_consent(contact: Contact, *, source: str, now: datetime) -> None:
    """Record that the person wants no offers and news any more."""
    messaging.withdraw_consent(contact.email, source=source, now=now)


def write_to(
    contact: Contact, kind: str, key: str, values: Mapping[str, str], *, now: datetime
) -> Message:
    """Queue a mail of a kind to a contact, once for each key; `contact_name` is filled in."""
    return messaging.enqueue_mail(
        OutsideMail(
            key=key,
            kind=kind,
            address=contact.email,
            recipient_name=contact.name,
            values={"contact_name": contact.name, **values},
            person=contact.person,
            locale=contact.locale,
            time_zone=contact.zone,
        ),
        now,
    )


def move_contacts(kept: int, duplicate: int, _now: datetime) -> None:
    """Give a merged customer's contacts to the kept one; of one address, the kept one's stays."""
    rows = reports.contacts()
    known = {each.email.casefold() for each in rows.filter(customer=kept)}
    for each in rows.filter(customer=duplicate):
        if each.email.casefold() in known:
            each.delete()
        else:
            each.customer_id = kept
            each.save()


def erase_contacts(customer_ids: Collection[int]) -> None:
    """Delete the contacts, and what mail to them said. A suppressed address stays as a hash.

    Of contacts that were deleted before, too: the history has their numbers.
    """
    rows = list(reports.contacts().filter(customer__in=customer_ids))
    others = reports.contacts().exclude(customer__in=customer_ids)
    emails = [each.email for each in rows]
    kept = [each for each in emails if others.filter(email__iexact=each).exists()]
    keys = set(Contact.history.filter(customer__in=customer_ids).values_list("id", flat=True))
    people = [f"contact {key}" for key in sorted(keys)]
    messaging.erase_mail(people, emails, kept, timezone.now())
    erase_admin_log_of(Contact, keys)
    for each in rows:
        each.delete()


CUSTOMER_HOOK = CustomerDataHook(
    "contacts", reports.contact_data, erase_contacts, merge=move_contacts
)
