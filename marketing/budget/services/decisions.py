"""Decide on plans, and what a decision does: put amounts in force, undo that, measure the lift."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone

from aethercrown.transitions import InvalidTransition
from marketing.budget import reports
from marketing.budget.measurement.decision import KIND, SUBJECT_PREFIX
from marketing.budget.models import BudgetPlan, PlanAllocation
from marketing.budget.services import allocations, handover
from marketing.budget.services.plans import yesterday
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale

APPROVED_STATUSES = {"approved", "applied", "measured"}


def approve(plan_id: int, *, actor: str, now: datetime, note: str = "") -> BudgetPlan:
    """Approve a plan and apply it; one approved already stays as it is.

    Raises InvalidTransition after a rejection or a roll-back. Raises Stale, and rejects the plan,
    where the allocation in force changed since the plan was made.
    """
    decide = partial(decisions.approve, actor=actor, note=note, now=now)
    return _decide(plan_id, decide, APPROVED_STATUSES)


def reject(plan_id: int, *, actor: str, now: datetime, note: str = "") -> BudgetPlan:
    """Reject a plan; a rejected one stays as it is. Raises InvalidTransition after approval."""
    decide = partial(decisions.reject, actor=actor, note=note, now=now)
    return _decide(plan_id, decide, {"rejected"})


def roll_back(plan_id: int, *, actor: str, now: datetime, note: str = "") -> BudgetPlan:
    """Put the previous allocation in force again. Raises InvalidTransition and Stale."""
    return _decide(plan_id, partial(decisions.roll_back, actor=actor, note=note, now=now), set())


def _decide(plan_id: int, decide: Callable[[int], Any], done: set[str]) -> BudgetPlan:
    """Call `decide` with the plan's decision; nothing happens in a status of `done`."""
    try:
        decide(BudgetPlan.objects.get(pk=plan_id).decision_id)
    except InvalidTransition:
        if status(plan_id) not in done:
            raise
    return reports.plans().get(pk=plan_id)


def status(plan_id: int) -> str:
    return str(BudgetPlan.objects.values_list("decision__status", flat=True).get(pk=plan_id))


def apply(case: DecisionCase) -> None:
    """Put a plan's amounts in force, in the transaction of its decision."""
    found = BudgetPlan.objects.filter(decision_id=case.decision_id)
    plan = found.select_related("decision").first()
    now = (plan.decision.approved_at if plan else None) or timezone.now()
    currency = _currency(case)
    names = _names_now(case)
    before, after = _amounts(case.before, names), _amounts(case.after, names)
    try:
        named = allocations.put_in_force(currency, before, after, case.decision_id, now)
    except allocations.AllocationChanged as error:
        raise Stale(str(error)) from error
    handover.send(case.decision_id, "applied", currency, (before, after), now)
    without_channel = list(PlanAllocation.objects.filter(plan=plan, channel__isnull=True))
    for allocation in without_channel:
        allocation.channel = named[allocation.channel_name]
    PlanAllocation.objects.bulk_update(without_channel, ["channel"])


def undo(case: DecisionCase) -> None:
    """Put the previous amounts in force again, if there were any."""
    now, currency = timezone.now(), _currency(case)
    ended = reports.amounts_in_force(currency)
    try:
        allocations.restore_previous(currency, case.decision_id, now)
    except allocations.AllocationChanged as error:
        raise Stale(str(error)) from error
    restored = reports.amounts_in_force(currency)
    handover.send(case.decision_id, "rolled_back", currency, (ended, restored), now)


def measure(case: DecisionCase, at: datetime) -> MeasuredEffect | None:
    """The realised lift; None until the rows of the first periods in force are stored."""
    plan = BudgetPlan.objects.filter(decision_id=case.decision_id).first()
    if plan is None or case.applied_at is None:
        return None
    found = reports.measured_effect(plan, case.applied_at, yesterday(at))
    if found is None:
        return None
    return MeasuredEffect(
        value=found.lift.estimate,
        low=found.lift.low,
        high=found.lift.high,
        inside=found.inside,
        detail={
            "periods": [str(each) for each in found.periods],
            "season_adjusted": found.season_adjusted,
            "noise_percent": round(100 * found.noise, 2),
        },
    )


def _currency(case: DecisionCase) -> str:
    return case.subject.removeprefix(SUBJECT_PREFIX)


def _amounts(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Decimal]:
    return {names.get(name, name): Decimal(amount) for name, amount in row.items()}


def _names_now(case: DecisionCase) -> dict[str, str]:
    """The present names of the channels of the plan and of the one in force, by those then."""
    in_force = reports.in_force(_currency(case))
    earlier = reports.names_now(in_force[0].decision_id) if in_force else {}
    return {**earlier, **reports.names_now(case.decision_id)}


def page_url(subject: str) -> str:
    """Path of the page of a currency's budget."""
    return f"/dashboards/budget?currency={subject.removeprefix(SUBJECT_PREFIX)}"


def needs_four_eyes() -> bool:
    """Whether a plan has to be approved by somebody else than the one who asked for it."""
    return decisions.needs_four_eyes(KIND)


DECISION_TYPE = DecisionType(
    KIND,
    "Marketing budget",
    apply,
    undo,
    measure,
    path=page_url,
    is_under_way=lambda case: handover.is_under_way(case.decision_id),
    currency=lambda subject: subject.removeprefix(SUBJECT_PREFIX),
)
