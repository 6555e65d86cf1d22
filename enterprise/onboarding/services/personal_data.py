"""What onboarding keeps of a customer: exported, erased and merged with the customer."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from enterprise.onboarding import states
from enterprise.onboarding.models import (
    IssuedKeySecret,
    OnboardingContact,
    OnboardingFlow,
    OnboardingStep,
)
from enterprise.onboarding.services.flows import end_for_good
from operations.messaging import services as messaging
from revenue.customers.data_hooks import CustomerDataHook
from security.apikeys import services as apikeys


def export(customer_ids: Collection[int]) -> dict[str, Any]:
    """Flows with their contacts and notes, as plain values."""
    rows = OnboardingFlow.objects.filter(customer__in=customer_ids).order_by("pk")
    return {
        "onboarding": [
            {
                "onboarding_id": str(row.onboarding_id),
                "company_name": row.company_name,
                "status": row.status,
                "created_at": row.created_at.isoformat(),
                "requirements": row.requirements,
                "contacts": list(row.contacts.values("name", "email", "role", "zone")),
                "notes": dict(row.steps.exclude(notes="").values_list("name", "notes")),
            }
            for row in rows.prefetch_related("contacts")
        ]
    }


def erase(customer_ids: Collection[int]) -> None:
    """Names, addresses and notes go; keys of the customer are revoked; states and times stay.

    Open flows are cancelled: automation would make another key.
    """
    flows = OnboardingFlow.objects.filter(customer__in=customer_ids)
    running = flows.filter(status__in=states.OPEN_FLOWS).order_by("pk")
    for flow_id in list(running.values_list("pk", flat=True)):
        end_for_good(flow_id, timezone.now(), "the customer was erased")
    OnboardingStep.objects.filter(flow__in=flows).update(notes="", reason="")
    people = list(OnboardingContact.objects.filter(flow__in=flows))
    names = [f"onboarding contact {each.pk}" for each in people]
    messaging.erase_mail(names, [each.email for each in people], [], timezone.now())
    for contact in people:
        contact.delete()
    OnboardingContact.history.filter(flow_id__in=flows.values("pk")).delete()
    IssuedKeySecret.objects.filter(step__flow__in=flows).delete()
    erased = Concat(Value("erased-"), Cast("pk", CharField()))
    flows.update(company_name=erased, company_key=erased, requirements={})
    apikeys.revoke_of_customers(customer_ids)


def merge(kept_id: int, duplicate_id: int, _now: datetime) -> None:
    """Flows and keys of the duplicate are the kept customer's."""
    OnboardingFlow.objects.filter(customer=duplicate_id).update(customer=kept_id)
    apikeys.move_to_customer(duplicate_id, kept_id)


CUSTOMER_HOOK = CustomerDataHook("onboarding", export, erase, merge)
