"""A question with its curves fitted: what every answer to it is read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from marketing.budget.model.fit import Posterior
from marketing.budget.model.history import SpendHistory
from marketing.budget.model.response import Bools, Floats
from marketing.budget.planner.proposal import Backtest, Grade, Trend
from marketing.budget.planner.request import BudgetRequest
from marketing.budget.planner.uncertainty import Draws, evidence_grade

NEW_CHANNEL_LOG_VARIANCE = (
    0.36  # variance of a new channel's log amplitude: an ROI off by a factor of 1.8
)


@dataclass(frozen=True, slots=True)
class AlternativeFit:
    """A fit under another assumption, to see whether the plan's promise hangs on it."""

    posterior: Posterior
    sample: Draws
    own_plan: bool  # judge the plan it would make itself, rather than the proposed one


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Curves with their doubt, and the facts about the rows that a plan quotes."""

    request: BudgetRequest
    mode: Literal["channels", "aggregate"]
    channels: tuple[str, ...]
    posterior: Posterior
    sample: Draws
    recent: Floats  # (C,) mean spend of the last periods
    max_spend: Floats  # (C,) largest spend of a period, 0 where never tried
    max_total: float  # largest total of a period
    roi: Floats  # (C,) percent, over the rows
    rows: Floats  # (C,) that taught
    variation: Floats  # (C,) coefficient of variation of spend
    grades: tuple[Grade, ...]
    trends: tuple[Trend, ...]
    season_factor: float  # revenue of the window over that of a usual one
    backtest: Backtest | None
    backtest_note: str
    alternatives: Mapping[str, AlternativeFit]  # what the same data say under other assumptions
    other_reasons: tuple[str, ...]  # reasons never to act alone
    notes: tuple[str, ...]
    digest: str

    def current_mix(self, request: BudgetRequest) -> Floats:
        """The present mix scaled to the question's budget a period; equal without any."""
        mix = self.recent
        if request.present is not None:
            mix = np.array([float(request.present.get(each, 0)) for each in self.channels])
        if mix.sum() <= 0:
            mix = np.ones(len(self.channels))
        budget = float(request.total) / request.budget_periods
        return np.asarray(mix * (budget / mix.sum()))


def with_new_channels(posterior: Posterior, tried: Bools, amount: float) -> Posterior:
    """Channels never tried take the others' mean shape, at their lower quartile of ROI."""
    if tried.all() or not tried.any():
        return posterior
    weight, amplitude = posterior.weight.copy(), posterior.amplitude.copy()
    spread, scale = posterior.spread.copy(), posterior.scale.copy()
    level = (weight * amplitude).sum(axis=1) / scale
    weight[~tried] = weight[tried].mean(axis=0)
    scale[~tried] = amount
    amplitude[~tried] = np.quantile(level[tried], 0.25) * amount
    spread[~tried] = NEW_CHANNEL_LOG_VARIANCE
    return Posterior(scale, weight, amplitude, spread)


def largest_period_total(history: SpendHistory) -> float:
    """The most spent in one period; where periods have no dates, each channel's most."""
    if history.dates:
        return float(history.spend.sum(axis=0).max())
    return float(history.spend.max(axis=1).sum())


def roi_percent(history: SpendHistory) -> Floats:
    """100 (revenue - spend) / spend over the rows; 0 where nothing was spent."""
    spent, earned = history.spend.sum(axis=1), history.revenue.sum(axis=1)
    gain = 100 * (earned - spent)
    return np.asarray(np.divide(gain, spent, out=np.zeros_like(spent), where=spent > 0))


def spend_variation(spend: Floats, usable: Bools) -> Floats:
    """Coefficient of variation of each channel's spend over its rows."""
    count = np.maximum(usable.sum(axis=1), 1)
    mean = np.where(usable, spend, 0.0).sum(axis=1) / count
    gap = np.where(usable, spend - mean[:, None], 0.0)
    deviation = np.sqrt((gap * gap).sum(axis=1) / count)
    return np.asarray(np.divide(deviation, mean, out=np.zeros_like(mean), where=mean > 0))


def grade_channels(rows: Floats, variation: Floats, *, together: bool) -> tuple[Grade, ...]:
    """A grade a channel; never high where too few channels had to tell the season."""
    found = [evidence_grade(int(n), float(cv)) for n, cv in zip(rows, variation, strict=True)]
    return tuple("medium" if each == "high" and not together else each for each in found)
