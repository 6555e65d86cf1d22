"""What service levels keep of a customer: exported, erased and merged with the customer."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from enterprise.sla.models import ResourceQuota, SlaAssignment, SlaClock, TierOverride
from revenue.customers.data_hooks import CustomerDataHook


def export(customer_ids: Collection[int]) -> dict[str, Any]:
    """Tiers with their terms, overrides and quotas, as plain values."""
    tiers = SlaAssignment.objects.filter(customer__in=customer_ids).order_by("pk")
    overrides = TierOverride.objects.filter(customer__in=customer_ids).order_by("pk")
    quotas = ResourceQuota.objects.filter(customer__in=customer_ids).order_by("pk")
    return {
        "service_levels": {
            "tiers": [
                {
                    "terms": row.terms,
                    "reasons": row.reasons,
                    "assigned_at": row.assigned_at.isoformat(),
                    "ended_at": row.ended_at.isoformat() if row.ended_at else None,
                }
                for row in tiers
            ],
            "overrides": [
                {"tier": row.tier.code, "reason": row.reason, "until": row.expires_at.isoformat()}
                for row in overrides.select_related("tier")
            ],
            "quotas": dict(quotas.values_list("resource", "amount")),
        }
    }


def erase(customer_ids: Collection[int]) -> None:
    """What staff wrote and what says how large the customer is goes; tiers and times stay."""
    overrides = TierOverride.objects.filter(customer__in=customer_ids)
    for override in overrides:
        override.reason = "erased"
        override.save(update_fields=["reason"])
    TierOverride.history.filter(id__in=overrides.values("pk")).update(reason="erased")
    SlaAssignment.objects.filter(customer__in=customer_ids).update(reasons=[])


def merge(kept_id: int, duplicate_id: int, now: datetime) -> None:
    """Clocks, tiers and quotas of the duplicate are the kept customer's, whose own go first."""
    SlaClock.objects.filter(customer=duplicate_id).update(customer=kept_id)
    tiers = SlaAssignment.objects.filter(customer=duplicate_id)
    has_own = SlaAssignment.objects.filter(customer=kept_id, ended_at=None).exists()
    if has_own:
        tiers.filter(ended_at=None).update(ended_at=now)
    for override in TierOverride.objects.filter(customer=duplicate_id):
        override.customer_id = kept_id
        if has_own and override.ended_at is None:
            override.ended_at = now
        override.save(update_fields=["customer", "ended_at"])
    tiers.update(customer=kept_id)
    known = ResourceQuota.objects.filter(customer=kept_id).values("resource")
    quotas = ResourceQuota.objects.filter(customer=duplicate_id)
    quotas.filter(resource__in=known).delete()
    quotas.update(customer=kept_id)


CUSTOMER_HOOK = CustomerDataHook("service levels", export, erase, merge)
