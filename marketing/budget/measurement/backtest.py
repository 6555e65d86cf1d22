"""Rolling backtest: accuracy, coverage and drift of forecasts from past data only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aethercrown.formatting import counted, percent_text
from marketing.budget.model.fit import adstocked, expected_log_revenue, fit_history
from marketing.budget.model.history import RECENT_PERIODS, SpendHistory
from marketing.budget.model.response_curves import Floats
from marketing.budget.planner.proposal import Backtest
from marketing.budget.planner.request import LiftTestResult

MAX_FOLDS, FORECAST_PERIODS, MIN_PERIODS = 6, 4, 16
NORMAL_90 = 1.6449
MIN_COVERAGE_PERCENT = 80.0
SLACK_K, LIMIT_H = 0.5, 5.0  # CUSUM (Page, 1954), in standard deviations


@dataclass(frozen=True, slots=True)
class BacktestFold:
    """Total revenue of one fold's periods: actual, forecast, and the naive forecast."""

    actual: Floats
    mean: Floats
    sd: Floats
    naive: float


def rolling_backtest(
    history: SpendHistory, tests: Sequence[LiftTestResult] = ()
) -> Backtest | None:
    """Fit to the past, forecast four periods at the actual spend, move on by four.

    None where there are no dates or fewer than 16 of them.
    """
    periods = len(history.dates)
    starts = [periods - FORECAST_PERIODS * back for back in range(MAX_FOLDS, 0, -1)]
    starts = [each for each in starts if each >= MIN_PERIODS - FORECAST_PERIODS]
    return summarize([forecast_fold(history, each, tests) for each in starts]) if starts else None


def forecast_fold(
    history: SpendHistory, start: int, tests: Sequence[LiftTestResult]
) -> BacktestFold:
    """Forecast the periods from `start` on, from the periods before it."""
    past = history.until(start)
    known = fit_history(past, tests)
    part = slice(start, start + FORECAST_PERIODS)
    x = history.spend[:, : start + FORECAST_PERIODS] / known.posterior.scale[:, None]
    adstock = adstocked(x, history.seen[:, : start + FORECAST_PERIODS], dated=True)[..., start:]
    live = history.usable[:, part]
    season, season_variance = season_forecast(known.season, adstock.shape[2])
    mean = np.exp(expected_log_revenue(known.joint, known.level, adstock) + season)
    mean = np.where(live, mean * np.exp(known.noise**2 / 2)[:, None], 0.0)
    rows = np.maximum(known.usable.sum(axis=1), 1)[:, None]
    own = (mean**2 * (known.noise**2)[:, None] * (1 + 1 / rows)).sum(axis=0)
    total = mean.sum(axis=0)
    actual = np.where(live, history.revenue[:, part], 0.0).sum(axis=0)
    naive = np.where(past.usable, past.revenue, 0.0).sum(axis=0)[-RECENT_PERIODS:].mean()
    return BacktestFold(actual, total, np.sqrt(own + total**2 * season_variance), float(naive))


def season_forecast(season: Floats, periods: int) -> tuple[Floats, float]:
    """The next periods' season, by last year's or the last weeks (the better), and its variance."""
    recent = np.full(periods, season[-RECENT_PERIODS:].mean())
    steps = np.array(
        [
            season[at] - season[at - RECENT_PERIODS : at].mean()
            for at in range(RECENT_PERIODS, season.size)
        ]
    )
    season_variance = float(np.mean(steps**2)) if steps.size else 0.0
    if season.size < 52 + RECENT_PERIODS:
        return recent, season_variance
    years = season[52:] - season[:-52]
    if float(np.mean(years**2)) > season_variance:
        return recent, season_variance
    return np.resize(season[season.size - 52 :], periods), float(np.mean(years**2))


def summarize(folds: Sequence[BacktestFold]) -> Backtest:
    """WAPE beside that of the naive forecast, coverage, drift, and whether all are healthy."""
    actual = np.concatenate([each.actual for each in folds])
    mean = np.concatenate([each.mean for each in folds])
    sd = np.maximum(np.concatenate([each.sd for each in folds]), 1e-300)
    naive = np.concatenate([np.full(each.actual.size, each.naive) for each in folds])
    whole = max(float(np.abs(actual).sum()), 1e-300)
    wape = 100 * float(np.abs(actual - mean).sum()) / whole
    simple = 100 * float(np.abs(actual - naive).sum()) / whole
    inside = np.abs(actual - mean) <= NORMAL_90 * sd
    coverage = 100 * float(inside.mean())
    drift = has_drifted((actual - mean) / sd)
    healthy = coverage >= MIN_COVERAGE_PERCENT and wape <= simple and not drift
    return Backtest(wape, simple, coverage, actual.size, drift, healthy)


def has_drifted(residuals: Sequence[float] | Floats) -> bool:
    """Whether the CUSUM of standardised residuals left its limits (Page, 1954)."""
    up = down = 0.0
    for each in residuals:
        up = max(0.0, up + float(each) - SLACK_K)
        down = max(0.0, down - float(each) - SLACK_K)
        if max(up, down) > LIMIT_H:
            return True
    return False


def describe(found: Backtest | None, periods: int, needed: int = MIN_PERIODS) -> str:
    """The backtest in a sentence; without one, that it has fewer periods than it needs."""
    if found is None:
        return f"No backtest: {counted(periods, 'dated period')}, below the {needed} it needs."
    against = "better" if found.wape_percent <= found.naive_wape_percent else "worse"
    text = (
        f"Over {found.periods} past periods the forecast missed by "
        f"{percent_text(found.wape_percent)}, "
        f"{against} than the {percent_text(found.naive_wape_percent)} of the last four periods' "
        f"mean; "
        f"its 90% interval held {percent_text(found.coverage_percent, 0)}."
    )
    return text + " Its errors have drifted to one side." * found.drifting
