"""Curves from rows that say what each channel brought."""

import numpy as np

from marketing.budget.measurement.backtest import in_words, rolling
from marketing.budget.model.fit import LEAST_CHANNELS, Fit, fit, unexplained
from marketing.budget.model.fitted_model import (
    Fitted,
    graded,
    introduced,
    largest_total,
    roi_percent,
    varied,
)
from marketing.budget.model.history import History, gather
from marketing.budget.model.response import Bools, Floats
from marketing.budget.planner import advice
from marketing.budget.planner.bounds import EXPLORE
from marketing.budget.planner.digest import digest, seed
from marketing.budget.planner.proposal import Trend
from marketing.budget.planner.request import Question
from marketing.budget.planner.uncertainty import draws


def from_rows(question: Question) -> Fitted:
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
    together = int(np.count_nonzero(found.usable.any(axis=1))) >= LEAST_CHANNELS
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
        trends=trends(found, history),
        season_factor=season_factor(history, found.season, question),
        backtest=backtest,
        backtest_note=in_words(backtest, len(history.dates)),
        others={},
        weak=(),
        notes=(*notes, *told(history, tried, together=together)),
        digest=name,
    )


def trends(found: Fit, history: History) -> tuple[Trend, ...]:
    """Each channel's drift over its last dates; none without dates."""
    if not history.dates:
        return advice.still(len(history.channels))
    left = unexplained(found, history, advice.TREND_PERIODS)
    return advice.trends(left, found.usable[:, -advice.TREND_PERIODS :])


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
