"""Recommendations by channel with their reasons, trends, and the next experiment."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from aethercrown.formatting import counted, full, money, number_text, percent_text
from marketing.budget.model.response_curves import Bools, Floats
from marketing.budget.planner.proposal import (
    Action,
    ChannelRecommendation,
    ChannelSummary,
    Experiment,
    Trend,
)

UNCHANGED_SHARE = 0.01  # relative change up to which an amount is maintained
TREND_PERIODS, MIN_TREND_T = 12, 2.0


def recommendations(
    channels: Sequence[ChannelSummary],
    currency: str,
    marginal_return: float,
    rows: Floats,
    variation: Floats,
) -> tuple[ChannelRecommendation, ...]:
    """One for each channel, the largest change of money first.

    `marginal_return` is of the whole plan; `rows` and `variation` (C,) as in FittedModel.
    """
    found = []
    for each, count, cv in zip(channels, rows, 100 * variation, strict=True):
        now, then = each.current_allocation, each.suggested_allocation
        basis = f"{counted(int(count), 'row')}, spend varied by {percent_text(cv, 0)}"
        why = reason(each, currency, marginal_return, basis)
        found.append(ChannelRecommendation(each.channel, action(now, then), why, now, then))
    found.sort(key=lambda each: -abs(each.current_allocation - each.suggested_allocation))
    return tuple(found)


def action(current: Decimal, suggested: Decimal) -> Action:
    """Maintain within one percent."""
    if abs(suggested - current) <= Decimal(str(UNCHANGED_SHARE)) * current:
        return "maintain"
    return "increase" if suggested > current else "decrease"


def reason(channel: ChannelSummary, unit: str, marginal_return: float, basis: str) -> str:
    """Marginal return now and as suggested, beside the plan's; the evidence; the binding bound."""
    text = (
        f"The next {unit} brings {number_text(channel.marginal_roi_now, 2)} {unit} at its "
        f"present share and "
        f"{number_text(channel.marginal_roi, 2)} at the suggested one; the last {unit} of the "
        f"plan brings "
        f"{number_text(marginal_return, 2)}. Evidence: {channel.evidence} ({basis})."
    )
    return f"{text} Limited by {channel.bound}." if channel.bound else text


def binding_bounds(
    plan: Floats, low: Floats, high: Floats, why: tuple[Sequence[str], Sequence[str]]
) -> tuple[str, ...]:
    """The name of the bound that each amount lies on; empty between the bounds."""
    near = 1e-6 * max(float(plan.sum()), 1e-300)
    return tuple(
        below if amount <= least + near else above if amount >= most - near else ""
        for amount, least, most, below, above in zip(plan, low, high, *why, strict=True)
    )


def trends(residual: Floats, usable: Bools) -> tuple[Trend, ...]:
    """Trend of each channel's residuals (C, T) over the dates where `usable`."""
    return tuple(
        _trend(np.flatnonzero(seen).astype(np.float64), line[seen])
        for line, seen in zip(residual, usable, strict=True)
    )


def _trend(time: Floats, left: Floats) -> Trend:
    if time.size < 4:
        return "flat"
    time = time - time.mean()
    spread = float(time @ time)
    slope = float(time @ left) / spread
    rest = left - left.mean() - slope * time
    error = float(np.sqrt(max(float(rest @ rest), 1e-18) / (time.size - 2) / spread))
    if abs(slope) <= max(MIN_TREND_T * error, 1e-9):
        return "flat"
    return "up" if slope > 0 else "down"


def next_experiment(
    channels: Sequence[str], plans: Floats, planned: Floats, currency: str
) -> Experiment | None:
    """Test the channel on which the draws' optimal plans (N, C) differ most; None if they agree.

    The test varies spend around the planned amount, which costs least.
    """
    if len(channels) < 2:
        return None
    low, high = np.quantile(plans, [0.05, 0.95], axis=0)
    at = int(np.argmax(high - low))
    if high[at] - low[at] <= 1e-6 * max(float(plans[0].sum()), 1e-300):
        return None
    unit = money(currency, 0)
    sentence = (
        f"Vary {channels[at]} around {full(planned[at], unit)} a period by a random 30% up or "
        f"down for 8 periods: the data leave its best amount anywhere from {full(low[at], unit)} "
        f"to "
        f"{full(high[at], unit)}, more than for any other channel."
    )
    return Experiment(channels[at], sentence)
