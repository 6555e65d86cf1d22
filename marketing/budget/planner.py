"""One call from rows and limits to a whole proposal; pure, deterministic, no database.

proposal = plan(Question(total=Decimal(10_000), rows=rows))
fitted = prepare(question)            # keep it: other totals cost almost nothing
reallocate(fitted, Decimal(20_000))   # {channel: amount}
spend_until(fitted, marginal=1.5)     # what is worth spending at all
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketing.budget.proposal import (
    Backtest,
    Curve,
    CurvePoint,
    Experiment,
    Interval,
    Proposal,
    Recommendation,
    Standing,
)
from marketing.budget.question import Infeasible, LiftTest, Limit, Problem, Question, Row

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


@dataclass(frozen=True, slots=True)
class Fitted:
    """A question with its fitted curves."""

    question: Question


def prepare(question: Question) -> Fitted:
    """Check the question and fit its curves; Infeasible names every bad field."""
    raise NotImplementedError


def plan(question: Question) -> Proposal:
    """The best division of the total; Infeasible where there is none."""
    raise NotImplementedError


def reallocate(
    fitted: Fitted, total: Decimal, constraints: Mapping[str, Limit] | None = None
) -> dict[str, Decimal]:
    """Another total (and other limits) over curves already fitted."""
    raise NotImplementedError


def spend_until(fitted: Fitted, marginal: float) -> dict[str, Decimal]:
    """Fund every channel until its next unit of money brings less than `marginal`."""
    raise NotImplementedError
