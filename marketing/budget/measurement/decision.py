"""The decision draft of a proposal: its change, expected effect and guardrails."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from aethercrown.formatting import counted, money_text
from marketing.budget.measurement.effect import MEASURED_PERIODS
from marketing.budget.planner.auto_apply import MIN_PROBABILITY
from marketing.budget.planner.proposal import Proposal
from marketing.budget.planner.request import BudgetRequest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail

WEEK = dt.timedelta(weeks=1)
AUTOMATION = "marketing.optimize_budget"
KIND = "marketing.budget_plan"
SUBJECT_PREFIX = "budget "  # followed by the currency


def decision_draft(
    request: BudgetRequest,
    proposal: Proposal,
    before: Mapping[str, Decimal],
    run_id: int | None,
) -> Draft:
    """The decision to replace the amounts in force, `before`, by the proposal's."""
    lift = proposal.expected_lift_percent
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=f"{SUBJECT_PREFIX}{proposal.currency}",
        title=title(proposal),
        before=before,
        after=proposal.allocations,
        inputs_digest=proposal.input_digest,
        method=proposal.method,
        expected=ExpectedEffect(
            metric="lift of revenue against the present mix",
            estimate=lift.estimate,
            low=min(lift.low, lift.estimate),
            high=max(lift.high, lift.estimate),
            level=0.9,
            horizon=(MEASURED_PERIODS + 1) * period_length(request),
            unit="%",
        ),
        guardrails=guardrails(proposal),
        run_id=run_id,
        change_percent=largest_change(proposal),
        data_as_of=data_until(request),
    )


def title(proposal: Proposal) -> str:
    over = counted(len(proposal.allocations), "channel")
    return f"Divide {money_text(proposal.total, proposal.currency)} over {over}"


def guardrails(proposal: Proposal) -> tuple[Guardrail, ...]:
    chance = round(proposal.probability_of_lift, 4)
    healthy = proposal.backtest is not None and proposal.backtest.healthy
    against = " ".join(proposal.reasons_against)  # sentences
    return (
        Guardrail("probability_of_lift", MIN_PROBABILITY, chance, chance >= MIN_PROBABILITY),
        Guardrail("backtest", "healthy", proposal.backtest_note[:500], healthy),
        Guardrail("nothing_against", "", against, proposal.auto_applicable),
    )


def largest_change(proposal: Proposal) -> float | None:
    """Largest change of a channel in percent of the present mix; None for one from 0."""
    whole = sum(proposal.present.values(), Decimal(0))
    if not whole:
        return None
    scale = proposal.total / whole
    moves = []
    for name, amount in proposal.allocations.items():
        now = proposal.present.get(name, Decimal(0)) * scale
        if now:
            moves.append(abs(float(amount / now - 1)))
        elif amount:
            return None
    return round(100 * max(moves, default=0.0), 2)


def period_length(request: BudgetRequest) -> dt.timedelta:
    """Length of a period: the gap between the last two dates, or a week."""
    dates = request.dates
    return dates[-1] - dates[-2] if len(dates) > 1 else WEEK


def data_until(request: BudgetRequest) -> dt.datetime | None:
    """When the last period ends; None for rows without dates."""
    if not request.dates:
        return None
    end = request.dates[-1] + period_length(request)
    return dt.datetime.combine(end, dt.time(), dt.UTC)


def window_end(request: BudgetRequest) -> dt.date | None:
    """Last day of the planned window."""
    if request.starts_on is None:
        return None
    length = request.budget_periods * period_length(request)
    return request.starts_on + length - dt.timedelta(days=1)
