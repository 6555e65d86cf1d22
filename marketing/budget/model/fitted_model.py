"""A request with its fitted curves: the input of allocation and proposal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from marketing.budget.model.fit import Posterior
from marketing.budget.model.history import SpendHistory
from marketing.budget.model.response_curves import Bools, Floats
from marketing.budget.planner.bounds import EXPLORATION_SHARE
from marketing.budget.planner.proposal import Backtest, Grade, Trend
from marketing.budget.planner.request import BudgetRequest
from marketing.budget.planner.uncertainty import Draws

NEW_CHANNEL_LOG_VARIANCE = 0.36  # of the log amplitude: an ROI off by a factor of 1.8


@dataclass(frozen=True, slots=True)
class AlternativeFit:
    """A fit under another assumption, to see whether the expected lift depends on it."""

    posterior: Posterior
    sample: Draws
    own_plan: bool  # evaluate the plan of this fit itself, not the proposed one


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Curves with their uncertainty, and figures of the rows that the proposal quotes."""

    request: BudgetRequest
    mode: Literal["channels", "aggregate"]
    history: SpendHistory
    posterior: Posterior
    sample: Draws
    roi: Floats  # (C,) percent, over the rows
    rows: Floats  # (C,) number of fitted rows
    variation: Floats  # (C,) coefficient of variation of spend
    grades: tuple[Grade, ...]
    trends: tuple[Trend, ...]
    backtest: Backtest | None
    backtest_note: str
    notes: tuple[str, ...]
    digest: str
    season_factor: float = 1.0  # revenue of the planned window over that of an average one
    alternatives: Mapping[str, AlternativeFit] = field(default_factory=dict)  # of the same data
    other_reasons: tuple[str, ...] = ()  # against applying any plan of this fit automatically

    @property
    def channels(self) -> tuple[str, ...]:
        return self.history.channels

    @property
    def max_total(self) -> float:
        """Largest spend of one period; without dates, the sum of the channels' largest."""
        spend = self.history.spend
        return float(spend.sum(axis=0).max() if self.history.dates else spend.max(axis=1).sum())

    def present_spend(self) -> Floats:
        """Present spend (C,) a period: the last applied plan, or the mean of the last periods."""
        present = self.request.present
        if present is None:
            return self.history.present_spend()
        amounts = np.array([float(present.get(each, 0)) for each in self.channels])
        return amounts / self.request.budget_periods

    def current_mix(self) -> Floats:
        """The present mix scaled to the budget of a period; equal shares without any spend."""
        mix = self.present_spend()
        if mix.sum() <= 0:
            mix = np.ones(len(self.channels))
        return np.asarray(mix * (self.request.period_budget / mix.sum()))


def with_new_channels(posterior: Posterior, tried: Bools, budget: float) -> Posterior:
    """Give channels never tried the others' mean shape and lower-quartile ROI.

    `budget` is that of a period; the new channels explore with a share of it.
    """
    if tried.all() or not tried.any():
        return posterior
    amount = EXPLORATION_SHARE * budget / (~tried).sum()
    weight, amplitude = posterior.weight.copy(), posterior.amplitude.copy()
    spread, scale = posterior.spread.copy(), posterior.scale.copy()
    level = (weight * amplitude).sum(axis=1) / scale
    weight[~tried] = weight[tried].mean(axis=0)
    scale[~tried] = amount
    amplitude[~tried] = np.quantile(level[tried], 0.25) * amount
    spread[~tried] = NEW_CHANNEL_LOG_VARIANCE
    return Posterior(scale, weight, amplitude, spread)


def roi_percent(history: SpendHistory) -> Floats:
    """100 (revenue - spend) / spend over rows of known revenue.

    0 where nothing was spent, nan where money was spent and no revenue of it is known.
    """
    known = ~np.isnan(history.revenue)
    spent = np.where(known, history.spend, 0.0).sum(axis=1)
    earned = np.where(known, history.revenue, 0.0).sum(axis=1)
    gain = 100 * (earned - spent)
    nothing = np.where(history.unknown.any(axis=1), np.nan, 0.0)
    return np.asarray(np.divide(gain, spent, out=nothing, where=spent > 0))


def spend_variation(spend: Floats, usable: Bools) -> Floats:
    """Coefficient of variation of each channel's spend over its rows."""
    count = np.maximum(usable.sum(axis=1), 1)
    mean = np.where(usable, spend, 0.0).sum(axis=1) / count
    gap = np.where(usable, spend - mean[:, None], 0.0)
    deviation = np.sqrt((gap * gap).sum(axis=1) / count)
    return np.asarray(np.divide(deviation, mean, out=np.zeros_like(mean), where=mean > 0))
