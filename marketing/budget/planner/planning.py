"""One call from rows and limits to a whole proposal; pure, deterministic, no database.

proposal = plan(Question(total=Decimal(10_000), rows=rows))
fitted = prepare(question)            # keep it: other totals cost almost nothing
reallocate(fitted, Decimal(20_000))   # {channel: amount}
spend_until(fitted, marginal=1.5)     # what is worth spending at all
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from marketing.budget.model.by_channel import fit_rows
from marketing.budget.model.by_total import fit_totals
from marketing.budget.model.curves import revenue
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.response import Floats
from marketing.budget.planner import uncertainty
from marketing.budget.planner.allocation import (
    RankedSegments,
    fill_until,
    rank_segments,
    spend_grid,
    water_fill,
)
from marketing.budget.planner.bounds import AllocationBounds, allocation_bounds
from marketing.budget.planner.proposal import (
    Backtest,
    ChannelRecommendation,
    ChannelSummary,
    Curve,
    CurvePoint,
    Experiment,
    Interval,
    Proposal,
)
from marketing.budget.planner.proposal_builder import Division, build_proposal
from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    LiftTestResult,
    PerformanceRow,
    RequestProblem,
    SpendLimit,
    strip_names,
)
from marketing.budget.planner.rounding import (
    clip_ranges,
    decimal_places,
    inward,
    limits_in_units,
    outward,
    round_to_units,
)
from marketing.budget.planner.validation import check_bounds, validate

__all__ = [
    "Backtest",
    "Curve",
    "CurvePoint",
    "Experiment",
    "FittedModel",
    "Infeasible",
    "Interval",
    "LiftTestResult",
    "SpendLimit",
    "RequestProblem",
    "Proposal",
    "BudgetRequest",
    "ChannelRecommendation",
    "PerformanceRow",
    "ChannelSummary",
    "plan",
    "prepare",
    "reallocate",
    "spend_until",
]


def prepare(question: BudgetRequest) -> FittedModel:
    """Check the question and fit its curves; Infeasible names every bad field."""
    question = strip_names(question)
    validate(question)
    return fit_rows(question) if question.total_revenue is None else fit_totals(question)


def plan(question: BudgetRequest) -> Proposal:
    """The best division of the total; Infeasible where there is none."""
    fitted = prepare(question)
    return build_proposal(fitted, allocate(fitted))


def allocate(fitted: FittedModel) -> Division:
    """The fitted question's total over its channels, in floats and in money."""
    question = fitted.question
    keep = fitted.kept(question)
    edge = allocation_bounds(question, fitted.channels, keep, fitted.most, fitted.largest)
    budget = float(question.total) / question.budget_periods
    steps = _segments(fitted, edge, keep)
    amounts, price = water_fill(steps, budget)
    if question.thompson and question.max_change_percent is not None:
        amounts, price = water_fill(_drawn(fitted, edge, keep), budget)
    money = _rounded_amounts(fitted, question, amounts, edge)
    return Division(amounts, money, price, edge, keep)


def reallocate(
    fitted: FittedModel, total: Decimal, constraints: Mapping[str, SpendLimit] | None = None
) -> dict[str, Decimal]:
    """Another total (and other limits) over curves already fitted."""
    question = replace(fitted.question, total=total)
    if constraints is not None:
        question = replace(question, constraints=constraints)
    check_bounds(question, set(fitted.channels))
    return allocate(replace(fitted, question=question)).money


def spend_until(fitted: FittedModel, marginal: float) -> dict[str, Decimal]:
    """Fund every channel until its next unit of money brings less than `marginal`.

    Kept to between nothing and twice the largest spend seen in each channel, and its limits.
    """
    question = fitted.question
    periods, size = question.budget_periods, len(fitted.channels)
    low, high = np.zeros(size), 2 * fitted.most
    for at, channel in enumerate(fitted.channels):
        limit = question.constraints.get(channel, SpendLimit())
        low[at] = float(limit.min or 0) / periods
        high[at] = max(low[at], high[at] if limit.max is None else float(limit.max) / periods)
    grid = spend_grid(low, high, fitted.belief.scale)
    steps = rank_segments(grid, revenue(fitted.belief, grid), fitted.kept(question))
    places = decimal_places(question.currency)
    return {
        channel: round(Decimal(float(amount)), places)
        for channel, amount in zip(
            fitted.channels, fill_until(steps, marginal) * periods, strict=True
        )
    }


def _segments(fitted: FittedModel, edge: AllocationBounds, keep: Floats) -> RankedSegments:
    grid = spend_grid(edge.low, edge.high, fitted.belief.scale)
    return rank_segments(grid, revenue(fitted.belief, grid), keep)


def _drawn(fitted: FittedModel, edge: AllocationBounds, keep: Floats) -> RankedSegments:
    grid = spend_grid(edge.low, edge.high, fitted.belief.scale)
    one = uncertainty.Draws(fitted.sample.shape[:1], fitted.sample.amplitude[:1])
    return rank_segments(grid, one.revenue(fitted.belief, grid)[0], keep)


def _rounded_amounts(
    fitted: FittedModel, question: BudgetRequest, amounts: Floats, edge: AllocationBounds
) -> dict[str, Decimal]:
    """The amounts of the whole window in money: exact, inside soft bounds where units fit."""
    places, periods = decimal_places(question.currency), question.budget_periods
    whole = int(question.total.scaleb(places))
    limits = [question.constraints.get(each, SpendLimit()) for each in fitted.channels]
    if question.scale_minimums:
        limits = [replace(each, min=None) for each in limits]
    fixed = limits_in_units(limits, places, whole)
    hard = clip_ranges(
        inward(edge.hard_low * periods, edge.hard_high * periods, places, whole), fixed
    )
    soft = clip_ranges(inward(edge.low * periods, edge.high * periods, places, whole), hard)
    loose = clip_ranges(
        outward(edge.hard_low * periods, edge.hard_high * periods, places, whole), fixed
    )
    exact = amounts * periods * 10**places
    units = round_to_units(whole, exact, fitted.channels, (soft, hard, loose, fixed))
    return {
        channel: Decimal(held).scaleb(-places)
        for channel, held in zip(fitted.channels, units, strict=True)
    }
