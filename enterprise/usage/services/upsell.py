"""Hand a client's opportunities to revenue.upsell, which makes and follows the offers."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from enterprise.usage.reports import costs, opportunities
from revenue.customers import services as customer_services
from revenue.upsell import reports as upsell_reports
from revenue.upsell import services as upsell
from revenue.upsell.states import OpportunityState

RUNNING_FOR = timedelta(days=30)  # in which a second call answers the running campaign


class NothingToOffer(Exception):
    """The client's use calls for no larger plan."""


@transaction.atomic
def trigger(customer: int, *, by: str, now: datetime) -> tuple[Any, bool]:
    """Offer what the client's use calls for most; the opportunity, and whether it is new.

    Within 30 days the running offer is the answer. Raises NothingToOffer, and what
    `stored_analysis` raises.
    """
    customer_services.lock_customer(customer)
    running = (
        upsell_reports.opportunities()
        .filter(
            customer=customer,
            state=OpportunityState.OFFERED,
            offered_at__gt=now - RUNNING_FOR,
        )
        .order_by("-offered_at")
        .first()
    )
    if running is not None:
        return running, False
    ahead = costs.costs_ahead(customer, now)
    found = opportunities.stored_analysis(customer, now).found if ahead else []
    if not found or ahead is None:
        raise NothingToOffer("No opportunity is open: its use calls for no larger plan.")
    row = upsell.store(customer, found[0], ahead.version, ahead.now, now=now)
    return upsell.offer(row.pk, by=by, now=now), True


def campaign_fields(row: Any) -> dict[str, Any]:
    """The offer as the API's campaign."""
    return {
        "campaign_id": row.pk,
        "client_id": row.customer.external_id,
        "campaign_type": row.kind,
        "state": row.state,
        "current_tier": row.current_plan,
        "recommended_tier": row.recommended_plan,
        "reason": row.reason,
        "estimated_value": abs(row.gain),
        "currency": row.currency,
        "created_at": row.offered_at,
        "expires_at": row.expires_at,
    }
