"""The planner's answer: a plan, what it should bring, and why it says so."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal

Action = Literal["increase", "decrease", "maintain"]
Grade = Literal["low", "medium", "high"]
Trend = Literal["up", "down", "flat"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A median with the bounds that hold 90 % of the posterior."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ChannelSummary:
    """Where one channel stands; `marginal_roi` is what the next unit of money brings."""

    channel: str
    current_allocation: Decimal
    suggested_allocation: Decimal
    roi_percent: float
    marginal_roi_now: float
    marginal_roi: float
    saturation_percent: float
    allocation_low: Decimal
    allocation_high: Decimal
    trend: Trend
    evidence: Grade
    bound: str  # the bound that holds it, in words; empty where none does


@dataclass(frozen=True, slots=True)
class ChannelRecommendation:
    """What to do with one channel, and the numbers that say so."""

    channel: str
    action: Action
    reason: str
    current_allocation: Decimal
    suggested_allocation: Decimal


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Expected revenue at a steady spend, both for the whole window, with its 90 % band."""

    spend: float
    revenue: float
    low: float
    high: float
    marginal: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One channel's response for a chart."""

    channel: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """How forecasts made from the past alone would have done (percent, but periods)."""

    wape_percent: float
    naive_wape_percent: float  # the mean of the last four periods as the forecast
    coverage_percent: float  # of the 90 % interval
    periods: int
    drifting: bool  # the residuals' cumulated sum left its limits
    healthy: bool


@dataclass(frozen=True, slots=True)
class Experiment:
    """The test that would teach most."""

    channel: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan for the whole `total`; revenue and lift are for the same window."""

    total: Decimal
    currency: str
    mode: Literal["channels", "aggregate"]
    allocations: dict[str, Decimal]  # adds up to `total` exactly
    present: dict[str, Decimal]  # the present mix, in money a window, as spent
    channel_roi: dict[str, float]  # percent over the rows
    expected_revenue: Interval
    expected_lift_percent: Interval  # against the present mix scaled to `total`
    probability_of_lift: float
    auto_applicable: bool
    reasons_against: tuple[str, ...]  # why it may not be applied by itself
    marginal_return: float  # what the last unit of money brings (shadow price)
    channels: tuple[ChannelSummary, ...]
    recommendations: tuple[ChannelRecommendation, ...]
    curves: tuple[Curve, ...]
    backtest: Backtest | None
    backtest_note: str  # the verdict in words, or why there is none
    next_experiment: Experiment | None
    evidence: Grade
    placebo: Mapping[str, float]  # aggregate mode: P under other assumptions; else empty
    warnings: tuple[str, ...]
    method: str
    input_digest: str

    def summary(self) -> dict[str, Any]:
        """The proposal as JSON holds it: money as strings, everything else as it is."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
