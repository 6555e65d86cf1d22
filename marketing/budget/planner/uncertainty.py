"""Uncertainty of a plan: posterior draws, their lift, their own plans, and evidence grades."""

from dataclasses import dataclass

import numpy as np

from marketing.budget.model.fit import Posterior
from marketing.budget.model.posterior_curves import shape_gains
from marketing.budget.model.response_curves import Floats, Ints
from marketing.budget.planner.allocation import spend_grid
from marketing.budget.planner.proposal import Grade, Interval

DRAW_COUNT, PLAN_DRAWS, COARSE_GRID_POINTS = 400, 64, 32
MAX_SEGMENTS_AT_ONCE = 1_000_000  # sorted at a time, so that thousands of channels fit into memory
WEAK_ROWS, STRONG_ROWS, WEAK_CV, STRONG_CV = 8, 26, 0.05, 0.2


@dataclass(frozen=True, slots=True)
class Draws:
    """Posterior draws: a shape and an amplitude for each draw and channel, (N, C)."""

    shape: Ints
    amplitude: Floats

    def of(self, some: Ints, count: int) -> "Draws":
        """The first `count` draws of some of the channels, by index."""
        return Draws(self.shape[:count, some], self.amplitude[:count, some])

    def revenue(self, posterior: Posterior, spend: Floats) -> Floats:
        """Revenue (N, C, S) at spends (C, S)."""
        gain = shape_gains(posterior, spend).transpose(0, 2, 1)
        lines = np.arange(len(spend))
        return np.asarray(gain[lines, self.shape] * self.amplitude[..., None])


def draw_posterior(posterior: Posterior, seed: int) -> Draws:
    """DRAW_COUNT draws, independent between channels; equal seeds give equal draws."""
    rng = np.random.default_rng(seed)
    probability = np.cumsum(posterior.weight, axis=1)
    size = len(probability)
    point = rng.random((DRAW_COUNT, size)) * probability[:, -1]
    shape = (point[:, :, None] > probability[None]).sum(axis=2)
    lines = np.arange(size)
    noise = rng.standard_normal((DRAW_COUNT, size)) * np.sqrt(posterior.spread[lines, shape])
    return Draws(shape, posterior.amplitude[lines, shape] * np.exp(noise))


def lift_draws(
    sample: Draws, posterior: Posterior, plan: Floats, current: Floats
) -> tuple[Floats, Floats]:
    """Lift over the present mix and revenue of the plan, for each draw (N,), money a period."""
    money = sample.revenue(posterior, np.stack([plan, current], axis=1)).sum(axis=1)
    return money[:, 0] - money[:, 1], money[:, 0]


def interval(values: Floats) -> Interval:
    """The median and the bounds of the middle 90 %."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Interval(float(middle), float(low), float(high))


def widen(values: Interval, factor: float) -> Interval:
    """The interval widened by a factor, for a budget beyond the history."""
    return Interval(
        values.estimate,
        values.estimate - (values.estimate - values.low) * factor,
        values.estimate + (values.high - values.estimate) * factor,
    )


def within(values: Interval, least: float, most: float) -> Interval:
    """The interval without what lies beyond the limits."""
    parts = (values.estimate, values.low, values.high)
    return Interval(*(min(max(each, least), most) for each in parts))


def lift_probability(gain: Floats, revenue: Floats) -> float:
    """Share of draws with a lift; draws without any difference count one half."""
    clear = np.abs(gain) > 1e-9 * np.maximum(np.abs(revenue), 1e-300)
    return float(np.where(clear, gain > 0, 0.5).mean())


def plans_by_draw(
    sample: Draws, posterior: Posterior, low: Floats, high: Floats, total: float
) -> Floats:
    """The optimal plan of each of the first PLAN_DRAWS draws, (N, C), money a period."""
    grid = spend_grid(low, high, posterior.scale, COARSE_GRID_POINTS)
    some = Draws(sample.shape[:PLAN_DRAWS], sample.amplitude[:PLAN_DRAWS])
    value = some.revenue(posterior, grid)
    step = max(1, MAX_SEGMENTS_AT_ONCE // grid.size)
    spare = total - float(low.sum())
    parts = [
        water_fill_draws(value[at : at + step], grid, spare) for at in range(0, len(value), step)
    ]
    return np.asarray(low + np.concatenate(parts))


def water_fill_draws(value: Floats, grid: Floats, spare: float) -> Floats:
    """Water-filling of `spare` above the lower bounds, for each draw (N, C)."""
    length = np.diff(grid, axis=1)
    rise = np.maximum(np.diff(value, axis=2), 0.0)
    slope = np.divide(rise, length, out=np.zeros_like(rise), where=length > 0)
    slope = np.minimum.accumulate(slope, axis=2).reshape(len(slope), -1)
    order = np.argsort(-slope, axis=1, kind="stable")
    sorted_length = length.ravel()[order]
    before = np.cumsum(sorted_length, axis=1) - sorted_length
    taken = np.clip(spare - before, 0.0, sorted_length)
    spent = np.zeros_like(slope)
    np.put_along_axis(spent, order, taken, axis=1)
    return np.asarray(spent.reshape(len(slope), *length.shape).sum(axis=2))


def evidence_grade(rows: float, variation: float, best: Grade = "high") -> Grade:
    """Grade, at most `best`, by the number of rows and the variation of the spend."""
    if rows < WEAK_ROWS or variation < WEAK_CV:
        return "low"
    return best if rows >= STRONG_ROWS and variation >= STRONG_CV else "medium"
