"""Opportunities of customers who are erased or merged."""

from collections.abc import Collection
from datetime import datetime

from revenue.upsell.models import Opportunity
from revenue.upsell.services.sweep import AUTOMATIC
from revenue.upsell.states import ACTIVE_STATES, OpportunityState


def erase_free_text(customer_ids: Collection[int]) -> None:
    """Erase notes and outcomes, which may name a person; figures stay."""
    Opportunity.objects.filter(customer__in=customer_ids).update(notes="", outcome="")


def move_to_customer(kept: int, duplicate: int, now: datetime) -> None:
    """Move a merged customer's opportunities; withdraw the active ones, for the next sweep."""
    rows = Opportunity.objects.filter(customer=duplicate)
    rows.filter(state__in=ACTIVE_STATES).update(
        state=OpportunityState.WITHDRAWN,
        decided_at=now,
        decided_by=AUTOMATIC,
        updated_at=now,
        outcome="The customer was merged into another.",
    )
    rows.update(customer=kept)
