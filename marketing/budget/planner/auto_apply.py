"""Reasons against applying a plan automatically."""

from collections.abc import Iterator

import numpy as np

from marketing.budget.model.response_curves import Floats
from marketing.budget.planner.proposal import Backtest, Interval

MIN_PROBABILITY = 0.9
MAX_STEP_PERCENT = 20.0
MAX_BUDGET_RATIO = 2.0  # of the budget to the largest total spent in a period


def reasons_against(
    plan: Floats,
    current: Floats,
    *,
    probability: float,
    lift: Interval,
    backtest: Backtest | None,
    outside_data: bool,
    budget_ratio: float,
    other_reasons: tuple[str, ...],
) -> Iterator[str]:
    """Every reason against applying the plan; none means that it may be applied.

    `plan`, `current` and `lift` are money a period; `budget_ratio` is the budget over the largest
    total spent in a period; `other_reasons` are those of the fit.
    """
    if probability < MIN_PROBABILITY:
        yield f"The chance of a lift is {probability:.2f}, below {MIN_PROBABILITY:.2f}."
    if lift.estimate <= 0:
        yield f"The median lift of {lift.estimate:,.2f} a period is not above 0."
    moved = largest_move(plan, current)
    if moved > MAX_STEP_PERCENT * (1 + 1e-6):
        limit = f"the step limit of {MAX_STEP_PERCENT:g} %"
        yield f"A channel would move by {moved:.0f} %, above {limit}."
    if backtest is None:
        yield "There is no backtest yet."
    elif not backtest.healthy:
        yield (
            f"The backtest is not healthy: error {backtest.wape_percent:.1f} % against "
            f"{backtest.naive_wape_percent:.1f} % of the naive forecast, coverage "
            f"{backtest.coverage_percent:.0f} %{', drifting' * backtest.drifting}."
        )
    if outside_data:
        yield "The limits force the plan out of the region that the data cover."
    if budget_ratio > MAX_BUDGET_RATIO:
        yield f"The budget is {budget_ratio:.1f} times the largest ever spent in a period."
    yield from other_reasons


def largest_move(plan: Floats, current: Floats) -> float:
    """Largest change of a channel in percent of its present amount; infinite from 0."""
    change = np.abs(plan - current)
    real = change > 1e-9 * max(float(plan.sum()), 1e-300)
    if (real & (current <= 0)).any():
        return float("inf")
    return float(100 * np.max(change[real] / current[real], initial=0.0))
