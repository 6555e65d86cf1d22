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
from marketing.budget.measurement.decision import AUTOMATION, KIND, SUBJECT, draft, window_end
from marketing.budget.models import Plan, Share
from marketing.budget.planner import planner
from marketing.budget.planner.proposal import Proposal
from marketing.budget.planner.request import Infeasible, Question
from marketing.budget.reports import allocations
from marketing.budget.services import allocations as allocating
from marketing.channels.models import Channel
from operations.automations.registry import Automation, Occasion, Outcome
from operations.decisions import services as decisions
from operations.decisions.decision_types import Case, Kind, Realised

STEP_PERCENT = Decimal(20)  # how far a scheduled plan may move a channel
AGREED = {"approved", "applied", "measured"}

WrongStep = decisions.WrongStep
Stale = decisions.Stale
TooLittleKnown = stored_request.TooLittleKnown


# --- Planning -----------------------------------------------------------------------------------


def optimize(
    question: Question, *, source: str, mode: str, now: datetime, run_id: int | None = None
) -> Plan:
    """Plan, and store the plan with its decision; the same question finds the same plan.

    Raises Infeasible, with every bad field, where there is no plan.
    """
    proposal = planner.plan(question)
    with transaction.atomic():
        before = allocations.amounts(question.currency)
        promised = draft(question, proposal, before, run_id)
        decision = decisions.propose(promised, mode=mode, now=now)
        known = Plan.objects.filter(decision=decision).first()
        if known:
            return known
        plan = Plan.objects.create(
            decision=decision, created_at=now, source=source, **_columns(question, proposal)
        )
        _add_shares(plan, proposal)
        return plan


def _columns(question: Question, proposal: Proposal) -> dict[str, Any]:
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


