"""Simulated companies with a known true response, and their history."""

from dataclasses import dataclass

import numpy as np

from marketing.budget.model.response_curves import Floats, Ints


@dataclass(frozen=True, slots=True)
class Truth:
    """Channels of four kinds of curve; `usual` spend adds up to 10,000 a period."""

    kind: Ints
    usual: Floats
    roi: Floats
    b: Floats
    k: Floats
    n: Floats
    theta: Floats

    def raw(self, x: Floats) -> Floats:
        """Unscaled gain at x times the usual spend; channels first."""
        shape = (-1,) + (1,) * (x.ndim - 1)
        kind = self.kind.reshape(shape)
        b, k, n = (each.reshape(shape) for each in (self.b, self.k, self.n))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.select(
                [kind == 0, kind == 1, kind == 2],
                [x**b, x**n / (x**n + k**n), 1 - np.exp(-x / k)],
                np.log1p(x / k),
            )

    def revenue(self, spend: Floats) -> Floats:
        """Revenue a period at these spends; channels first."""
        shape = (-1,) + (1,) * (spend.ndim - 1)
        usual, roi = self.usual.reshape(shape), self.roi.reshape(shape)
        return usual * roi * self.raw(spend / usual) / self.raw(np.ones_like(usual))


@dataclass(frozen=True, slots=True)
class SimulatedHistory:
    """Spend and revenue (C, T) with the season that drove both."""

    spend: Floats
    revenue: Floats
    season: Floats


@dataclass(frozen=True, slots=True)
class MarketConditions:
    """Variation of spend, noise and season; with `chase` spend follows the season."""

    cv: float = 0.3
    noise: float = 0.2
    amp: float = 0.0
    chase: float = 0.0


def draw_company(
    seed: int, channels: int = 6, *, s_shaped: bool = False
) -> tuple[Truth, np.random.Generator]:
    """Draw a company; the generator is used again for its history."""
    rng = np.random.default_rng(1000 + seed)
    kind = rng.integers(0, 4, channels)
    usual = np.exp(rng.normal(0, 0.8, channels))
    usual *= 10_000 / usual.sum()
    roi = np.exp(rng.normal(np.log(3), 0.5, channels))
    b = rng.uniform(0.3, 0.9, channels)
    k = np.exp(rng.uniform(np.log(0.2), np.log(4), channels))
    n = rng.uniform(1.5, 2.5, channels) if s_shaped else rng.uniform(0.6, 1, channels)
    theta = rng.uniform(0, 0.6, channels)
    return Truth(kind, usual, roi, b, k, n, theta), rng


def simulate_history(
    truth: Truth, rng: np.random.Generator, periods: int, conditions: MarketConditions
) -> SimulatedHistory:
    """Weekly rows."""
    size = (truth.usual.size, periods)
    season = conditions.amp * np.sin(
        2 * np.pi * np.arange(periods) / 52 + rng.uniform(0, 2 * np.pi)
    )
    usual = truth.usual[:, None]
    spend = usual * np.exp(
        conditions.cv * rng.normal(size=size) - conditions.cv**2 / 2 + conditions.chase * season
    )
    adstock = spend.copy()
    for t in range(1, periods):
        adstock[:, t] = (1 - truth.theta) * spend[:, t] + truth.theta * adstock[:, t - 1]
    revenue = truth.revenue(adstock) * np.exp(season + conditions.noise * rng.normal(size=size))
    return SimulatedHistory(spend, revenue, season)
