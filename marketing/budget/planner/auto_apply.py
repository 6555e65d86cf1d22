"""Reasons against applying a plan automatically."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from marketing.budget.model.response import Floats
from marketing.budget.planner.proposal import Backtest, Interval

MIN_PROBABILITY = 0.9
MAX_STEP_PERCENT = 20.0
MAX_BUDGET_RATIO = 2.0  # of the budget to the largest total spent in a period


@dataclass(frozen=True, slots=True)
class AutoApplyInputs:
    """Figures of a plan that decide whether it may be applied; money a period."""

    plan: Floats
    current: Floats
    probability: float
    lift: Interval
    backtest: Backtest | None
    outside_data: bool
    budget_ratio: float  # the budget over the largest total spent in a period
    other_reasons: tuple[str, ...]  # of the fit, such as totals without randomised spend


def reasons_against(inputs: AutoApplyInputs) -> Iterator[str]:
    """Every reason against applying the plan; none means that it may be applied."""
    if inputs.probability < MIN_PROBABILITY:
        yield f"The chance of a lift is {inputs.probability:.2f}, below {MIN_PROBABILITY:.2f}."
    if inputs.lift.estimate <= 0:
        yield f"The median lift of {inputs.lift.estimate:,.2f} a period is not above 0."
    moved = largest_move(inputs.plan, inputs.current)
    if moved > MAX_STEP_PERCENT * (1 + 1e-6):
        yield (
            f"A channel would move by {moved:.0f} %, above the step limit of "
            f"{MAX_STEP_PERCENT:g} %."
        )
    if inputs.backtest is None:
        yield "There is no backtest yet."
    elif not inputs.backtest.healthy:
        yield (
            f"The backtest is not healthy: error {inputs.backtest.wape_percent:.1f} % against "
            f"{inputs.backtest.naive_wape_percent:.1f} % of the naive forecast, coverage "
            f"{inputs.backtest.coverage_percent:.0f} %{', drifting' * inputs.backtest.drifting}."
        )
    if inputs.outside_data:
        yield "The limits force the plan out of the region that the data cover."
    if inputs.budget_ratio > MAX_BUDGET_RATIO:
        yield f"The budget is {inputs.budget_ratio:.1f} times the largest ever spent in a period."
    yield from inputs.other_reasons


def largest_move(plan: Floats, current: Floats) -> float:
    """Largest change of a channel in percent of its present amount; infinite from 0."""
    change = np.abs(plan - current)
    real = change > 1e-9 * max(float(plan.sum()), 1e-300)
    if (real & (current <= 0)).any():
        return float("inf")
    return float(100 * np.max(change[real] / current[real], initial=0.0))
