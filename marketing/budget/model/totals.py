"""Data and priors of the model of total revenue.

    R_t / mean R = z_t'g + sum over channels of A_c G_n(adstocked spend of c) + noise

z is the baseline (level, trend, year, calendar flags), with a prior on each coefficient. The
priors of log A come from the platforms' own ROI figures, shrunk, or from a typical share of
revenue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from marketing.budget.model.history import SpendHistory
from marketing.budget.model.response_curves import (
    DECAY_PRIOR,
    Bools,
    Floats,
    carry_over_matrices,
    features,
    log_gain,
    shapes,
)
from marketing.budget.planner.request import BudgetRequest, LiftTestResult

BASELINE_SHARE, BASELINE_SHARE_SD, TREND_SD, WAVE_SD, FLAG_SD = 0.6, 0.3, 0.3, 0.3, 0.6
MARKETING_SHARE, MAX_BLIND_ROI = 0.35, 4.0  # prior without platform figures: share of revenue, ROI
PLATFORM_DISCOUNT = 0.7  # mean ratio of true ROI to the ROI that platforms report
MIN_RELATIVE_SPEND = 1e-6


@dataclass(frozen=True, slots=True)
class Baseline:
    """The model of revenue without marketing: columns (T, p) and their priors (p,)."""

    columns: Floats
    centre: Floats
    sd: Floats


@dataclass(frozen=True, slots=True)
class Prior:
    """log A_c ~ N(centre + mu, own^2), mu ~ N(0, shared^2), times the lift tests' terms."""

    centre: Floats  # (C,)
    own: Floats  # (C,)
    shared: float
    precision: Floats  # (C,) of the lift tests
    target: Floats  # (C, 36) log A that they say, by shape


@dataclass(frozen=True, slots=True)
class Panel:
    """Input of the fit; only `scale` and `mean` are in money."""

    node_gain: Floats  # (C, 180, T) gain G of each node
    y: Floats  # (T,) revenue over its mean
    known: Bools  # (T,) periods whose revenue is known
    base: Baseline
    prior: Prior
    scale: Floats  # (C,)
    mean: float


def build_panel(
    request: BudgetRequest, history: SpendHistory, revenue: Floats, *, share_factor: float = 1.0
) -> Panel:
    """The panel of a history and its total revenue (T,), nan where unknown."""
    known = np.isfinite(revenue)
    mean = float(revenue[known].mean())
    active = np.maximum((history.spend > 0).sum(axis=1), 1)
    scale = history.spend.sum(axis=1) / active
    node_gain = node_gains(history.spend / scale[:, None])
    share = min(
        MARKETING_SHARE, MAX_BLIND_ROI * history.spend[:, known].sum() / revenue[known].sum()
    )
    earned = share * share_factor * revenue[known].sum()
    blind = earned / history.spend[:, known].sum()
    log_roi, own, shared = roi_prior(request.platform_roi, history.channels, blind, share_factor)
    test_terms = lift_test_terms(request.lift_tests, history.channels, scale, mean)
    prior = Prior(log_roi + np.log(scale / mean), own, shared, *test_terms)
    base = build_baseline(history.dates, request.controls)
    return Panel(node_gain, np.where(known, revenue / mean, 0.0), known, base, prior, scale, mean)


def node_gains(x: Floats) -> Floats:
    """G of every decay and shape at relative spends (C, T): (C, 180, T), decays first."""
    matrices = carry_over_matrices(x.shape[1]).transpose(0, 2, 1)
    adstock = np.maximum(np.matmul(x, matrices), MIN_RELATIVE_SPEND)
    gain = np.exp(features(adstock) @ shapes().mix)  # (D, C, T, 36)
    ordered = gain.transpose(1, 0, 3, 2)
    return np.ascontiguousarray(ordered.reshape(len(x), -1, x.shape[1]))


def node_prior() -> Floats:
    """Log prior of the 180 nodes, decays first."""
    return np.asarray(np.log(np.outer(DECAY_PRIOR, shapes().prior)).ravel())


def build_baseline(dates: Sequence[date], controls: Mapping[str, Mapping[date, float]]) -> Baseline:
    """Level, trend from 12 periods, year waves from 26 and 40 weeks, controls as given.

    A control of zeros and ones is a calendar flag; any other is standardised.
    """
    days = np.array([each.toordinal() for each in dates], dtype=np.float64)
    weeks = (days - days[0]) / 7
    periods = len(dates)
    parts = [(np.ones(periods), BASELINE_SHARE, BASELINE_SHARE_SD)]
    if periods >= 12:
        parts.append((2 * weeks / max(weeks[-1], 1e-9) - 1, 0.0, TREND_SD))
    for order, least in ((1, 26), (2, 40)):
        if weeks[-1] >= least - 1:
            angle = 2 * np.pi * order * days / 364
            parts += [(each(angle), 0.0, WAVE_SD / order) for each in (np.sin, np.cos)]
    for name in sorted(controls):
        parts.append(control_column(np.array([controls[name].get(each, 0.0) for each in dates])))
    columns, centre, sd = zip(*parts, strict=True)
    return Baseline(np.stack(columns, axis=1), np.array(centre), np.array(sd))


def control_column(values: Floats) -> tuple[Floats, float, float]:
    """One control column with its prior."""
    if np.isin(values, (0.0, 1.0)).all():
        return values, 0.0, FLAG_SD
    return (values - values.mean()) / (values.std() or 1.0), 0.0, WAVE_SD


def roi_prior(
    platform: Mapping[str, float], channels: Sequence[str], blind: float, factor: float
) -> tuple[Floats, Floats, float]:
    """Log ROI by channel, its own standard deviation, and the shared one.

    Platform figures are scaled down and shrunk half-way to their mean: unshrunk, plans claimed a
    probability of .86 that was .63. Without them every channel has the `blind` ROI.
    """
    claimed = np.array([platform.get(each, np.nan) for each in channels])
    is_reported = np.isfinite(claimed)
    if not is_reported.any():
        return np.full(len(channels), np.log(blind)), np.full(len(channels), 0.5), 0.7
    logs = np.log(claimed[is_reported])
    log_roi = np.full(len(channels), np.log(PLATFORM_DISCOUNT * factor) + logs.mean())
    log_roi[is_reported] += (logs - logs.mean()) / 2
    return log_roi, np.where(is_reported, 0.4, 0.5), 0.6


def lift_test_terms(
    tests: Sequence[LiftTestResult], channels: Sequence[str], scale: Floats, mean: float
) -> tuple[Floats, Floats]:
    """Precision (C,) of the tests' log A, and that log A for each shape (C, 36)."""
    precision = np.zeros(len(channels))
    target = np.zeros((len(channels), shapes().prior.size))
    for test in tests:
        line = list(channels).index(test.channel)
        gain = log_gain(np.array([test.spend / scale[line]]))[0]
        weight = (test.revenue / test.sd) ** 2
        target[line] += weight * (np.log(test.revenue / mean) - gain)
        precision[line] += weight
    return precision, target / np.maximum(precision, 1e-300)[:, None]