def _add_shares(plan: Plan, proposal: Proposal) -> None:
    stored = Channel.objects.in_bulk(list(proposal.allocations), field_name="name")
    advice = {each.channel: each for each in proposal.recommendations}
    Share.objects.bulk_create(
        Share(
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


def usual_budget() -> Decimal:
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
    *, now: datetime, mode: str, source: str = Plan.Source.NIGHTLY, run_id: int | None = None
) -> Plan:
    """Plan the usual budget over what is stored up to `now`.

    Earlier plans of the same origin that still wait are withdrawn, so that only the newest
    waits. Raises TooLittleKnown where nothing can be learned, Infeasible where limits clash.
    """
    currency = settings.DEFAULT_CURRENCY
    question = stored_request.question(
        reports.known(currency, _yesterday(now)),
        usual_budget(),
        currency,
        present=allocations.amounts(currency),
        step_percent=STEP_PERCENT,
    )
    plan = optimize(question, source=source, mode=mode, now=now, run_id=run_id)
    _withdraw_older(plan, now)
    return plan


def _yesterday(now: datetime) -> date:
    """The last day that is over."""
    return now.date() - timedelta(days=1)


def _withdraw_older(plan: Plan, now: datetime) -> None:
    waiting = Plan.objects.filter(
        currency=plan.currency, source=plan.source, decision__status="proposed"
    )
    for older in waiting.filter(pk__lt=plan.pk):
        note = f"A newer plan, {plan.pk}, took its place."
        decisions.reject(older.decision_id, actor=decisions.AUTOMATIC, note=note, now=now)


# --- Deciding -----------------------------------------------------------------------------------


def approve(plan_id: int, *, actor: str, now: datetime, note: str = "") -> Plan:
    """Approve a plan and apply it; one approved already stays as it is.

    Raises WrongStep after a rejection or a roll-back, and Stale (it is rejected then) where the
    allocation in force changed since the plan was made.
    """
    decision_id = Plan.objects.get(pk=plan_id).decision_id
    try:
        decisions.approve(decision_id, actor=actor, note=note, now=now)
    except WrongStep:
        if _status(plan_id) not in AGREED:
            raise
    return reports.plans().get(pk=plan_id)


def reject(plan_id: int, *, actor: str, now: datetime, note: str = "") -> Plan:
    """Reject a plan; one rejected already stays as it is. Raises WrongStep after an approval."""
    decision_id = Plan.objects.get(pk=plan_id).decision_id
    try:
        decisions.reject(decision_id, actor=actor, note=note, now=now)
    except WrongStep:
        if _status(plan_id) != "rejected":
            raise
    return reports.plans().get(pk=plan_id)


def roll_back(plan_id: int, *, actor: str, now: datetime, note: str = "") -> Plan:
    """Restore the allocation that was in force before; raises WrongStep and Stale."""
    decision_id = Plan.objects.get(pk=plan_id).decision_id
    decisions.roll_back(decision_id, actor=actor, note=note, now=now)
    return reports.plans().get(pk=plan_id)


def _status(plan_id: int) -> str:
    return str(Plan.objects.values_list("decision__status", flat=True).get(pk=plan_id))


# --- The kind of decision: how a plan acts --------------------------------------------------------


def apply(case: Case) -> None:
    """Put a plan's amounts in force, in the transaction of its decision."""
    plan = Plan.objects.filter(decision_id=case.decision_id).select_related("decision").first()
    now = (plan.decision.approved_at if plan else None) or timezone.now()
    try:
        named = allocating.replace(
            _currency(case), _amounts(case.before), _amounts(case.after), case.decision_id, now
        )
    except allocating.Changed as error:
        raise Stale(str(error)) from error
    nameless = list(Share.objects.filter(plan=plan, channel__isnull=True)) if plan else []
    for share in nameless:
        share.channel = named[share.channel_name]
    Share.objects.bulk_update(nameless, ["channel"])


def undo(case: Case) -> None:
    """Put the amounts from before in force again; where there were none, none are."""
    try:
        allocating.restore(_currency(case), _amounts(case.after), case.decision_id, timezone.now())
    except allocating.Changed as error:
        raise Stale(str(error)) from error


def measure(case: Case, at: datetime) -> Realised | None:
    """The realised lift; None while the rows of the first periods in force are missing."""
    plan = Plan.objects.filter(decision_id=case.decision_id).first()
    if plan is None or case.applied_at is None:
        return None
    found = reports.brought(plan, case.applied_at, _yesterday(at))
    if found is None:
        return None
    return Realised(
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


def _currency(case: Case) -> str:
    return case.subject.removeprefix(SUBJECT)


def _amounts(row: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in row.items()}


def page(subject: str) -> str:
    """The address of the page that shows a currency's budget."""
    return f"/dashboards/budget?currency={subject.removeprefix(SUBJECT)}"


# --- By itself ----------------------------------------------------------------------------------


def perform(occasion: Occasion) -> Outcome:
    """One scheduled run: take back what does harm (or say so), then plan the next week."""
    warning = _watch(occasion)
    try:
        plan = replan(now=occasion.now, mode=occasion.mode, run_id=occasion.run_id)
    except (TooLittleKnown, Infeasible) as reason:
        return Outcome(f"{warning}No plan: {reason}", detail={"planned": False})
    summary = (
        f"{warning}Plan {plan.pk} ({_status(plan.pk)}): {plan.total:,.2f} {plan.currency}, lift "
        f"{plan.lift_estimate:+.1f} % ({plan.lift_low:+.1f} to {plan.lift_high:+.1f}), "
        f"probability {plan.probability_of_lift:.2f}."
    )
    against = plan.proposal["reasons_against"]
    detail = {"planned": True, "plan": plan.pk, "against": against}
    return Outcome(summary, (plan.decision_id,), detail)


def _watch(occasion: Occasion) -> str:
    """Look after the plan in force; in mode auto, harm takes it back."""
    in_force = allocations.in_force(settings.DEFAULT_CURRENCY)
    if not in_force:
        return ""
    plan = reports.plans().get(decision_id=in_force[0].decision_id)
    applied_at = in_force[0].since
    if not reports.does_harm(plan, applied_at, _yesterday(occasion.now)):
        return ""
    if occasion.mode != "auto":
        return f"Plan {plan.pk} earned less than promised two weeks running: consider a roll-back. "
    note = "Revenue stayed below the 5 % bound two weeks running."
    roll_back(plan.pk, actor=decisions.AUTOMATIC, note=note, now=occasion.now)
    return f"Plan {plan.pk} was rolled back. "


AUTOMATIONS = (Automation(AUTOMATION, "Divide the marketing budget", perform),)
KINDS = (Kind(KIND, "Marketing budget", apply, undo, measure, path=page),)
