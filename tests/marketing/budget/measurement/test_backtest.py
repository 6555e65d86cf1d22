"""Forecasts from the past alone."""

from datetime import date, timedelta

import numpy as np
import pytest

from marketing.budget.measurement import backtest
from marketing.budget.model.history import SpendHistory
from marketing.budget.planner.proposal import Backtest
from tests.benchmarks.budget_accounts import draw_account, spend_history


def test_a_steady_company_is_forecast_better_than_by_its_last_four_periods():
    found = backtest.rolling_backtest(spend_history(draw_account(1, 52).record))
    assert found is not None
    assert found.periods == 24
    assert found.wape_percent < found.naive_wape_percent
    assert found.coverage_percent >= 80
    assert found.healthy
    text = backtest.describe(found, 52)
    assert text.startswith("Over 24 past periods the forecast missed by")
    assert "better than" in text


def test_too_few_periods_have_no_backtest():
    assert backtest.rolling_backtest(spend_history(draw_account(1, 15).record)) is None
    assert backtest.describe(None, 15) == ("No backtest: 15 dated periods, below the 16 it needs.")


def test_a_company_whose_revenue_collapsed_is_not_healthy():
    held = spend_history(draw_account(1, 52).record)
    revenue = held.revenue.copy()
    revenue[:, 30:] /= 4
    found = backtest.rolling_backtest(
        SpendHistory(held.channels, held.dates, held.spend, revenue, held.seen)
    )
    assert found is not None
    assert not found.healthy
    assert "drifted" in backtest.describe(
        Backtest(30.0, 20.0, 70.0, 24, drifting=True, healthy=False), 52
    )


def test_the_season_ahead_is_last_years_where_that_was_nearer():
    wave = np.sin(2 * np.pi * np.arange(104) / 52)
    guess, season_variance = backtest.season_forecast(wave, 4)
    assert guess == pytest.approx(wave[52:56], abs=1e-9)
    assert season_variance == pytest.approx(0, abs=1e-9)


def test_the_season_ahead_is_the_last_weeks_where_years_differ_or_lack():
    rng = np.random.default_rng(0)
    drift = np.cumsum(rng.normal(0, 1, 104))
    guess, season_variance = backtest.season_forecast(drift, 4)
    assert guess == pytest.approx(np.full(4, drift[-4:].mean()))
    assert season_variance > 0
    assert backtest.season_forecast(np.zeros(3), 2)[1] == 0


def test_residuals_to_one_side_are_drift():
    assert backtest.has_drifted([1.2] * 10)
    assert backtest.has_drifted([-1.2] * 10)
    assert not backtest.has_drifted([1, -1] * 20)


def test_periods_without_a_row_do_not_count():
    held = spend_history(draw_account(1, 24).record)
    seen = held.seen.copy()
    seen[0, 20:] = False
    known = SpendHistory(held.channels, held.dates, held.spend * seen, held.revenue * seen, seen)
    found = backtest.forecast_fold(known, 20, ())
    assert found.actual == pytest.approx(known.revenue[:, 20:].sum(axis=0))
    assert held.dates[-1] == date(2023, 1, 2) + timedelta(weeks=23)
