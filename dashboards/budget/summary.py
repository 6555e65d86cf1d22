"""A plan's figures and its verdict in words; pure."""

from dataclasses import dataclass
from typing import Any

from aethercrown.formatting import (
    PERCENT,
    counted,
    date_text,
    full,
    moment_text,
    money,
    probability_text,
    share_text,
    signed,
)
from dashboards.tiles import Tile
from marketing.budget.planner.auto_apply import MIN_PROBABILITY
from marketing.budget.planner.proposal import Backtest, ChannelSummary, Proposal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with the plan, how it looks, and why."""

    title: str
    tone: str
    reasons: tuple[str, ...]


def plan_figures(proposal: Proposal, periods: int = 1) -> list[Tile]:
    """The plan in four figures."""
    lift, revenue = proposal.expected_lift_percent, proposal.expected_revenue
    unit = money(proposal.currency, 0)
    return [
        Tile(
            "Budget",
            full(proposal.total, unit),
            f"for {counted(periods, 'period')} over {counted(len(proposal.channels), 'channel')}",
            "The total that the plan divides over the channels.",
        ),
        Tile(
            "Expected revenue",
            full(revenue.estimate, unit),
            f"{full(revenue.low, unit)} to {full(revenue.high, unit)}",
            "The median of the plan's revenue, with its 90% interval.",
        ),
        Tile(
            "Expected lift",
            signed(lift.estimate, PERCENT),
            f"{signed(lift.low, PERCENT)} to {signed(lift.high, PERCENT)}",
            "Revenue compared with the present mix at the same total, with its 90% interval.",
        ),
        Tile(
            "Probability of a lift",
            probability_text(proposal.probability_of_lift),
            f"at least {share_text(MIN_PROBABILITY)} to apply it automatically",
            "The share of the posterior draws in which the plan earns more than the present mix.",
        ),
    ]


def channel_figures(summary_row: ChannelSummary, currency: str) -> list[Tile]:
    """One channel in four figures."""
    unit, one = money(currency, 0), money(currency, 2)
    change = summary_row.suggested_allocation - summary_row.current_allocation
    return [
        Tile(
            "Proposed",
            full(summary_row.suggested_allocation, unit),
            f"{signed(change, unit)} from {full(summary_row.current_allocation, unit)}",
            "The amount that the plan gives this channel.",
        ),
        Tile(
            "90% interval",
            full(summary_row.allocation_low, unit),
            f"to {full(summary_row.allocation_high, unit)}",
            "The amounts that are optimal in 90% of the posterior draws.",
        ),
        Tile(
            "Marginal return",
            full(summary_row.marginal_roi, one),
            f"{full(summary_row.marginal_roi_now, one)} now",
            "Revenue of the next unit of money in this channel under the plan.",
        ),
        Tile(
            "Saturation",
            full(summary_row.saturation_percent, PERCENT),
            f"trend {summary_row.trend}, {summary_row.evidence} evidence",
            "How far the return of the next unit of money is below the average return.",
        ),
    ]


def in_force_text(row: Any) -> str:
    """The Allocation in force, in a sentence; empty for None."""
    if row is None:
        return ""
    amount = full(row.amount, money(row.currency))
    return f"In force: {amount}, since {date_text(row.valid_from.date())}."


def verdict(proposal: Proposal) -> Verdict:
    """Act or recommend, with the reasons in the proposal's own words."""
    if proposal.auto_applicable:
        chance = f"Probability of a lift: {probability_text(proposal.probability_of_lift)}."
        return Verdict("Apply: a lift is probable enough", "good", (chance,))
    return Verdict(
        "A recommendation: review it before you apply it", "warn", proposal.reasons_against
    )


def backtest_figures(backtest: Backtest | None) -> list[Tile]:
    """How forecasts made from the past alone did; nothing where there was no test."""
    if backtest is None:
        return []
    better = backtest.wape_percent < backtest.naive_wape_percent
    return [
        Tile(
            "Forecast error",
            full(backtest.wape_percent, PERCENT),
            f"{'better' if better else 'not better'} than"
            f" {full(backtest.naive_wape_percent, PERCENT)} of the last four periods' mean",
            "Sum of absolute errors over the sum of actual revenue, in the forecast periods.",
        ),
        Tile(
            "Interval coverage",
            full(backtest.coverage_percent, PERCENT),
            f"of {backtest.periods} periods fell inside the 90% interval",
            "Near 90% means that the intervals are as wide as they should be.",
        ),
    ]


def state_text(decision: Any) -> str:
    """Where the plan stands: waiting, in force, rolled back or rejected, and since when."""
    since = {
        "proposed": ("Waits for a decision since", decision.proposed_at),
        "approved": ("Approved, on its way to the destinations, since", decision.approved_at),
        "applied": ("In force since", decision.applied_at),
        "measured": ("In force since", decision.applied_at),
        "rolled_back": ("Rolled back", decision.rolled_back_at),
        "rejected": ("Rejected", decision.rejected_at),
    }
    text, at = since[decision.status]
    return f"{text} {moment_text(at)}."
