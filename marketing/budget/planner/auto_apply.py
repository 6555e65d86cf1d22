"""Reasons against applying a plan automatically."""

from collections.abc import Iterator
from math import isfinite

import numpy as np

from aethercrown.formatting import number_text, percent_text, share_text
from marketing.budget.model.response_curves import Floats
from marketing.budget.planner.proposal import Backtest, Interval

MIN_PROBABILITY = 0.9
MAX_STEP_PERCENT = 20.0
MAX_BUDGET_RATIO = 1.5  # of the budget to the largest total spent in a period


def reasons_against(
    plan: Floats,
    in_force: Floats,
    *,
    probability: float,
    lift: Interval,
    backtest: Backtest | None,
    outside_data: bool,
    budget_ratio: float,
    other_reasons: tuple[str, ...],
) -> Iterator[str]:
    """Every reason against applying the plan; none means that it may be applied.

    `plan`, `in_force` (C,) and `lift` are money a period, `in_force` as it is and not scaled to
    the budget; `budget_ratio` is the budget over the largest total spent in a period;
    `other_reasons` are those of the fit.
    """
    chance, least = share_text(probability, 1), share_text(MIN_PROBABILITY, 1)
    if probability < MIN_PROBABILITY:
        yield f"The chance of a lift is {chance}, below {least}."
    if lift.estimate <= 0:
        yield f"The median lift of {number_text(lift.estimate, 2)} a period is not above 0."
    yield from moves_against(plan, in_force)
    if backtest is None:
        yield "There is no backtest yet."
    elif not backtest.healthy:
        yield (
            f"The backtest is not healthy: error {percent_text(backtest.wape_percent)} against "
            f"{percent_text(backtest.naive_wape_percent)} of the naive forecast, coverage "
            f"{percent_text(backtest.coverage_percent, 0)}{', drifting' * backtest.drifting}."
        )
    if outside_data:
        yield "The limits force the plan out of the region that the data cover."
    if budget_ratio > MAX_BUDGET_RATIO:
        times = number_text(budget_ratio, 1)
        yield f"The budget is {times} times the largest ever spent in a period."
    yield from other_reasons


def moves_against(plan: Floats, in_force: Floats) -> Iterator[str]:
    """Why the step from what is in force is too large: of a channel, of the total."""
    limit = f"the step limit of {percent_text(MAX_STEP_PERCENT, 0)}"
    moved = largest_move(plan, in_force)
    if is_beyond_step(moved):
        begins = f"move by {percent_text(moved, 0)}" if isfinite(moved) else "begin from nothing"
        yield f"A channel would {begins}, above {limit}."
    total = total_move(float(plan.sum()), float(in_force.sum()))
    if is_beyond_step(total) and isfinite(total):
        yield f"The total would change by {percent_text(total, 0)}, above {limit}."


def is_beyond_step(percent: float) -> bool:
    return percent > MAX_STEP_PERCENT * (1 + 1e-6)


def largest_move(plan: Floats, in_force: Floats) -> float:
    """Largest change of a channel in percent of what is in force; infinite from 0."""
    change = np.abs(plan - in_force)
    real = change > 1e-9 * max(float(plan.sum()), 1e-300)
    if (real & (in_force <= 0)).any():
        return float("inf")
    return float(100 * np.max(change[real] / in_force[real], initial=0.0))


def total_move(plan: float, in_force: float) -> float:
    """Change of the total in percent of what is in force; infinite from 0."""
    return 100 * abs(plan / in_force - 1) if in_force > 0 else float("inf")
