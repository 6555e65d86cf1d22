"""Give customers a tier with its terms and quotas; override it for a reason and a time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from aethercrown.history.attribution import current_actor
from enterprise.sla import reports
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

    Running response clocks get the new target. While an override is in force, what rules give
    (those have a `rule_set`) is kept for when it ends, and what is in force is returned.
    """
    present = _lock_assignment(customer_id)
    if present is not None and present.terms == dict(terms):
        return present
    waits = rule_set is not None and reports.override_in_force(customer_id, now) is not None
    made = SlaAssignment(
        customer_id=customer_id,
        tier=SlaTier.objects.get(code=terms["tier"]),
        terms=dict(terms),
        rule_set=rule_set,
        reasons=list(reasons),
        assigned_at=now,
        ended_at=now if waits and present is not None else None,
    )
    if made.ended_at is None and present is not None:
        present.ended_at = now
        present.save(update_fields=["ended_at"])
    made.save(force_insert=True)
    if present is not None and made.ended_at is not None:
        return present
    _retarget(customer_id, terms, now)
    return made


def end_assignment(customer_id: int, now: datetime) -> bool:
    """End the customer's SLA; whether there was one."""
    rows = SlaAssignment.objects.filter(customer=customer_id, ended_at=None)
    return bool(rows.update(ended_at=now))


@transaction.atomic
def undo_assignment(assignment_id: int, now: datetime) -> bool:
    """End an assignment, and put the one before it in force again; False where it is over."""
    rows = SlaAssignment.objects.select_for_update().filter(pk=assignment_id, ended_at=None)
    found = rows.first()
    if found is None:
        return False
    end_assignment(found.customer_id, now)
    earlier = SlaAssignment.objects.filter(customer=found.customer_id, ended_at=found.assigned_at)
    before = earlier.exclude(pk=found.pk).order_by("-pk").first()
    if before is not None:
        assign_tier(
            found.customer_id, before.terms, now,
            rule_set=before.rule_set, reasons=tuple(before.reasons),
        )  # fmt: skip
    return True


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
        earlier.ended_at = now
        earlier.save(update_fields=["ended_at"])
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
    _follow_quotas(customer_id, tier.terms, now)
    return override


@transaction.atomic
def end_override(override_id: int, now: datetime) -> TierOverride:
    """End an override; the terms that rules gave last are in force again."""
    override = TierOverride.objects.select_for_update().get(pk=override_id)
    if override.ended_at is None:
        override.ended_at = now
        override.save(update_fields=["ended_at"])
        _restore_terms(override.customer_id, now)
    return override


def end_expired_overrides(now: datetime) -> int:
    """End the overrides whose time is over; returns how many."""
    rows = TierOverride.objects.filter(ended_at=None, expires_at__lte=now).order_by("pk")
    return len([end_override(pk, now) for pk in list(rows.values_list("pk", flat=True))])


def _restore_terms(customer_id: int, now: datetime) -> None:
    """Put what rules gave last in the place of an override's terms; without any, the SLA ends."""
    present = _lock_assignment(customer_id)
    if present is None or present.rule_set_id is not None:
        return
    rows = SlaAssignment.objects.filter(customer=customer_id, rule_set__isnull=False)
    given = rows.select_related("rule_set").order_by("-assigned_at", "-pk").first()
    if given is None:
        end_assignment(customer_id, now)
        return
    reasons = tuple(given.reasons)
    assign_tier(customer_id, given.terms, now, rule_set=given.rule_set, reasons=reasons)
    _follow_quotas(customer_id, given.terms, now)


def _follow_quotas(customer_id: int, terms: Mapping[str, Any], now: datetime) -> None:
    """Quotas that are set follow the terms; where none are, nothing is opened."""
    if ResourceQuota.objects.filter(customer=customer_id, resource__in=RESOURCES).exists():
        set_quotas(customer_id, terms, now)


@transaction.atomic
def set_quotas(customer_id: int, terms: Mapping[str, Any], now: datetime) -> dict[str, int]:
    """Store the resources of the terms as the customer's quotas; returns what is stored."""
    for name in (each for each in RESOURCES if each in terms):
        ResourceQuota.objects.update_or_create(
            customer_id=customer_id,
            resource=name,
            defaults={"amount": terms[name], "set_at": now},
        )
    return reports.quotas(customer_id)


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
