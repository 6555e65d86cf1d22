"""Fit curves where only the company's total revenue is known."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from aethercrown.formatting import counted, number_text, percent_text, share_text
from marketing.budget.measurement import backtest as backtests
from marketing.budget.measurement.backtest import FORECAST_PERIODS, BacktestFold
from marketing.budget.model import aggregate, fitted_model
from marketing.budget.model.fit import Posterior
from marketing.budget.model.fitted_model import AlternativeFit, FittedModel
from marketing.budget.model.history import RECENT_PERIODS, SpendHistory, build_history
from marketing.budget.model.posterior_curves import revenue as expected_revenue
from marketing.budget.model.posterior_sampling import MIN_EFFECTIVE_SAMPLES, joint_draws
from marketing.budget.model.response_curves import Bools, Floats, Ints, shapes
from marketing.budget.model.totals import build_panel
from marketing.budget.planner.digest import draw_seed, request_digest
from marketing.budget.planner.proposal import FLAT, Backtest, Grade
from marketing.budget.planner.request import BudgetRequest
from marketing.budget.planner.uncertainty import Draws, draw_posterior

MAX_TOTAL_PERIODS = 260  # used in a fit
MAX_FOLDS = 13  # 52 weeks, so that yearly events are included
MAX_FOLDS_MANY_CHANNELS = 6  # for more than MANY_CHANNELS, whose fits are slow
MANY_CHANNELS = 12
MIN_PERIODS = 26
PLACEBO_SHIFT_PERIODS = 26
MIN_SPEND_CV = 0.1
MAX_CORRELATION = 0.9
MIN_PERIODS_PER_CHANNEL = 6
NOT_RANDOMISED = "Only total revenue is known: demand that spend follows can hide in it."


def fit_totals(request: BudgetRequest) -> FittedModel:
    """Fit a validated request; up to three further fits vary the assumptions."""
    name = request_digest(request)
    history, revenue, notes = build_totals_history(request)
    tried = history.spend.max(axis=1) > 0
    known_posterior, known_sample, ess = fit_posterior(request, history, revenue, draw_seed(name))
    posterior = fitted_model.with_new_channels(known_posterior, tried, request.period_budget)
    drawn = draw_posterior(posterior, draw_seed(name))  # independent, for channels never tried
    known = np.isfinite(revenue)
    rows = (history.spend > 0)[:, known].sum(axis=1).astype(np.float64)
    variation = fitted_model.spend_variation(history.spend, history.spend > 0)
    weaknesses = tuple(data_weaknesses(history, known, variation, ess))
    backtest = rolling_backtest(request, history, revenue)
    return FittedModel(
        request=request,
        mode="aggregate",
        history=history,
        posterior=posterior,
        sample=Draws(
            np.where(tried, known_sample.shape, drawn.shape),
            np.where(tried, known_sample.amplitude, drawn.amplitude),
        ),
        roi=modelled_roi(posterior, history),
        rows=rows,
        variation=variation,
        grades=evidence_grades(request, history, variation, weak=bool(weaknesses)),
        trends=(FLAT,) * len(history.channels),
        backtest=backtest,
        backtest_note=backtests.describe(
            backtest, int(known.sum()), MIN_PERIODS + FORECAST_PERIODS
        ),
        alternatives=alternative_fits(request, history, revenue, draw_seed(name)),
        other_reasons=(NOT_RANDOMISED,),
        notes=(*notes, *weaknesses, marketing_share_note(posterior, history, revenue)),
        digest=name,
    )


def build_totals_history(request: BudgetRequest) -> tuple[SpendHistory, Floats, tuple[str, ...]]:
    """Spend by date, the total revenue (T,) beside it (nan where unknown), and notes."""
    history, notes = build_history(request.rows, request.new_channels, {}, MAX_TOTAL_PERIODS)
    given = dict(request.total_revenue or ())
    return history, np.array([given.get(each, np.nan) for each in history.dates]), notes


def fit_posterior(
    request: BudgetRequest,
    history: SpendHistory,
    revenue: Floats,
    start: int,
    *,
    share_factor: float = 1.0,
) -> tuple[Posterior, Draws, float]:
    """Posterior, joint draws and their effective number; amplitude 0 for channels never tried."""
    tried = np.flatnonzero(history.spend.max(axis=1) > 0)
    given = build_panel(request, history.of(tried), revenue, share_factor=share_factor)
    found = aggregate.fit_panel(given)
    sample, ess = joint_draws(given, found, start)
    return *expand_to_all_channels(
        aggregate.posterior(given, found), sample, tried, len(history.channels)
    ), ess


def expand_to_all_channels(
    posterior: Posterior, sample: Draws, tried: Ints, size: int
) -> tuple[Posterior, Draws]:
    """The posterior and the draws with a row for every channel, tried or not."""
    if tried.size == size:
        return posterior, sample
    kinds = shapes().prior.size
    scale, weight = np.ones(size), np.tile(shapes().prior, (size, 1))
    amplitude, spread = np.zeros((size, kinds)), np.zeros((size, kinds))
    scale[tried], weight[tried] = posterior.scale, posterior.weight
    amplitude[tried], spread[tried] = posterior.amplitude, posterior.spread
    shape = np.zeros((len(sample.shape), size), dtype=np.intp)
    drawn = np.zeros((len(sample.shape), size))
    shape[:, tried], drawn[:, tried] = sample.shape, sample.amplitude
    return Posterior(scale, weight, amplitude, spread), Draws(shape, drawn)


def alternative_fits(
    request: BudgetRequest, history: SpendHistory, revenue: Floats, start: int
) -> dict[str, AlternativeFit]:
    """Fits with a third and three times marketing's share, and with revenue shifted in time."""
    found = {}
    for name, factor in (("share of revenue / 3", 1 / 3), ("share of revenue x 3", 3.0)):
        posterior, sample, _ = fit_posterior(request, history, revenue, start, share_factor=factor)
        found[name] = AlternativeFit(posterior, sample, own_plan=False)
    if np.isfinite(revenue).sum() >= 2 * PLACEBO_SHIFT_PERIODS:
        posterior, sample, _ = fit_posterior(
            request, history, np.roll(revenue, PLACEBO_SHIFT_PERIODS), start
        )
        found[f"revenue shifted by {PLACEBO_SHIFT_PERIODS} periods"] = AlternativeFit(
            posterior, sample, own_plan=True
        )
    return found


