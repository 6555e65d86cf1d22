"""Contacts of a flow: signed links, what a contact may complete, the key that is fetched once."""

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


def revoke_link(contact_id: int) -> OnboardingContact:
    """End every link of a contact; a new one can be copied from the flow's page."""
    contact = OnboardingContact.objects.get(pk=contact_id)
    contact.link_generation += 1
    contact.save()
    return contact


def revoke_all(flow_id: int) -> int:
    """End the links of every contact of a flow; returns how many contacts."""
    rows = OnboardingContact.objects.filter(flow=flow_id, left_at=None)
    return len([revoke_link(pk) for pk in rows.values_list("pk", flat=True)])


def leave(contact_id: int, now: datetime) -> OnboardingContact:
    """The person has left: the link ends, and what waits for them waits for the owner."""
    contact = OnboardingContact.objects.get(pk=contact_id)
    if contact.left_at is None:
        contact.left_at, contact.link_generation = now, contact.link_generation + 1
        contact.save()
    return contact


def contact_for(flow: OnboardingFlow, step: OnboardingStep) -> OnboardingContact | None:
    """Whom a step waits for: a contact of its role, else the owner; None without one."""
    rows = list(flow.contacts.filter(left_at=None).order_by("pk"))
    wanted = step.contact_role or ContactRole.OWNER
    for role in (wanted, ContactRole.OWNER):
        found = next((each for each in rows if each.role == role), None)
        if found is not None:
            return found
    return None


def may_complete(contact: OnboardingContact, step: OnboardingStep) -> bool:
    """Whether the step waits for the customer, and for this contact; viewers complete nothing."""
    if step.state != states.WAITING_CUSTOMER or contact.role == ContactRole.VIEWER:
        return False
    return contact_for(contact.flow, step) == contact


def complete(contact: OnboardingContact, name: str, now: datetime) -> OnboardingStep:
    """Complete a step in the contact's name. Raises NotForContact, and what steps.complete does."""
    step = OnboardingStep.objects.filter(flow=contact.flow_id, name=name, removed_by=None).first()
    if step is None or not may_complete(contact, step):
        raise NotForContact("This step does not wait for you.")
    return steps.complete(contact.flow_id, name, now)


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
