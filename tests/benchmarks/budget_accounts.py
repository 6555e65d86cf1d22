"""Simulated companies as requests, and the regret of plans for them."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from marketing.budget.model.fit import ChannelFit, fit_history
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.history import SpendHistory
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.model.response_curves import Floats
from marketing.budget.planner import planning
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.proposal_builder import BudgetAllocation
from marketing.budget.planner.request import BudgetRequest, PerformanceRow
from tests.benchmarks.budget_simulation import (
    MarketConditions,
    SimulatedHistory,
    Truth,
    draw_company,
    simulate_history,
)

FIRST = date(2023, 1, 2)
BUDGET = 10_000.0


@dataclass(frozen=True, slots=True)
class Account:
    """A simulated company: its true response, its history and its present mix."""

    truth: Truth
    record: SimulatedHistory
    current: Floats  # the mean mix, scaled to the budget

    def regret(self, plan: Floats, best: Floats) -> float:
        """Regret of a plan: percent of the best steady revenue that it loses."""
        return 100 * float(1 - self.truth.revenue(plan).sum() / self.truth.revenue(best).sum())

    def best(self, low: Floats, high: Floats) -> Floats:
        """The best division inside bounds, on 2,000 even points a channel."""
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, 2000)
        return water_fill(rank_segments(grid, self.truth.revenue(grid), self.current), BUDGET)[0]

    def best_of_all(self, total: float = BUDGET) -> Floats:
        """The best division without bounds, on 4,000 points dense near zero.

        S-shaped curves are filled along their upper hulls; at most one channel then ends inside
        a hull's straight part, so the true best is at most a little below what this brings.
        """
        points = total * (2001 ** np.linspace(0, 1, 4000) - 1) / 2000
        grid = np.broadcast_to(points, (self.current.size, 4000))
        value = np.stack([concave_hull(points, line) for line in self.truth.revenue(grid)])
        return water_fill(rank_segments(grid, value, self.current), total)[0]


def concave_hull(x: Floats, y: Floats) -> Floats:
    """The smallest concave function above the points (Andrew's monotone chain)."""
    slopes = np.diff(y) / np.diff(x)
    if (np.diff(slopes) <= 1e-9 * np.abs(slopes[:-1])).all():
        return y
    corners: list[int] = []
    for at in range(x.size):
        while len(corners) > 1 and _below(x, y, (corners[-2], corners[-1], at)):
            corners.pop()
        corners.append(at)
    return np.interp(x, x[corners], y[corners])


def _below(x: Floats, y: Floats, places: tuple[int, int, int]) -> bool:
    left, middle, right = places
    rise = (y[right] - y[left]) * (x[middle] - x[left])
    return bool((y[middle] - y[left]) * (x[right] - x[left]) <= rise)


def draw_account(
    seed: int,
    periods: int,
    channels: int = 6,
    *,
    conditions: MarketConditions | None = None,
    s_shaped: bool = False,
) -> Account:
    """Draw a company."""
    truth, rng = draw_company(seed, channels, s_shaped=s_shaped)
    record = simulate_history(truth, rng, periods, conditions or MarketConditions())
    mean = record.spend.mean(axis=1)
    return Account(truth, record, mean * BUDGET / mean.sum())


def names(size: int) -> tuple[str, ...]:
    """Channel names, in order."""
    return tuple(f"channel {at:04d}" for at in range(size))


def dates(periods: int) -> tuple[date, ...]:
    """Mondays."""
    return tuple(FIRST + timedelta(weeks=week) for week in range(periods))


def spend_history(record: SimulatedHistory) -> SpendHistory:
    """The simulated history as the input of a fit."""
    size, periods = record.spend.shape
    seen = np.ones(record.spend.shape, dtype=bool)
    return SpendHistory(names(size), dates(periods), record.spend, record.revenue, seen)


def request_for(account: Account) -> BudgetRequest:
    """A request with the rows of the company, around its mean mix."""
    size, periods = account.record.spend.shape
    days, channels = dates(periods), names(size)
    rows = tuple(
        PerformanceRow(channels[line], float(spent), float(earned), days[at])
        for line in range(size)
        for at, (spent, earned) in enumerate(
            zip(account.record.spend[line], account.record.revenue[line], strict=True)
        )
    )
    present = {
        name: Decimal(str(round(x, 6))) for name, x in zip(channels, account.current, strict=True)
    }
    return BudgetRequest(Decimal(10_000), rows, present=present, min_allocation_percent=Decimal(0))


def plan_with_bounds(account: Account) -> tuple[FittedModel, BudgetAllocation]:
    """Fit and allocation of the planner."""
    fitted = planning.prepare(request_for(account))
    return fitted, planning.allocate(fitted)


def allocate_without_bounds(found: ChannelFit, current: Floats, total: float = BUDGET) -> Floats:
    """An allocation without bounds, from a fit."""
    size = current.size
    grid = spend_grid(np.zeros(size), np.full(size, total), found.posterior.scale)
    return water_fill(rank_segments(grid, revenue(found.posterior, grid), current), total)[0]


def plan_without_bounds(account: Account, total: float = BUDGET) -> Floats:
    """An allocation without bounds, from the rows of an account."""
    return allocate_without_bounds(
        fit_history(spend_history(account.record)), account.current, total
    )
