"""Plans: made from a body or from stored rows, decided, applied, measured and taken back.

A plan and its decision are written together, once for the same input.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from marketing.budget import reports, stored_request
from marketing.budget.measurement.decision import (
    AUTOMATION,
    KIND,
    SUBJECT_PREFIX,
    decision_draft,
    window_end,
)
from marketing.budget.models import BudgetPlan, PlanAllocation
from marketing.budget.planner import planning
from marketing.budget.planner.proposal import Proposal
from marketing.budget.planner.request import BudgetRequest, Infeasible
from marketing.budget.reports import allocations
from marketing.budget.services import allocations as allocating
from marketing.channels.models import Channel
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect

MAX_STEP_PERCENT = Decimal(20)  # how far a scheduled plan may move a channel
APPROVED_STATUSES = {"approved", "applied", "measured"}

WrongStep = decisions.WrongStep
Stale = decisions.Stale
TooLittleKnown = stored_request.NotEnoughData


# --- Planning -----------------------------------------------------------------------------------


def optimize(
    question: BudgetRequest, *, source: str, mode: str, now: datetime, run_id: int | None = None
) -> BudgetPlan:
    """Plan, and store the plan with its decision; the same question finds the same plan.

    Raises Infeasible, with every bad field, where there is no plan.
    """
    proposal = planning.plan(question)
    with transaction.atomic():
        before = allocations.amounts(question.currency)
        promised = decision_draft(question, proposal, before, run_id)
        decision = decisions.propose(promised, mode=mode, now=now)
        known = BudgetPlan.objects.filter(decision=decision).first()
        if known:
            return known
        plan = BudgetPlan.objects.create(
            decision=decision, created_at=now, source=source, **_columns(question, proposal)
        )
        _add_allocations(plan, proposal)
        return plan


def _columns(question: BudgetRequest, proposal: Proposal) -> dict[str, Any]:
    revenue, lift = proposal.expected_revenue, proposal.expected_lift_percent
    dates = [row.date for row in question.rows if row.date]
    return {
        "mode": proposal.mode,
        "total": proposal.total,
        "currency": proposal.currency,
        "budget_periods": question.budget_periods,
        "starts_on": question.starts_on,
        "ends_on": window_end(question),
        "input_digest": proposal.input_digest,
        "question": {
            "rows": len(question.rows),
            "channels": sorted({row.channel for row in question.rows}),
            "first_date": min(dates, default=None),
            "last_date": max(dates, default=None),
        },
        "proposal": proposal.summary(),
        "method": proposal.method,
        "revenue_estimate": revenue.estimate,
        "revenue_low": revenue.low,
        "revenue_high": revenue.high,
        "lift_estimate": lift.estimate,
        "lift_low": lift.low,
        "lift_high": lift.high,
        "probability_of_lift": proposal.probability_of_lift,
        "auto_applicable": proposal.auto_applicable,
    }


def _add_allocations(plan: BudgetPlan, proposal: Proposal) -> None:
    stored = Channel.objects.in_bulk(list(proposal.allocations), field_name="name")
    advice = {each.channel: each for each in proposal.recommendations}
    PlanAllocation.objects.bulk_create(
        PlanAllocation(
            plan=plan,
            channel=stored.get(name),
            channel_name=name,
            amount=amount,
            present=proposal.present.get(name, Decimal(0)),
            action=advice[name].action,
            reason=advice[name].reason,
        )
        for name, amount in proposal.allocations.items()
    )


def default_budget() -> Decimal:
    """DEFAULT_MARKETING_BUDGET: what a scheduled plan divides, for one week."""
    value = settings.DEFAULT_MARKETING_BUDGET
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise ImproperlyConfigured(
            f"DEFAULT_MARKETING_BUDGET must be an amount above 0, not {value!r}."
        )
    return amount


def replan(
    *, now: datetime, mode: str, source: str = BudgetPlan.Source.NIGHTLY, run_id: int | None = None
) -> BudgetPlan:
    """Plan the usual budget over what is stored up to `now`.

    Earlier plans of the same origin that still wait are withdrawn, so that only the newest
    waits. Raises TooLittleKnown where nothing can be learned, Infeasible where limits clash.
    """
    currency = settings.DEFAULT_CURRENCY
    question = stored_request.build_request(
        reports.stored_history(currency, _yesterday(now)),
        default_budget(),
        currency,
        present=allocations.amounts(currency),
        step_percent=MAX_STEP_PERCENT,
    )
    plan = optimize(question, source=source, mode=mode, now=now, run_id=run_id)
    _withdraw_older(plan, now)
    return plan


def _yesterday(now: datetime) -> date:
    """The last day that is over."""
    return now.date() - timedelta(days=1)


def _withdraw_older(plan: BudgetPlan, now: datetime) -> None:
    waiting = BudgetPlan.objects.filter(
        currency=plan.currency, source=plan.source, decision__status="proposed"
    )
    for older in waiting.filter(pk__lt=plan.pk):
        note = f"A newer plan, {plan.pk}, took its place."
        decisions.reject(older.decision_id, actor=decisions.AUTOMATIC, note=note, now=now)


# --- Deciding -----------------------------------------------------------------------------------


def approve(plan_id: int, *, actor: str, now: datetime, note: str = "") -> BudgetPlan:
    """Approve a plan and apply it; one approved already stays as it is.

    Raises WrongStep after a rejection or a roll-back, and Stale (it is rejected then) where the
    allocation in force changed since the plan was made.
    """
    decision_id = BudgetPlan.objects.get(pk=plan_id).decision_id
    try:
        decisions.approve(decision_id, actor=actor, note=note, now=now)
    except WrongStep:
        if _status(plan_id) not in APPROVED_STATUSES:
            raise
    return reports.plans().get(pk=plan_id)


def reject(plan_id: int, *, actor: str, now: datetime, note: str = "") -> BudgetPlan:
    """Reject a plan; one rejected already stays as it is. Raises WrongStep after an approval."""
    decision_id = BudgetPlan.objects.get(pk=plan_id).decision_id
    try:
        decisions.reject(decision_id, actor=actor, note=note, now=now)
    except WrongStep:
        if _status(plan_id) != "rejected":
            raise
    return reports.plans().get(pk=plan_id)


def roll_back(plan_id: int, *, actor: str, now: datetime, note: str = "") -> BudgetPlan:
    """Restore the allocation that was in force before; raises WrongStep and Stale."""
    decision_id = BudgetPlan.objects.get(pk=plan_id).decision_id
    decisions.roll_back(decision_id, actor=actor, note=note, now=now)
    return reports.plans().get(pk=plan_id)


def _status(plan_id: int) -> str:
    return str(BudgetPlan.objects.values_list("decision__status", flat=True).get(pk=plan_id))


# --- The kind of decision: how a plan acts --------------------------------------------------------


def apply(case: DecisionCase) -> None:
    """Put a plan's amounts in force, in the transaction of its decision."""
    plan = (
        BudgetPlan.objects.filter(decision_id=case.decision_id).select_related("decision").first()
    )
    now = (plan.decision.approved_at if plan else None) or timezone.now()
    try:
        named = allocating.put_in_force(
            _currency(case), _amounts(case.before), _amounts(case.after), case.decision_id, now
        )
    except allocating.AllocationChanged as error:
        raise Stale(str(error)) from error
    nameless = list(PlanAllocation.objects.filter(plan=plan, channel__isnull=True)) if plan else []
    for share in nameless:
        share.channel = named[share.channel_name]
    PlanAllocation.objects.bulk_update(nameless, ["channel"])