def data_weaknesses(
    history: SpendHistory, known: Bools, variation: Floats, ess: float
) -> Iterator[str]:
    """Warnings why these totals say little, each with its figure."""
    periods, active = int(known.sum()), history.spend.max(axis=1) > 0
    count = int(active.sum())
    if periods < MIN_PERIODS:
        yield f"Only {periods} periods: below {MIN_PERIODS} this method was not measured."
    if count > periods / MIN_PERIODS_PER_CHANNEL:
        yield (
            f"{counted(count, 'channel')} for {periods} periods: too many to tell apart. "
            "Test one channel's lift, or vary spends at random."
        )
    if active.any() and float(variation[active].max()) < MIN_SPEND_CV:
        yield (
            f"No channel's spend varied by more than {share_text(float(variation.max()))}: the "
            f"data say "
            "nothing of what another spend would bring. Vary spends at random."
        )
    correlation = largest_correlation(history.spend[active][:, known])
    if correlation > MAX_CORRELATION:
        yield (
            f"Two channels' spends rise and fall together (correlation "
            f"{number_text(float(correlation), 2)}): vary "
            "them apart, or test one channel's lift."
        )
    if ess < MIN_EFFECTIVE_SAMPLES:
        yield f"The draws agree badly with the data (effective number {number_text(float(ess))})."


def largest_correlation(spend: Floats) -> float:
    """The largest correlation between two channels' spends; 0 where there is none."""
    moving = spend[spend.std(axis=1) > 0]
    if len(moving) < 2:
        return 0.0
    return float(np.max(np.corrcoef(moving) - 2 * np.eye(len(moving))))


def evidence_grades(
    request: BudgetRequest, history: SpendHistory, variation: Floats, *, weak: bool
) -> tuple[Grade, ...]:
    """Grades by channel; high only for a channel with a lift test of its own."""
    tested = {each.channel for each in request.lift_tests}
    return tuple(
        "low" if weak or cv < MIN_SPEND_CV else "high" if channel in tested else "medium"
        for channel, cv in zip(history.channels, variation.tolist(), strict=True)
    )


def modelled_roi(posterior: Posterior, history: SpendHistory) -> Floats:
    """100 (modelled revenue - spend) / spend at the mean spend; 0 where nothing was spent."""
    spend = history.spend.mean(axis=1)
    gain = 100 * (expected_revenue(posterior, spend[:, None])[:, 0] - spend)
    active = history.spend.max(axis=1) > 0
    return np.asarray(np.divide(gain, spend, out=np.zeros_like(spend), where=active))


def marketing_share_note(posterior: Posterior, history: SpendHistory, revenue: Floats) -> str:
    """Which share of total revenue the model attributes to the channels."""
    brought = float(expected_revenue(posterior, history.spend.mean(axis=1)[:, None]).sum())
    percent = 100 * brought / float(np.nanmean(revenue))
    return (
        f"Expected revenue and lift are of the part that marketing brings, about "
        f"{percent_text(percent, 0)} "
        "of the total; returns are modelled, not reported by the channels."
    )


def rolling_backtest(
    request: BudgetRequest, history: SpendHistory, revenue: Floats
) -> Backtest | None:
    """Fit to the past, forecast the next four totals at the actual spend, move on by four."""
    places = np.flatnonzero(np.isfinite(revenue))
    most = MAX_FOLDS if len(history.channels) <= MANY_CHANNELS else MAX_FOLDS_MANY_CHANNELS
    starts = [places.size - FORECAST_PERIODS * back for back in range(most, 0, -1)]
    folds = [
        forecast_fold(request, history, revenue, places[start : start + FORECAST_PERIODS])
        for start in starts
        if start >= MIN_PERIODS
    ]
    return backtests.summarize(folds) if folds else None


def forecast_fold(
    request: BudgetRequest, history: SpendHistory, revenue: Floats, ahead: Ints
) -> BacktestFold:
    """Forecast the totals of the periods `ahead` from the periods before them."""
    upto = history.until(int(ahead[-1]) + 1)
    known = revenue[: int(ahead[-1]) + 1].copy()
    actual, known[ahead] = known[ahead], np.nan
    part = upto.of(np.flatnonzero(upto.spend.max(axis=1) > 0))
    tests = tuple(each for each in request.lift_tests if each.channel in part.channels)
    given = build_panel(replace(request, lift_tests=tests), part, known)
    found = aggregate.fit_panel(given)
    mean, sd = aggregate.predict(given, found, ahead)
    past = known[np.isfinite(known)]
    return BacktestFold(actual, mean, sd, float(past[-RECENT_PERIODS:].mean()))
