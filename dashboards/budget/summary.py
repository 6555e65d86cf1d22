"""A plan's figures and its verdict in words; pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from aethercrown.charts.figures import MISSING, PERCENT, full, money, signed
from marketing.budget.planner.proposal import Backtest, ChannelSummary, Proposal

SURE = 0.9  # the probability from which a plan may be applied by itself


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure at the top of a page, with what it means."""

    label: str
    value: str
    note: str
    meaning: str
    spark: str = ""

    @property
    def missing(self) -> bool:
        return self.value == MISSING


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with the plan, how it looks, and why."""

    title: str
    tone: str
    reasons: tuple[str, ...]


def headlines(proposal: Proposal, periods: int = 1) -> list[Headline]:
    """The plan in four figures."""
    lift, revenue = proposal.expected_lift_percent, proposal.expected_revenue
    unit = money(proposal.currency, 0)
    return [
        Headline(
            "Budget",
            full(proposal.total, unit),
            f"for {counted(periods, 'period')} over {counted(len(proposal.channels), 'channel')}",
            "The money that the plan divides; its parts add up to it exactly.",
        ),
        Headline(
            "Expected revenue",
            full(revenue.estimate, unit),
            f"{full(revenue.low, unit)} to {full(revenue.high, unit)}",
            "The median of what the plan brings, and the interval that holds 90% of it.",
        ),
        Headline(
            "Expected lift",
            signed(lift.estimate, PERCENT),
            f"{signed(lift.low, PERCENT)} to {signed(lift.high, PERCENT)}",
            "Revenue against keeping the present mix at the same total, with its 90% interval.",
        ),
        Headline(
            "Probability of a lift",
            likely(proposal.probability_of_lift),
            f"from {SURE:.0%} on a plan may act by itself",
            "The share of the plausible curves under which the plan brings more.",
        ),
    ]


def channel(standing: ChannelSummary, currency: str) -> list[Headline]:
    """One channel in four figures."""
    unit, one = money(currency, 0), money(currency, 2)
    change = standing.suggested_allocation - standing.current_allocation
    return [
        Headline(
            "Proposed",
            full(standing.suggested_allocation, unit),
            f"{signed(change, unit)} from {full(standing.current_allocation, unit)}",
            "What the plan gives this channel, against what it has now.",
        ),
        Headline(
            "Plausible range",
            full(standing.allocation_low, unit),
            f"to {full(standing.allocation_high, unit)}",
            "The amounts that nine in ten of the curves in doubt would choose.",
        ),
        Headline(
            "Marginal return",
            full(standing.marginal_roi, one),
            f"{full(standing.marginal_roi_now, one)} now",
            "What the next unit of money brings in this channel after the plan.",
        ),
        Headline(
            "Saturation",
            full(standing.saturation_percent, PERCENT),
            f"trend {standing.trend}, {standing.evidence} evidence",
            "How far the next unit of money falls behind the average one.",
        ),
    ]


class Given(Protocol):
    """What a channel gets by an applied plan."""

    @property
    def amount(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...
    @property
    def since(self) -> datetime: ...


def given(row: Given | None) -> str:
    """What is in force, in a sentence; empty where nothing is."""
    if row is None:
        return ""
    amount = full(row.amount, money(row.currency))
    return f"In force: {amount}, since {row.since.day} {row.since:%b %Y}."


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def likely(probability: float) -> str:
    """A probability as a whole percentage; one read from draws is never certainty."""
    if probability >= 0.995:
        return "> 99%"
    if probability < 0.005:
        return "< 1%"
    return f"{probability:.0%}"


def verdict(proposal: Proposal) -> Verdict:
    """Act or recommend, with the reasons in the proposal's own words."""
    if proposal.auto_applicable:
        chance = f"Probability of a lift: {likely(proposal.probability_of_lift)}."
        return Verdict("Act: the gain is sure enough", "good", (chance,))
    return Verdict("A recommendation: weigh it before you act", "warn", proposal.reasons_against)


def tested(backtest: Backtest | None) -> list[Headline]:
    """How forecasts made from the past alone did; nothing where there was no test."""
    if backtest is None:
        return []
    better = backtest.wape_percent < backtest.naive_wape_percent
    return [
        Headline(
            "Forecast error",
            full(backtest.wape_percent, PERCENT),
            f"{'better' if better else 'not better'} than"
            f" {full(backtest.naive_wape_percent, PERCENT)} of the last four periods' mean",
            "Sum of absolute errors over the sum of the truth, periods ahead of the data.",
        ),
        Headline(
            "Interval coverage",
            full(backtest.coverage_percent, PERCENT),
            f"of {backtest.periods} periods fell inside the 90% interval",
            "Near 90 means that the intervals say how sure they really are.",
        ),
    ]
