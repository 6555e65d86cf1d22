"""Make plans, from an API request or from stored rows, and store each with its decision."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from marketing.budget import reports, stored_request
from marketing.budget.measurement.decision import decision_draft, window_days, window_end
from marketing.budget.model.weeks import WEEK
from marketing.budget.models import BudgetPlan, PlanAllocation
from marketing.budget.planner import planning
from marketing.budget.planner.proposal import Proposal
from marketing.budget.planner.proposal_builder import build_proposal
from marketing.budget.planner.request import BudgetRequest
from marketing.channels.models import Channel
from operations.decisions import services as decisions

PROPOSAL_COLUMNS = (  # columns of BudgetPlan that hold the proposal's field of the same name
    *("mode", "total", "currency", "input_digest", "method"),
    *("probability_of_lift", "auto_applicable"),
)
MAX_STEP_PERCENT = Decimal(20)  # how far a scheduled plan may move a channel


def optimize(
    request: BudgetRequest, *, source: str, mode: str, now: datetime, run_id: int | None = None
) -> BudgetPlan:
    """Make a plan and store it with its decision; an equal request returns the stored plan.

    Raises Infeasible, with every bad field, where there is no plan.
    """
    fitted = planning.prepare(request)
    proposal = build_proposal(fitted, planning.allocate(fitted))
    request = fitted.request  # with the periods that the plan is for
    with transaction.atomic():
        before = reports.amounts_in_force(request.currency)
        in_force = reports.amounts_in_force(request.currency, window_days(request))
        draft = decision_draft(request, proposal, before, run_id, in_force)
        decision = decisions.propose(draft, mode=mode, now=now)
        known = BudgetPlan.objects.filter(decision=decision).first()
        if known:
            return known
        plan = BudgetPlan.objects.create(
            decision=decision, created_at=now, source=source, **_columns(request, proposal)
        )
        _add_allocations(plan, proposal)
        return plan


def _columns(request: BudgetRequest, proposal: Proposal) -> dict[str, Any]:
    revenue, lift = proposal.expected_revenue, proposal.expected_lift_percent
    dates = request.dates
    return {
        **{name: getattr(proposal, name) for name in PROPOSAL_COLUMNS},
        "budget_periods": request.budget_periods,
        "starts_on": request.starts_on,
        "ends_on": window_end(request),
        "request_summary": {
            "rows": len(request.rows),
            "channels": sorted({row.channel for row in request.rows}),
            "first_date": dates[0] if dates else None,
            "last_date": dates[-1] if dates else None,
            "window_days": window_days(request),
        },
        "proposal": asdict(proposal),
        "revenue_estimate": revenue.estimate,
        "revenue_low": revenue.low,
        "revenue_high": revenue.high,
        "lift_estimate": lift.estimate,
        "lift_low": lift.low,
        "lift_high": lift.high,
    }


def _add_allocations(plan: BudgetPlan, proposal: Proposal) -> None:
    stored = Channel.objects.in_bulk(list(proposal.allocations), field_name="name")
    recommended = {each.channel: each for each in proposal.recommendations}
    PlanAllocation.objects.bulk_create(
        PlanAllocation(
            plan=plan,
            channel=stored.get(name),
            channel_name=name,
            amount=amount,
            present=proposal.present.get(name, Decimal(0)),
            action=recommended[name].action,
            reason=recommended[name].reason,
        )
        for name, amount in proposal.allocations.items()
    )


def replan(
    *, now: datetime, mode: str, source: str = BudgetPlan.Source.NIGHTLY, run_id: int | None = None
) -> BudgetPlan:
    """Plan the budget that is set, for one week, from what is stored up to `now`.

    Earlier proposed plans of the same source are rejected, so that only the newest waits. Raises
    NotEnoughData where no revenue is stored, Infeasible where limits clash.
    """
    budget = reports.budget_amount()
    currency = budget.currency
    request = stored_request.build_request(
        reports.stored_history(currency, yesterday(now)),
        budget.weekly,
        currency,
        present=reports.amounts_in_force(currency, WEEK.days),
        step_percent=MAX_STEP_PERCENT,
    )
    plan = optimize(request, source=source, mode=mode, now=now, run_id=run_id)
    _withdraw_older(plan, now)
    return plan


def yesterday(now: datetime) -> date:
    """The last complete day."""
    return now.date() - timedelta(days=1)


def _withdraw_older(plan: BudgetPlan, now: datetime) -> None:
    waiting = BudgetPlan.objects.filter(
        currency=plan.currency, source=plan.source, decision__status="proposed"
    )
    for older in waiting.filter(pk__lt=plan.pk):
        note = f"A newer plan, {plan.pk}, took its place."
        decisions.reject(older.decision_id, actor=decisions.AUTOMATIC, note=note, now=now)
