"""The automation that plans the marketing budget each night."""

from aethercrown.formatting import PERCENT, money_text, share_text, signed
from aethercrown.transitions import InvalidTransition
from marketing.budget import reports
from marketing.budget.measurement import followed
from marketing.budget.measurement.decision import AUTOMATION
from marketing.budget.planner.request import Infeasible
from marketing.budget.services import handover
from marketing.budget.services.decisions import roll_back, status
from marketing.budget.services.plans import replan, yesterday
from marketing.budget.stored_request import NotEnoughData
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale


def run_optimization(context: RunContext) -> RunOutcome:
    """One scheduled run: roll back a plan that underperforms (or warn), then plan the next week."""
    handover.finish(context.now)
    warning = _check_plan_in_force(context) + _not_followed(context)
    try:
        plan = replan(now=context.now, mode=context.mode, run_id=context.run_id)
    except (NotEnoughData, Infeasible) as reason:
        return RunOutcome(f"{warning}No plan: {reason}", detail={"planned": False})
    summary = (
        f"{warning}Plan {plan.pk} ({status(plan.pk)}): {money_text(plan.total, plan.currency)}, "
        f"lift "
        f"{signed(plan.lift_estimate, PERCENT)} ({signed(plan.lift_low, PERCENT)} to "
        f"{signed(plan.lift_high, PERCENT)}), "
        f"probability {share_text(plan.probability_of_lift)}."
    )
    against = plan.proposal["reasons_against"]
    detail = {"planned": True, "plan": plan.pk, "against": against}
    return RunOutcome(summary, (plan.decision_id,), detail)


def _not_followed(context: RunContext) -> str:
    """What is in force and was not spent so, in sentences; empty if it was, or is not known."""
    currency = reports.budget_amount().currency
    in_force = reports.in_force(currency)
    rows, _ = reports.followed(in_force, currency, yesterday(context.now))
    return "".join(f"{each} " for each in followed.sentences(rows, currency))


def _check_plan_in_force(context: RunContext) -> str:
    """A warning where the plan in force underperforms; mode auto also rolls it back."""
    in_force = reports.in_force(reports.budget_amount().currency)
    if not in_force:
        return ""
    plan = reports.plans().filter(decision_id=in_force[0].decision_id).first()
    applied_at = in_force[0].valid_from
    if plan is None or not reports.underperforms(plan, applied_at, yesterday(context.now)):
        return ""
    if context.mode != "auto":
        return f"Plan {plan.pk} earned less than expected two weeks running: consider a roll-back. "
    note = "Revenue stayed below the 5 % bound two weeks running."
    try:
        roll_back(plan.pk, actor=decisions.AUTOMATIC, note=note, now=context.now)
    except (InvalidTransition, Stale) as reason:
        return f"Plan {plan.pk} earned less than expected and could not be rolled back: {reason} "
    return f"Plan {plan.pk} was rolled back. "


BUDGET_AUTOMATION = AutomationSpec(
    AUTOMATION,
    "Divide the marketing budget",
    run_optimization,
    settings_path="/dashboards/budget-amount",
    settings_text="Amount, currency and period",
)
