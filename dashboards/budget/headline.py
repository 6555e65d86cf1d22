"""A plan's figures and its verdict in words; pure."""

from dataclasses import dataclass

from aethercrown.charts.figures import MISSING, PERCENT, full, money, signed
from marketing.budget.proposal import Backtest, Proposal

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


def headlines(proposal: Proposal) -> list[Headline]:
    lift, revenue = proposal.expected_lift_percent, proposal.expected_revenue
    unit = money(proposal.currency, 0)
    return [
        Headline(
            "Budget",
            full(proposal.total, unit),
            f"over {len(proposal.channels)} channels",
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


def likely(probability: float) -> str:
    """A probability as a whole percentage, never rounded to certainty."""
    if 0.995 <= probability < 1:
        return "> 99%"
    if 0 < probability < 0.005:
        return "< 1%"
    return f"{probability:.0%}"


def verdict(proposal: Proposal) -> Verdict:
    """Act or recommend, with the reasons in the proposal's own words."""
    if proposal.auto_applicable:
        title = "May be applied by itself: every guardrail of the method passes"
        return Verdict(title, "good", ())
    return Verdict("A recommendation: a person decides", "warn", proposal.reasons_against)


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
