"""The planner's output: allocation, expected revenue and lift, and the reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Action = Literal["increase", "decrease", "maintain"]
Grade = Literal["low", "medium", "high"]
Trend = Literal["up", "down", "flat"]
FLAT: Trend = "flat"


@dataclass(frozen=True, slots=True)
class Interval:
    """A posterior median with its 90 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ChannelSummary:
    """Figures of one channel; `marginal_roi` is the revenue of the next unit of money."""

    channel: str
    current_allocation: Decimal
    suggested_allocation: Decimal
    roi_percent: float | None  # None where no revenue is known
    marginal_roi_now: float
    marginal_roi: float
    saturation_percent: float
    allocation_low: Decimal
    allocation_high: Decimal
    trend: Trend
    evidence: Grade
    bound: str  # name of the binding bound; empty without one


@dataclass(frozen=True, slots=True)
class ChannelRecommendation:
    """Action for one channel, and its reason with figures."""

    channel: str
    action: Action
    reason: str
    current_allocation: Decimal
    suggested_allocation: Decimal


@dataclass(frozen=True, slots=True)
class ResponsePoint:
    """Expected revenue at a steady spend, both for the window, with its 90 % interval."""

    spend: float
    revenue: float
    low: float
    high: float
    marginal: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one channel's response curve."""

    channel: str
    points: tuple[ResponsePoint, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """Accuracy of forecasts from past data only; percent except `periods`."""

    wape_percent: float
    naive_wape_percent: float  # the mean of the last four periods as the forecast
    coverage_percent: float  # of the 90 % interval
    periods: int
    drifting: bool  # CUSUM of the residuals left its limits
    healthy: bool


@dataclass(frozen=True, slots=True)
class Experiment:
    """The next test to run, in one sentence."""

    channel: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan for the whole `total`; revenue and lift are for the same window."""

    total: Decimal
    currency: str
    mode: Literal["channels", "aggregate"]
    allocations: dict[str, Decimal]  # adds up to `total` exactly
    present: dict[str, Decimal]  # present spend, in money for the window
    channel_roi: dict[str, float | None]  # percent over the rows; None where not known
    expected_revenue: Interval
    expected_lift_percent: Interval  # against the present mix scaled to `total`
    probability_of_lift: float
    auto_applicable: bool
    reasons_against: tuple[str, ...]  # against applying it automatically
    marginal_return: float  # revenue of the last unit of money (shadow price)
    channels: tuple[ChannelSummary, ...]
    recommendations: tuple[ChannelRecommendation, ...]
    curves: tuple[Curve, ...]
    backtest: Backtest | None
    backtest_note: str  # the backtest in one sentence, or why there is none
    next_experiment: Experiment | None
    evidence: Grade
    placebo: Mapping[str, float]  # aggregate mode: probability of a lift under other assumptions
    warnings: tuple[str, ...]
    method: str
    input_digest: str
