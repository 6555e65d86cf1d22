"""Contacts of a flow: signed links, what a contact may complete, the key that is fetched once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet

from aethercrown.crypto import sealing
from aethercrown.transitions import InvalidTransition
from enterprise.onboarding import states
from enterprise.onboarding.models import (
    ContactRole,
    IssuedKeySecret,
    OnboardingContact,
    OnboardingFlow,
    OnboardingStep,
)
from enterprise.onboarding.services import actions, steps

SALT = "enterprise.onboarding.contact"
LINK_LIFETIME = timedelta(days=30)
KEY_ROLES = (ContactRole.OWNER, ContactRole.TECHNICAL)


class NotForContact(InvalidTransition):
    """The step does not wait for this contact."""


class KnownContact(ValueError):
    """The flow has a contact with this address already."""


class SecretGone(InvalidTransition):
    """The key's text was fetched before, has expired, or was never made."""


def path(contact: OnboardingContact) -> str:
    """The contact's own page, for LINK_LIFETIME from now."""
    values = [contact.flow_id, contact.pk, contact.link_generation]
    return f"/onboarding/{signing.dumps(values, salt=SALT, compress=False)}"


def opened_by(token: str) -> OnboardingContact | None:
    """The contact whose link this is; None where it is wrong, expired or revoked."""
    try:
        values = signing.loads(token, salt=SALT, max_age=LINK_LIFETIME)
    except signing.BadSignature:
        return None
    flow_id, contact_id, generation = values
    rows = OnboardingContact.objects.filter(
        pk=contact_id, flow=flow_id, link_generation=generation, left_at=None
    )
    return rows.select_related("flow").first()


@transaction.atomic
def add(flow_id: int, name: str, email: str, role: str, zone: str = "UTC") -> OnboardingContact:
    """A person at the customer; the same address again changes name, role and zone.

    The customer, once it exists, knows the person too.
    """
    contact, _ = OnboardingContact.objects.update_or_create(
        flow_id=flow_id,
        email=email.strip().lower(),
        left_at=None,
        defaults={"name": name.strip(), "role": role, "zone": zone},
    )
    if contact.flow.customer_id is not None:
        actions.add_to_customer(contact.flow.customer_id, contact)
    return contact


@transaction.atomic
def change(contact_id: int, name: str, email: str, role: str, zone: str) -> OnboardingContact:
    """Change a contact; with another address the links that were sent end. Raises KnownContact."""
    contact = OnboardingContact.objects.select_for_update().get(pk=contact_id)
    email = email.strip().lower()
    if contact.email != email:
        others = OnboardingContact.objects.filter(flow=contact.flow_id, email=email, left_at=None)
        if others.exists():
            raise KnownContact(f"{email} is a contact of this onboarding already.")
        contact.link_generation += 1
    contact.name, contact.email, contact.role, contact.zone = name.strip(), email, role, zone
    contact.save()
    if contact.flow.customer_id is not None:
        actions.add_to_customer(contact.flow.customer_id, contact)
    return contact


@transaction.atomic
def revoke_link(contact_id: int) -> OnboardingContact:
    """End every link of a contact; a new one can be copied from the flow's page."""
    contact = OnboardingContact.objects.select_for_update().get(pk=contact_id)
    contact.link_generation += 1
    contact.save()
    return contact


def revoke_all(flow_id: int) -> int:
    """End the links of every contact of a flow; returns how many contacts."""
    rows = OnboardingContact.objects.filter(flow=flow_id, left_at=None)
    return len([revoke_link(pk) for pk in rows.values_list("pk", flat=True)])


@transaction.atomic
def leave(contact_id: int, now: datetime) -> OnboardingContact:
    """The person has left: the link ends, and what waits for them waits for the owner."""
    contact = OnboardingContact.objects.select_for_update().get(pk=contact_id)
    if contact.left_at is None:
        contact.left_at, contact.link_generation = now, contact.link_generation + 1
        contact.save()
    return contact


def contact_for(flow: OnboardingFlow, step: OnboardingStep) -> OnboardingContact | None:
    """Whom a step waits for: a contact of its role, else the owner; None without one."""
    return chosen(flow.contacts.filter(left_at=None), step)


def chosen(present: Iterable[OnboardingContact], step: OnboardingStep) -> OnboardingContact | None:
    """Of the contacts who have not left the one who is asked: the first of the role."""
    rows = sorted(present, key=lambda each: each.pk)
    wanted = step.contact_role or ContactRole.OWNER
    for role in (wanted, ContactRole.OWNER):
        found = next((each for each in rows if each.role == role), None)
        if found is not None:
            return found
    return None


def is_for(contact: OnboardingContact, step: OnboardingStep) -> bool:
    """Whether a step is the contact's to complete: of their role, or nobody else's and theirs."""
    if contact.role == ContactRole.VIEWER:
        return False
    if contact.role == (step.contact_role or ContactRole.OWNER):
        return True
    return contact_for(contact.flow, step) == contact


def may_complete(contact: OnboardingContact, step: OnboardingStep) -> bool:
    """Whether the step waits for the customer, and for this contact; viewers complete nothing."""
    is_waiting = step.state == states.WAITING_CUSTOMER and contact.flow.status == states.ACTIVE
    return is_waiting and is_for(contact, step)


def complete(contact: OnboardingContact, name: str, now: datetime) -> OnboardingStep:
    """Complete a step in the contact's name; a step of theirs that is done stays as it is.

    Raises NotForContact, and what steps.complete does.
    """
    step = OnboardingStep.objects.filter(flow=contact.flow_id, name=name, removed_by=None).first()
    is_over = step is not None and step.state == states.DONE and is_for(contact, step)
    if step is None or not (is_over or may_complete(contact, step)):
        raise NotForContact("This step does not wait for you.")
    return steps.complete(contact.flow_id, name, now, only_from=states.WAITING_CUSTOMER)


@dataclass(frozen=True, slots=True)
class FetchedKey:
    """The text of a key, which nobody gets again."""

    key_id: int
    plaintext: str


def waiting_secret(contact: OnboardingContact, now: datetime) -> IssuedKeySecret | None:
    """A key's text that this contact may fetch; None without one."""
    return _waiting_secrets(contact, now).first()


def _waiting_secrets(contact: OnboardingContact, now: datetime) -> QuerySet[IssuedKeySecret]:
    rows = IssuedKeySecret.objects.filter(fetched_at=None, expires_at__gt=now).exclude(sealed="")
    allowed = contact.flow_id if contact.role in KEY_ROLES else None
    return rows.filter(step__flow=allowed)


@transaction.atomic
def fetch_secret(contact: OnboardingContact, now: datetime) -> FetchedKey:
    """The key's text, once: whoever waits for the lock finds it gone. Raises SecretGone."""
    row = _waiting_secrets(contact, now).select_for_update(of=("self",)).first()
    if row is None:
        raise SecretGone("There is no key to fetch: it was fetched before, or has expired.")
    text = sealing.unseal(row.sealed, row.context)
    row.fetched_at, row.fetched_by, row.sealed = now, f"contact:{contact.pk}", ""
    row.save()
    return FetchedKey(row.key_id, text)


def delete_expired_secrets(now: datetime) -> int:
    """Delete the texts that nobody fetched in time; returns how many."""
    rows = IssuedKeySecret.objects.filter(expires_at__lte=now).exclude(sealed="")
    return rows.update(sealed="")
