"""Give customers a tier with its terms and quotas; override it for a reason and a time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from aethercrown.history.attribution import current_actor
from enterprise.sla.models import (
    ClockKind,
    ResourceQuota,
    SlaAssignment,
    SlaClock,
    SlaTier,
    TierOverride,
    TierRuleSet,
)
from enterprise.sla.services import clocks

RESOURCES = ("api_rate_limit", "storage_gb", "compute_units")


class InvalidOverride(ValueError):
    """An override needs a reason and an end in the future."""


@transaction.atomic
def assign_tier(
    customer_id: int,
    terms: Mapping[str, Any],
    now: datetime,
    *,
    rule_set: TierRuleSet | None = None,
    reasons: tuple[str, ...] = (),
) -> SlaAssignment:
    """Store a tier and its pinned terms as the customer's; the same again changes nothing.

    Running response clocks get the new target.
    """
    tier = SlaTier.objects.get(code=terms["tier"])
    present = _lock_assignment(customer_id)
    if present is not None and present.terms == dict(terms):
        return present
    if present is not None:
        present.ended_at = now
        present.save(update_fields=["ended_at"])
    made = SlaAssignment.objects.create(
        customer_id=customer_id,
        tier=tier,
        terms=dict(terms),
        rule_set=rule_set,
        reasons=list(reasons),
        assigned_at=now,
    )
    _retarget(customer_id, terms, now)
    return made


def end_assignment(customer_id: int, now: datetime) -> bool:
    """End the customer's SLA; whether there was one."""
    rows = SlaAssignment.objects.filter(customer=customer_id, ended_at=None)
    return bool(rows.update(ended_at=now))


@transaction.atomic
def override_tier(
    customer_id: int, code: str, reason: str, expires_at: datetime, now: datetime
) -> TierOverride:
    """Give a customer another tier until a time, in the current actor's name.

    Raises InvalidOverride. An earlier override ends.
    """
    if not reason.strip():
        raise InvalidOverride("Say why the customer gets another tier than the rules choose.")
    if expires_at <= now:
        raise InvalidOverride("An override ends in the future.")
    tier = SlaTier.objects.select_related("support_hours").get(code=code)
    for earlier in TierOverride.objects.filter(customer=customer_id, ended_at=None):
        end_override(earlier.pk, now)
    override = TierOverride.objects.create(
        customer_id=customer_id,
        tier=tier,
        reason=reason.strip()[:300],
        begins_at=now,
        expires_at=expires_at,
        created_by=current_actor().actor,
    )
    why = (f"override: {override.reason}",)
    assign_tier(customer_id, tier.terms, now, reasons=why)
    return override


@transaction.atomic
def end_override(override_id: int, now: datetime) -> TierOverride:
    """End an override before its time; the tier stays until it is assigned again."""
    override = TierOverride.objects.select_for_update().get(pk=override_id)
    if override.ended_at is None:
        override.ended_at = now
        override.save(update_fields=["ended_at"])
    return override


@transaction.atomic
def set_quotas(customer_id: int, terms: Mapping[str, Any], now: datetime) -> dict[str, int]:
    """Store the resources of the terms as the customer's quotas; returns what is stored."""
    for name in RESOURCES:
        ResourceQuota.objects.update_or_create(
            customer_id=customer_id,
            resource=name,
            defaults={"amount": terms[name], "set_at": now},
        )
    rows = ResourceQuota.objects.filter(customer=customer_id, resource__in=RESOURCES)
    return dict(rows.values_list("resource", "amount"))


def remove_quotas(customer_id: int) -> int:
    """Remove the customer's quotas; how many there were."""
    return ResourceQuota.objects.filter(customer=customer_id).delete()[0]


def _lock_assignment(customer_id: int) -> SlaAssignment | None:
    rows = SlaAssignment.objects.select_for_update().filter(customer=customer_id, ended_at=None)
    return rows.first()


def _retarget(customer_id: int, terms: Mapping[str, Any], now: datetime) -> None:
    target = timedelta(hours=int(terms["response_hours"]))
    rows = SlaClock.objects.filter(customer=customer_id, kind=ClockKind.RESPONSE)
    running = rows.exclude(state=SlaClock.State.STOPPED).exclude(target=target)
    for clock_id in list(running.order_by("pk").values_list("pk", flat=True)):
        reason = f"tier {terms['tier']}"
        clocks.retarget_clock(clock_id, target, now, reason, tier=str(terms["tier"]))