def undo(case: DecisionCase) -> None:
    """Put the amounts from before in force again; where there were none, none are."""
    try:
        allocating.restore_previous(
            _currency(case), _amounts(case.after), case.decision_id, timezone.now()
        )
    except allocating.AllocationChanged as error:
        raise Stale(str(error)) from error


def measure(case: DecisionCase, at: datetime) -> MeasuredEffect | None:
    """The realised lift; None while the rows of the first periods in force are missing."""
    plan = BudgetPlan.objects.filter(decision_id=case.decision_id).first()
    if plan is None or case.applied_at is None:
        return None
    found = reports.measured_effect(plan, case.applied_at, _yesterday(at))
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


def _amounts(row: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in row.items()}


def page_url(subject: str) -> str:
    """The address of the page that shows a currency's budget."""
    return f"/dashboards/budget?currency={subject.removeprefix(SUBJECT_PREFIX)}"


# --- By itself ----------------------------------------------------------------------------------


def run_optimization(context: RunContext) -> RunOutcome:
    """One scheduled run: take back what does harm (or say so), then plan the next week."""
    warning = _check_plan_in_force(context)
    try:
        plan = replan(now=context.now, mode=context.mode, run_id=context.run_id)
    except (TooLittleKnown, Infeasible) as reason:
        return RunOutcome(f"{warning}No plan: {reason}", detail={"planned": False})
    summary = (
        f"{warning}Plan {plan.pk} ({_status(plan.pk)}): {plan.total:,.2f} {plan.currency}, lift "
        f"{plan.lift_estimate:+.1f} % ({plan.lift_low:+.1f} to {plan.lift_high:+.1f}), "
        f"probability {plan.probability_of_lift:.2f}."
    )
    against = plan.proposal["reasons_against"]
    detail = {"planned": True, "plan": plan.pk, "against": against}
    return RunOutcome(summary, (plan.decision_id,), detail)


def _check_plan_in_force(context: RunContext) -> str:
    """Look after the plan in force; in mode auto, harm takes it back."""
    in_force = allocations.in_force(settings.DEFAULT_CURRENCY)
    if not in_force:
        return ""
    plan = reports.plans().get(decision_id=in_force[0].decision_id)
    applied_at = in_force[0].since
    if not reports.underperforms(plan, applied_at, _yesterday(context.now)):
        return ""
    if context.mode != "auto":
        return f"Plan {plan.pk} earned less than promised two weeks running: consider a roll-back. "
    note = "Revenue stayed below the 5 % bound two weeks running."
    roll_back(plan.pk, actor=decisions.AUTOMATIC, note=note, now=context.now)
    return f"Plan {plan.pk} was rolled back. "


AUTOMATIONS = (AutomationSpec(AUTOMATION, "Divide the marketing budget", run_optimization),)
KINDS = (DecisionType(KIND, "Marketing budget", apply, undo, measure, path=page_url),)
