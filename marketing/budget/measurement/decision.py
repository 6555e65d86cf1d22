"""The decision draft of a proposal: its change, expected effect and guardrails."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

import numpy as np

from aethercrown.formatting import counted, money_text
from marketing.budget.measurement.effect import MEASURED_PERIODS
from marketing.budget.model.weeks import usual_gap
from marketing.budget.planner.auto_apply import (
    MAX_STEP_PERCENT,
    MIN_PROBABILITY,
    is_beyond_step,
    largest_move,
    total_move,
)
from marketing.budget.planner.proposal import Proposal
from marketing.budget.planner.request import BudgetRequest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail

AUTOMATION = "marketing.optimize_budget"
KIND = "marketing.budget_plan"
SUBJECT_PREFIX = "budget "  # followed by the currency


def decision_draft(
    request: BudgetRequest,
    proposal: Proposal,
    before: Mapping[str, Decimal],
    run_id: int | None,
    in_force: Mapping[str, Decimal] | None = None,
) -> Draft:
    """The decision to replace the amounts in force, `before`, by the proposal's.

    `in_force` are the same amounts for a window as long as the proposal's; where there are none,
    the guardrails compare with the present spend.
    """
    step = StepFromPresent.of(proposal, in_force or before or proposal.present)
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
        guardrails=guardrails(proposal, step),
        run_id=run_id,
        change_percent=step.largest_percent,
        data_as_of=data_until(request),
        data_every=period_length(request),
    )


def title(proposal: Proposal) -> str:
    over = counted(len(proposal.allocations), "channel")
    return f"Divide {money_text(proposal.total, proposal.currency)} over {over}"


@dataclass(frozen=True, slots=True)
class StepFromPresent:
    """How far a proposal moves from what is in force, in percent; None from 0."""

    largest_percent: float | None  # of a channel
    total_percent: float | None

    @classmethod
    def of(cls, proposal: Proposal, in_force: Mapping[str, Decimal]) -> "StepFromPresent":
        """A channel that is in force and not in the proposal moves by 100 percent."""
        names = sorted({*proposal.allocations, *in_force})
        plan, present = (
            np.array([float(amounts.get(name, 0)) for name in names])
            for amounts in (proposal.allocations, in_force)
        )
        total = total_move(float(plan.sum()), float(present.sum()))
        return cls(_percent(largest_move(plan, present)), _percent(total))


def _percent(change: float) -> float | None:
    return round(change, 2) if isfinite(change) else None


def guardrails(proposal: Proposal, step: StepFromPresent) -> tuple[Guardrail, ...]:
    chance = round(proposal.probability_of_lift, 4)
    healthy = proposal.backtest is not None and proposal.backtest.healthy
    against = " ".join(proposal.reasons_against)  # sentences
    return (
        Guardrail("probability_of_lift", MIN_PROBABILITY, chance, chance >= MIN_PROBABILITY),
        Guardrail("backtest", "healthy", proposal.backtest_note[:500], healthy),
        Guardrail(
            "total_change_percent",
            MAX_STEP_PERCENT,
            step.total_percent,
            step.total_percent is not None and not is_beyond_step(step.total_percent),
        ),
        Guardrail("nothing_against", "", against, proposal.auto_applicable),
    )


def period_length(request: BudgetRequest) -> dt.timedelta:
    """Length of a period: the usual gap between dates, or a week."""
    return usual_gap(request.dates)


def data_until(request: BudgetRequest) -> dt.datetime | None:
    """When the last period ends; None for rows without dates."""
    if not request.dates:
        return None
    end = request.dates[-1] + period_length(request)
    return dt.datetime.combine(end, dt.time(), dt.UTC)


def window_days(request: BudgetRequest) -> int:
    """Days of the planned window."""
    return request.budget_periods * period_length(request).days


def window_end(request: BudgetRequest) -> dt.date | None:
    """Last day of the planned window."""
    if request.starts_on is None:
        return None
    return request.starts_on + dt.timedelta(days=window_days(request) - 1)
