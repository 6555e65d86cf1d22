"""Give the account team's steps to people by capacity, and take work from those who leave."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet, Sum

from enterprise.onboarding import assignment, states
from enterprise.onboarding.assignment import Bundle, CostWeights, OwnerChoice, TeamCandidate
from enterprise.onboarding.models import (
    OnboardingFlow,
    OnboardingStep,
    StepOwnerKind,
    TeamMember,
)

Steps = QuerySet[OnboardingStep]
MOST_BUNDLES = 50  # of one run: the assignment takes the cube of their number


@transaction.atomic
def assign_waiting(now: datetime) -> int:
    """Give the unassigned steps of active flows to members; returns how many steps got one.

    All steps of a flow with one role go to one person. What fits nobody stays unassigned, which the
    report of the flow names as a blocker.
    """
    waiting = _unassigned()
    members = _candidates(now)
    if not waiting or not members:
        return 0
    bundles = [_bundle(key, rows) for key, rows in waiting.items()]
    placed = assignment.assign(bundles, members, CostWeights())
    return sum(_give(each, waiting[each.bundle]) for each in placed)


@transaction.atomic
def set_owner(step_id: int, member_id: int | None) -> OnboardingStep:
    """Give a step to a person, or to nobody, in place of whoever has it."""
    step = OnboardingStep.objects.select_for_update().get(pk=step_id)
    step.owner_id = member_id
    step.owner_cost = None
    OnboardingStep.objects.filter(pk=step_id).update(owner=member_id, owner_cost=None)
    return step


def _unassigned() -> dict[str, list[OnboardingStep]]:
    """The open steps without an owner, locked, by flow and role; the flows that began first."""
    rows = OnboardingStep.objects.select_for_update(of=("self",)).filter(
        flow__status=states.ACTIVE,
        owner=None,
        owner_kind=StepOwnerKind.ACCOUNT_TEAM,
        state__in=states.OPEN_STEPS,
        removed_by=None,
    )
    found: dict[str, list[OnboardingStep]] = {}
    for step in rows.select_related("flow").order_by("flow__started_at", "flow", "order"):
        key = f"{step.flow_id} {step.role}"
        if key in found or len(found) < MOST_BUNDLES:
            found.setdefault(key, []).append(step)
    return found


def _bundle(key: str, rows: Sequence[OnboardingStep]) -> Bundle:
    hours = sum(float(each.hours) for each in rows)
    return Bundle(key, hours, rows[0].role, zone_hours(_customer_zone(rows[0].flow)))


def _customer_zone(flow: OnboardingFlow) -> str:
    return flow.customer.time_zone if flow.customer is not None else flow.zone


def zone_hours(zone: str) -> float:
    """The zone's distance from UTC in hours, at the start of 2027: only nearness matters."""
    at = datetime(2027, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(zone))
    return (at.utcoffset() or timedelta(0)) / timedelta(hours=1)


def _candidates(now: datetime) -> list[TeamCandidate]:
    """Active members who are not away today, with the hours that they have left this week."""
    today = now.date()
    rows = TeamMember.objects.filter(is_active=True).exclude(
        absences__first__lte=today, absences__last__gte=today
    )
    committed = _committed()
    return [
        TeamCandidate(
            each.pk,
            max(each.week_hours - committed.get(each.pk, 0.0), 0.0),
            each.week_hours,
            tuple(each.roles),
            zone_hours(each.zone),
        )
        for each in rows.order_by("pk")
    ]


def _committed() -> Mapping[int, float]:
    """The hours of the open steps that each member has."""
    rows = OnboardingStep.objects.filter(
        owner__isnull=False, state__in=states.OPEN_STEPS, flow__status=states.ACTIVE
    )
    sums = rows.values("owner").annotate(total=Sum("hours")).values_list("owner", "total")
    return {owner: float(total) for owner, total in sums if owner is not None}


def _give(placement: OwnerChoice, rows: Sequence[OnboardingStep]) -> int:
    ids = [each.pk for each in rows]
    return OnboardingStep.objects.filter(pk__in=ids).update(
        owner=placement.member, owner_cost=dict(placement.cost)
    )
