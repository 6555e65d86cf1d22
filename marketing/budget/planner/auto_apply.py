"""When a plan may be applied without a person."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from marketing.budget.model.response import Floats
from marketing.budget.planner.proposal import Backtest, Interval

MIN_PROBABILITY = 0.9
MAX_STEP_PERCENT = 20.0
MAX_BUDGET_RATIO = 2.0  # times the largest total ever spent in a period


@dataclass(frozen=True, slots=True)
class AutoApplyInputs:
    """What speaks for and against applying a plan; money a period."""

    plan: Floats
    current: Floats
    probability: float
    lift: Interval
    backtest: Backtest | None
    outside_data: bool
    budget_ratio: float  # the budget over the largest total ever spent
    other_reasons: tuple[
        str, ...
    ]  # further reasons: few channels, unrandomised totals, exploration


def reasons_against(case: AutoApplyInputs) -> Iterator[str]:
    """Every reason not to, in a sentence; none means it may be applied."""
    if case.probability < MIN_PROBABILITY:
        yield f"The chance of a lift is {case.probability:.2f}, below {MIN_PROBABILITY:.2f}."
    if case.lift.estimate <= 0:
        yield f"The median lift of {case.lift.estimate:,.2f} a period is not above 0."
    moved = largest_move(case.plan, case.current)
    if moved > MAX_STEP_PERCENT * (1 + 1e-6):
        yield f"A channel would move by {moved:.0f} %, above the step limit of {MAX_STEP_PERCENT:g} %."
    if case.backtest is None:
        yield "There is no backtest yet."
    elif not case.backtest.healthy:
        yield (
            f"The backtest is not healthy: error {case.backtest.wape_percent:.1f} % against "
            f"{case.backtest.naive_wape_percent:.1f} % of the naive forecast, coverage "
            f"{case.backtest.coverage_percent:.0f} %{', drifting' * case.backtest.drifting}."
        )
    if case.outside_data:
        yield "The limits force the plan out of the region that the data cover."
    if case.budget_ratio > MAX_BUDGET_RATIO:
        yield f"The budget is {case.budget_ratio:.1f} times the largest ever spent in a period."
    yield from case.other_reasons


def largest_move(plan: Floats, current: Floats) -> float:
    """The largest change of a channel in percent of its present amount; infinite from 0."""
    change = np.abs(plan - current)
    real = change > 1e-9 * max(float(plan.sum()), 1e-300)
    if (real & (current <= 0)).any():
        return float("inf")
    return float(100 * np.max(change[real] / current[real], initial=0.0))
