"""Give the account team's steps to people by capacity, and take work from those who leave."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from enterprise.onboarding import assignment, states
from enterprise.onboarding.assignment import Bundle, CostWeights, OwnerChoice, TeamCandidate
from enterprise.onboarding.models import (
    OnboardingFlow,
    OnboardingStep,
    OwnerCostWeight,
    StepOwnerKind,
    TeamAbsence,
    TeamMember,
)
from enterprise.sla import reports as sla
from enterprise.sla.reports import NothingInForce

Steps = QuerySet[OnboardingStep]
Waiting = Mapping[str, Sequence[OnboardingStep]]
MOST_BUNDLES = 50  # assigned together: the assignment takes the cube of their number
WEEK_DAYS = 7
TEAM_CALENDAR = "business_hours"


def assign_waiting(now: datetime, most_bundles: int = MOST_BUNDLES) -> int:
    """Give the unassigned steps of active flows to members; returns how many steps got one.

    All steps of a flow with one role go to one person. What fits nobody stays unassigned, which the
    report of the flow names as a blocker. Planned without a lock; only what is still free is given.
    """
    given = 0
    for waiting in _unassigned(most_bundles):
        members = _candidates(now)
        most_free = max((each.free_hours for each in members), default=0.0)
        owners = _present_owners({rows[0].flow_id for rows in waiting.values()})
        bundles = [_bundle(key, rows, owners) for key, rows in waiting.items()]
        bundles = [each for each in bundles if each.hours <= most_free]
        if not most_free:
            break
        placed = assignment.assign(bundles, members, weights())
        capacity = {each.id: each.capacity for each in members}
        given += sum(_give(each, waiting[each.bundle], capacity[each.member]) for each in placed)
    return given


@transaction.atomic
def set_owner(step_id: int, member_id: int | None) -> OnboardingStep:
    """Give a step to a person, or to nobody, in place of whoever has it."""
    step = OnboardingStep.objects.select_for_update().get(pk=step_id)
    step.owner_id = member_id
    step.owner_cost = None
    OnboardingStep.objects.filter(pk=step_id).update(owner=member_id, owner_cost=None)
    return step


def release(now: datetime) -> int:
    """Take the open steps of members who have left, and of those on leave what is due meanwhile.

    What has begun stays with a member who comes back. Returns how many steps are free again.
    """
    rows = OnboardingStep.objects.filter(
        owner__isnull=False, state__in=states.OPEN_STEPS, flow__status=states.ACTIVE
    )
    today = now.date()
    back = TeamAbsence.objects.filter(first__lte=today, last__gte=today).values_list(
        "member", "last"
    )
    is_released = Q(owner__is_active=False)
    for member_id, last in back:
        end = datetime.combine(last + timedelta(days=1), datetime.min.time(), UTC)
        not_begun = Q(state__in=(states.PENDING, states.READY))
        is_released |= not_begun & Q(owner=member_id, due_at__lt=end)
    ids = list(rows.filter(is_released).values_list("pk", flat=True))
    return OnboardingStep.objects.filter(pk__in=ids).update(owner=None, owner_cost=None)


def weights() -> CostWeights:
    """What each part of the cost of an owner counts, by the rows of staff."""
    rows = dict(OwnerCostWeight.objects.values_list("part", "weight"))
    return CostWeights(**rows)


def _unassigned(most: int) -> Iterator[Waiting]:
    """The open steps without an owner by flow and role, `most` at a time; old flows first."""
    rows = OnboardingStep.objects.filter(
        flow__status=states.ACTIVE,
        owner=None,
        owner_kind=StepOwnerKind.ACCOUNT_TEAM,
        state__in=states.OPEN_STEPS,
        removed_by=None,
    )
    listed = rows.order_by("flow__started_at", "flow", "role").values_list("flow", "role")
    pairs = list(dict.fromkeys(listed))
    for start in range(0, len(pairs), most):
        chosen = pairs[start : start + most]
        found: dict[str, list[OnboardingStep]] = {f"{flow} {role}": [] for flow, role in chosen}
        steps = rows.filter(flow__in={flow for flow, _ in chosen}).order_by("order")
        for step in steps.select_related("flow__customer"):
            if (key := f"{step.flow_id} {step.role}") in found:
                found[key].append(step)
        yield {key: each for key, each in found.items() if each}


def _present_owners(flow_ids: Collection[int]) -> Mapping[tuple[int, str], int]:
    """Who has, or had, other steps of a flow and role: the person whom the customer knows."""
    rows = OnboardingStep.objects.filter(flow__in=flow_ids, owner__isnull=False).order_by("order")
    return {
        (flow, role): owner
        for flow, role, owner in rows.values_list("flow", "role", "owner")
        if owner is not None
    }


def _bundle(
    key: str, rows: Sequence[OnboardingStep], owners: Mapping[tuple[int, str], int]
) -> Bundle:
    first, hours = rows[0], sum(float(each.hours) for each in rows)
    zone = zone_hours(_customer_zone(first.flow))
    return Bundle(key, hours, first.role, zone, owners.get((first.flow_id, first.role)))


def _customer_zone(flow: OnboardingFlow) -> str:
    return flow.customer.time_zone if flow.customer is not None else flow.zone


def zone_hours(zone: str) -> float:
    """The zone's distance from UTC in hours, at the start of 2027: only nearness matters."""
    at = datetime(2027, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(zone))
    return (at.utcoffset() or timedelta(0)) / timedelta(hours=1)


