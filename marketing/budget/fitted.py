"""A question with its curves fitted: what every answer to it is read from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from marketing.budget import advice
from marketing.budget.backtest import in_words, rolling
from marketing.budget.bounds import EXPLORE
from marketing.budget.digest import digest, seed
from marketing.budget.evidence import Draws, draws, grade
from marketing.budget.fit import LEAST_CHANNELS, Posterior, fit
from marketing.budget.history import History, gather
from marketing.budget.proposal import Backtest, Grade, Trend
from marketing.budget.question import Question
from marketing.budget.response import Bools, Floats, shapes

NEW_SPREAD = 0.36  # variance of a new channel's log amplitude: an ROI off by a factor of 1.8


@dataclass(frozen=True, slots=True)
class Fitted:
    """Curves with their doubt, and the facts about the rows that a plan quotes."""

    question: Question
    mode: Literal["channels", "aggregate"]
    channels: tuple[str, ...]
    belief: Posterior
    sample: Draws
    recent: Floats  # (C,) mean spend of the last periods
    most: Floats  # (C,) largest spend of a period, 0 where never tried
    largest: float  # largest total of a period
    roi: Floats  # (C,) percent, over the rows
    rows: Floats  # (C,) that taught
    variation: Floats  # (C,) coefficient of variation of spend
    grades: tuple[Grade, ...]
    trends: tuple[Trend, ...]
    season_factor: float  # revenue of the window over that of a usual one
    backtest: Backtest | None
    backtest_note: str
    placebo: dict[str, float]
    weak: tuple[str, ...]  # reasons never to act alone
    notes: tuple[str, ...]
    digest: str

    def kept(self, question: Question) -> Floats:
        """The present mix scaled to the question's budget a period; equal without any."""
        held = self.recent
        if question.present is not None:
            held = np.array([float(question.present.get(each, 0)) for each in self.channels])
        if held.sum() <= 0:
            held = np.ones(len(self.channels))
        return held * (float(question.total) / question.budget_periods / held.sum())


def prepared(question: Question) -> Fitted:
    """Fit a checked question."""
    names = sorted({*question.new_channels, *question.constraints})
    history, notes = gather(question.rows, names, question.incrementality)
    found = fit(history, question.lift_tests)
    tried = history.spend.max(axis=1) > 0
    budget = float(question.total) / question.budget_periods
    belief = introduced(found.belief, tried, EXPLORE * budget / max(int((~tried).sum()), 1))
    name = digest(question)
    rows = found.usable.sum(axis=1).astype(np.float64)
    variation = varied(history.spend, found.usable)
    together = np.count_nonzero(found.usable.any(axis=1)) >= LEAST_CHANNELS
    backtest = rolling(history, question.lift_tests)
    return Fitted(
        question=question,
        mode="channels",
        channels=history.channels,
        belief=belief,
        sample=draws(belief, seed(name)),
        recent=history.present_spend(),
        most=history.spend.max(axis=1),
        largest=largest_total(history),
        roi=roi_percent(history),
        rows=rows,
        variation=variation,
        grades=graded(rows, variation, together=together or not history.dates),
        trends=advice.trends(found.residual, found.usable, dated=bool(history.dates)),
        season_factor=season_factor(history, found.season, question),
        backtest=backtest,
        backtest_note=in_words(backtest, len(history.dates)),
        placebo={},
        weak=(),
        notes=(*notes, *told(history, tried, together=together)),
        digest=name,
    )


def introduced(belief: Posterior, tried: Bools, amount: float) -> Posterior:
    """Channels never tried take the others' mean shape, at their lower quartile of ROI."""
    if tried.all() or not tried.any():
        return belief
    weight, amplitude = belief.weight.copy(), belief.amplitude.copy()
    spread, scale = belief.spread.copy(), belief.scale.copy()
    level = (weight * amplitude).sum(axis=1) / scale
    weight[~tried] = weight[tried].mean(axis=0)
    scale[~tried] = amount
    amplitude[~tried] = np.quantile(level[tried], 0.25) * amount
    spread[~tried] = NEW_SPREAD
    return Posterior(scale, weight, amplitude, spread)


def largest_total(history: History) -> float:
    """The most spent in one period; where periods have no dates, each channel's most."""
    if history.dates:
        return float(history.spend.sum(axis=0).max())
    return float(history.spend.max(axis=1).sum())


def roi_percent(history: History) -> Floats:
    """100 (revenue - spend) / spend over the rows; 0 where nothing was spent."""
    spent, earned = history.spend.sum(axis=1), history.revenue.sum(axis=1)
    gain = 100 * (earned - spent)
    return np.divide(gain, spent, out=np.zeros_like(spent), where=spent > 0)


def varied(spend: Floats, usable: Bools) -> Floats:
    """Coefficient of variation of each channel's spend over its rows."""
    count = np.maximum(usable.sum(axis=1), 1)
    mean = np.where(usable, spend, 0.0).sum(axis=1) / count
    gap = np.where(usable, spend - mean[:, None], 0.0)
    deviation = np.sqrt((gap * gap).sum(axis=1) / count)
    return np.divide(deviation, mean, out=np.zeros_like(mean), where=mean > 0)


def graded(rows: Floats, variation: Floats, *, together: bool) -> tuple[Grade, ...]:
    """A grade a channel; never high where too few channels had to tell the season."""
    found = [grade(int(n), float(cv)) for n, cv in zip(rows, variation, strict=True)]
    return tuple("medium" if each == "high" and not together else each for each in found)


def season_factor(history: History, season: Floats, question: Question) -> float:
    """Last year's season of the window planned for; 1 with less than 53 weeks of dates."""
    if not history.dates or not season.any():
        return 1.0
    gap = history.gap_days()
    days = np.array([each.toordinal() for each in history.dates], dtype=np.float64)
    if days[-1] - days[0] < 52 * 7:
        return 1.0
    first = days[-1] + gap if question.starts_on is None else question.starts_on.toordinal()
    window = first + gap * np.arange(question.budget_periods) - 364
    near = np.abs(days[:, None] - window).argmin(axis=0)
    close = np.abs(days[near] - window) <= gap / 2 + 1e-9
    return float(np.where(close, np.exp(season[near]), 1.0).mean())


def told(history: History, tried: Bools, *, together: bool) -> tuple[str, ...]:
    """What the reader must know about these rows."""
    notes = []
    new = [name for name, known in zip(history.channels, tried, strict=True) if not known]
    if new:
        notes.append(f"Never tried before: {', '.join(new)}; planned to explore.")
    if not tried.any():
        notes.append("No channel has ever been funded: an equal start, not a judgement.")
    if history.dates and not together:
        notes.append(
            f"Fewer than {LEAST_CHANNELS} channels: the season comes from the calendar alone, "
            "which is weaker evidence."
        )
    idle = [
        name
        for name, known, earned in zip(history.channels, tried, history.revenue, strict=True)
        if known and not earned.any()
    ]
    if idle:
        notes.append(f"Spent without any revenue: {', '.join(idle)}.")
    return tuple(notes)


def families() -> int:
    """How many shapes a curve may take."""
    return int(shapes().prior.size)
