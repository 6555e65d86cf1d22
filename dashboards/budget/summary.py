"""A plan's figures and its verdict in words; pure."""

from dataclasses import dataclass

from aethercrown.charts.figures import PERCENT, full, money, signed
from dashboards.key_figures import KeyFigure, count_text, probability_text
from marketing.budget.planner.auto_apply import MIN_PROBABILITY
from marketing.budget.planner.proposal import Backtest, ChannelSummary, Proposal
from marketing.budget.summaries import AllocationInForce


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with the plan, how it looks, and why."""

    title: str
    tone: str
    reasons: tuple[str, ...]


def plan_figures(proposal: Proposal, periods: int = 1) -> list[KeyFigure]:
    """The plan in four figures."""
    lift, revenue = proposal.expected_lift_percent, proposal.expected_revenue
    unit = money(proposal.currency, 0)
    return [
        KeyFigure(
            "Budget",
            full(proposal.total, unit),
            f"for {count_text(periods, 'period')} over "
            f"{count_text(len(proposal.channels), 'channel')}",
            "The money that the plan divides; its parts add up to it exactly.",
        ),
        KeyFigure(
            "Expected revenue",
            full(revenue.estimate, unit),
            f"{full(revenue.low, unit)} to {full(revenue.high, unit)}",
            "The median of what the plan brings, and the interval that holds 90% of it.",
        ),
        KeyFigure(
            "Expected lift",
            signed(lift.estimate, PERCENT),
            f"{signed(lift.low, PERCENT)} to {signed(lift.high, PERCENT)}",
            "Revenue against keeping the present mix at the same total, with its 90% interval.",
        ),
        KeyFigure(
            "Probability of a lift",
            probability_text(proposal.probability_of_lift),
            f"from {MIN_PROBABILITY:.0%} on a plan may act by itself",
            "The share of the plausible curves under which the plan brings more.",
        ),
    ]


def channel_figures(summary_row: ChannelSummary, currency: str) -> list[KeyFigure]:
    """One channel in four figures."""
    unit, one = money(currency, 0), money(currency, 2)
    change = summary_row.suggested_allocation - summary_row.current_allocation
    return [
        KeyFigure(
            "Proposed",
            full(summary_row.suggested_allocation, unit),
            f"{signed(change, unit)} from {full(summary_row.current_allocation, unit)}",
            "What the plan gives this channel, against what it has now.",
        ),
        KeyFigure(
            "Plausible range",
            full(summary_row.allocation_low, unit),
            f"to {full(summary_row.allocation_high, unit)}",
            "The amounts that nine in ten of the curves in doubt would choose.",
        ),
        KeyFigure(
            "Marginal return",
            full(summary_row.marginal_roi, one),
            f"{full(summary_row.marginal_roi_now, one)} now",
            "What the next unit of money brings in this channel after the plan.",
        ),
        KeyFigure(
            "Saturation",
            full(summary_row.saturation_percent, PERCENT),
            f"trend {summary_row.trend}, {summary_row.evidence} evidence",
            "How far the next unit of money falls behind the average one.",
        ),
    ]


def in_force_text(row: AllocationInForce | None) -> str:
    """What is in force, in a sentence; empty where nothing is."""
    if row is None:
        return ""
    amount = full(row.amount, money(row.currency))
    return f"In force: {amount}, since {row.since.day} {row.since:%b %Y}."


def verdict(proposal: Proposal) -> Verdict:
    """Act or recommend, with the reasons in the proposal's own words."""
    if proposal.auto_applicable:
        chance = f"Probability of a lift: {probability_text(proposal.probability_of_lift)}."
        return Verdict("Act: the gain is sure enough", "good", (chance,))
    return Verdict("A recommendation: weigh it before you act", "warn", proposal.reasons_against)


def backtest_figures(backtest: Backtest | None) -> list[KeyFigure]:
    """How forecasts made from the past alone did; nothing where there was no test."""
    if backtest is None:
        return []
    better = backtest.wape_percent < backtest.naive_wape_percent
    return [
        KeyFigure(
            "Forecast error",
            full(backtest.wape_percent, PERCENT),
            f"{'better' if better else 'not better'} than"
            f" {full(backtest.naive_wape_percent, PERCENT)} of the last four periods' mean",
            "Sum of absolute errors over the sum of the truth, periods ahead of the data.",
        ),
        KeyFigure(
            "Interval coverage",
            full(backtest.coverage_percent, PERCENT),
            f"of {backtest.periods} periods fell inside the 90% interval",
            "Near 90 means that the intervals say how sure they really are.",
        ),
    ]