def _candidates(now: datetime) -> list[TeamCandidate]:
    """Active members who are not away today, with the hours that they have left in 7 days."""
    days = _working_days(now.date())
    absences: dict[int, set[date]] = {}
    for each in TeamAbsence.objects.filter(first__lte=days[-1], last__gte=now.date()):
        away = {day for day in days if each.first <= day <= each.last}
        absences.setdefault(each.member_id, set()).update(away)
    committed = _committed()
    today = now.date()
    rows = TeamMember.objects.filter(is_active=True).exclude(
        absences__first__lte=today, absences__last__gte=today
    )
    found = []
    for member in rows.order_by("pk"):
        here = 1 - len(absences.get(member.pk, ())) / len(days)
        capacity = member.week_hours * here
        free = max(capacity - committed.get(member.pk, 0.0), 0.0)
        zone = zone_hours(member.zone)
        found.append(TeamCandidate(member.pk, free, capacity, tuple(member.roles), zone))
    return found


def _working_days(today: date) -> list[date]:
    """The days of the coming week on which the account team works; all, where it never does."""
    days = [today + timedelta(days=place) for place in range(WEEK_DAYS)]
    try:
        hours = sla.calendar_in_force(TEAM_CALENDAR).business_hours(sla.company_zone())
    except NothingInForce:
        return days
    return [day for day in days if hours.intervals(day)] or days


def _committed(member_id: int | None = None) -> Mapping[int, float]:
    """The hours of the open steps that each member has."""
    rows = OnboardingStep.objects.filter(
        owner__isnull=False, state__in=states.OPEN_STEPS, flow__status=states.ACTIVE
    )
    if member_id is not None:
        rows = rows.filter(owner=member_id)
    sums = rows.values("owner").annotate(total=Sum("hours")).values_list("owner", "total")
    return {owner: float(total) for owner, total in sums if owner is not None}


@transaction.atomic
def _give(placement: OwnerChoice, rows: Sequence[OnboardingStep], capacity: float) -> int:
    """Give what is still unassigned, unless the member got other work meanwhile."""
    TeamMember.objects.select_for_update().get(pk=placement.member)
    taken = _committed(placement.member).get(placement.member, 0.0)
    if taken + sum(float(each.hours) for each in rows) > capacity + 1e-6:
        return 0
    still_free = OnboardingStep.objects.filter(
        pk__in=[each.pk for each in rows], owner=None, state__in=states.OPEN_STEPS
    )
    return still_free.update(owner=placement.member, owner_cost=dict(placement.cost))
