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

from marketing.budget.model.by_channel import from_rows
from marketing.budget.model.by_total import from_totals
from marketing.budget.model.curves import revenue
from marketing.budget.model.fitted_model import Fitted
from marketing.budget.model.response import Floats
from marketing.budget.planner import uncertainty
from marketing.budget.planner.allocation import Ladder, fill, fill_until, ladder, spends
from marketing.budget.planner.bounds import Bounds, bounds
from marketing.budget.planner.check import check, check_bounds
from marketing.budget.planner.proposal import (
    Backtest,
    Curve,
    CurvePoint,
    Experiment,
    Interval,
    Proposal,
    Recommendation,
    Standing,
)
from marketing.budget.planner.proposal_builder import Division, proposal
from marketing.budget.planner.request import (
    Infeasible,
    LiftTest,
    Limit,
    Problem,
    Question,
    Row,
    trimmed,
)
from marketing.budget.planner.rounding import digits, inward, limited, outward, to_units, within

__all__ = [
    "Backtest",
    "Curve",
    "CurvePoint",
    "Experiment",
    "Fitted",
    "Infeasible",
    "Interval",
    "LiftTest",
    "Limit",
    "Problem",
    "Proposal",
    "Question",
    "Recommendation",
    "Row",
    "Standing",
    "plan",
    "prepare",
    "reallocate",
    "spend_until",
]


def prepare(question: Question) -> Fitted:
    """Check the question and fit its curves; Infeasible names every bad field."""
    question = trimmed(question)
    check(question)
    return from_rows(question) if question.total_revenue is None else from_totals(question)


def plan(question: Question) -> Proposal:
    """The best division of the total; Infeasible where there is none."""
    fitted = prepare(question)
    return proposal(fitted, divide(fitted))


def divide(fitted: Fitted) -> Division:
    """The fitted question's total over its channels, in floats and in money."""
    question = fitted.question
    keep = fitted.kept(question)
    edge = bounds(question, fitted.channels, keep, fitted.most, fitted.largest)
    budget = float(question.total) / question.budget_periods
    steps = _steps(fitted, edge, keep)
    amounts, price = fill(steps, budget)
    if question.thompson and question.max_change_percent is not None:
        amounts, price = fill(_drawn(fitted, edge, keep), budget)
    money = _money(fitted, question, amounts, edge)
    return Division(amounts, money, price, edge, keep)


def reallocate(
    fitted: Fitted, total: Decimal, constraints: Mapping[str, Limit] | None = None
) -> dict[str, Decimal]:
    """Another total (and other limits) over curves already fitted."""
    question = replace(fitted.question, total=total)
    if constraints is not None:
        question = replace(question, constraints=constraints)
    check_bounds(question, set(fitted.channels))
    return divide(replace(fitted, question=question)).money


def spend_until(fitted: Fitted, marginal: float) -> dict[str, Decimal]:
    """Fund every channel until its next unit of money brings less than `marginal`.

    Kept to between nothing and twice the largest spend seen in each channel, and its limits.
    """
    question = fitted.question
    periods, size = question.budget_periods, len(fitted.channels)
    low, high = np.zeros(size), 2 * fitted.most
    for at, channel in enumerate(fitted.channels):
        limit = question.constraints.get(channel, Limit())
        low[at] = float(limit.min or 0) / periods
        high[at] = max(low[at], high[at] if limit.max is None else float(limit.max) / periods)
    grid = spends(low, high, fitted.belief.scale)
    steps = ladder(grid, revenue(fitted.belief, grid), fitted.kept(question))
    places = digits(question.currency)
    return {
        channel: round(Decimal(float(amount)), places)
        for channel, amount in zip(
            fitted.channels, fill_until(steps, marginal) * periods, strict=True
        )
    }


def _steps(fitted: Fitted, edge: Bounds, keep: Floats) -> Ladder:
    grid = spends(edge.low, edge.high, fitted.belief.scale)
    return ladder(grid, revenue(fitted.belief, grid), keep)


def _drawn(fitted: Fitted, edge: Bounds, keep: Floats) -> Ladder:
    grid = spends(edge.low, edge.high, fitted.belief.scale)
    one = uncertainty.Draws(fitted.sample.shape[:1], fitted.sample.amplitude[:1])
    return ladder(grid, one.revenue(fitted.belief, grid)[0], keep)


def _money(fitted: Fitted, question: Question, amounts: Floats, edge: Bounds) -> dict[str, Decimal]:
    """The amounts of the whole window in money: exact, inside soft bounds where units fit."""
    places, periods = digits(question.currency), question.budget_periods
    whole = int(question.total.scaleb(places))
    limits = [question.constraints.get(each, Limit()) for each in fitted.channels]
    if question.scale_minimums:
        limits = [replace(each, min=None) for each in limits]
    fixed = limited(limits, places, whole)
    hard = within(inward(edge.hard_low * periods, edge.hard_high * periods, places, whole), fixed)
    soft = within(inward(edge.low * periods, edge.high * periods, places, whole), hard)
    loose = within(outward(edge.hard_low * periods, edge.hard_high * periods, places, whole), fixed)
    exact = amounts * periods * 10**places
    units = to_units(whole, exact, fitted.channels, (soft, hard, loose, fixed))
    return {
        channel: Decimal(held).scaleb(-places)
        for channel, held in zip(fitted.channels, units, strict=True)
    }
