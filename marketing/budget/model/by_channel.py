"""Fit curves to rows with revenue by channel."""

import numpy as np

from marketing.budget.measurement.backtest import describe, rolling_backtest
from marketing.budget.model import fitted_model, unknown_revenue
from marketing.budget.model.fit import MIN_SEASON_CHANNELS, ChannelFit, fit_history, residuals
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.history import SpendHistory, build_history
from marketing.budget.model.response_curves import Bools, Floats
from marketing.budget.planner import advice
from marketing.budget.planner.digest import draw_seed, request_digest
from marketing.budget.planner.proposal import FLAT, Grade, Trend
from marketing.budget.planner.request import BudgetRequest
from marketing.budget.planner.uncertainty import draw_posterior, evidence_grade


def fit_rows(request: BudgetRequest) -> FittedModel:
    """Fit a validated request."""
    names = sorted({*request.new_channels, *request.constraints})
    history, notes = build_history(request.rows, names, request.incrementality)
    found = fit_history(history, request.lift_tests)
    tried = history.spend.max(axis=1) > 0
    learnt = np.asarray(found.usable.any(axis=1))
    posterior = fitted_model.with_new_channels(found.posterior, learnt, request.period_budget)
    name = request_digest(request)
    rows = found.usable.sum(axis=1).astype(np.float64)
    variation = fitted_model.spend_variation(history.spend, found.usable)
    roi = fitted_model.roi_percent(history)
    together = int(np.count_nonzero(found.usable.any(axis=1))) >= MIN_SEASON_CHANNELS
    # few channels do not determine the season well enough for the best grade
    best: Grade = "high" if together or not history.dates else "medium"
    complete = history.complete()
    backtest = rolling_backtest(complete, request.lift_tests)
    grades = (evidence_grade(*each, best) for each in zip(rows, variation, strict=True))
    return FittedModel(
        request=request,
        mode="channels",
        history=history,
        posterior=posterior,
        sample=draw_posterior(posterior, draw_seed(name)),
        roi=roi,
        rows=rows,
        variation=variation,
        grades=unknown_revenue.lowered(tuple(grades), history),
        trends=channel_trends(found, history),
        season_factor=season_factor(history, found.season, request),
        backtest=backtest,
        backtest_note=describe(backtest, len(complete.dates)),
        notes=(
            *notes,
            *history_notes(history, tried, together=together),
            *unknown_revenue.warnings(history, roi, request.currency),
        ),
        other_reasons=unknown_revenue.reasons_against(history),
        digest=name,
    )


def channel_trends(found: ChannelFit, history: SpendHistory) -> tuple[Trend, ...]:
    """Each channel's trend over its last dates; flat without dates."""
    if not history.dates:
        return (FLAT,) * len(history.channels)
    left = residuals(found, history, advice.TREND_PERIODS)
    return advice.trends(left, found.usable[:, -advice.TREND_PERIODS :])


def season_factor(history: SpendHistory, season: Floats, request: BudgetRequest) -> float:
    """Last year's season in the planned window; 1 with less than 53 weeks of dates."""
    if not history.dates or not season.any():
        return 1.0
    gap = history.gap_days()
    days = np.array([each.toordinal() for each in history.dates], dtype=np.float64)
    if days[-1] - days[0] < 52 * 7:
        return 1.0
    first = days[-1] + gap if request.starts_on is None else request.starts_on.toordinal()
    window = first + gap * np.arange(request.budget_periods) - 364
    near = np.abs(days[:, None] - window).argmin(axis=0)
    close = np.abs(days[near] - window) <= gap / 2 + 1e-9
    return float(np.where(close, np.exp(season[near]), 1.0).mean())


def history_notes(history: SpendHistory, tried: Bools, *, together: bool) -> tuple[str, ...]:
    """Notes on these rows for the reader of the plan."""
    notes = []
    new = [name for name, known in zip(history.channels, tried, strict=True) if not known]
    if new:
        notes.append(f"Never tried before: {', '.join(new)}; planned to explore.")
    if not tried.any():
        notes.append("No channel has ever been funded: an equal start, not a judgement.")
    if history.dates and not together:
        notes.append(
            f"Fewer than {MIN_SEASON_CHANNELS} channels: the season comes from the calendar alone, "
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
