"""Peers with the same rows: rules of thumb, SLSQP and least squares."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, minimize

from marketing.budget.model.response_curves import Floats


def projected(wish: Floats, low: Floats, high: Floats, total: float) -> Floats:
    """Scale an allocation and clip it to the bounds so that it adds up to the total."""
    wish = np.maximum(wish, 1e-12) * total / wish.sum()
    few, many = 1e-9, 1e9
    for _ in range(100):
        middle = np.sqrt(few * many)
        if np.clip(wish * middle, low, high).sum() > total:
            many = middle
        else:
            few = middle
    return np.asarray(np.clip(wish * few, low, high))


def by_roi(spend: Floats, revenue: Floats) -> Floats:
    """In proportion to each channel's return."""
    return np.asarray(revenue.sum(axis=1) / spend.sum(axis=1))


def by_spend_and_roi(spend: Floats, revenue: Floats) -> Floats:
    """In proportion to spend times the square of the return."""
    return np.asarray(spend.sum(axis=1) * by_roi(spend, revenue) ** 2)


def least_squares(spend: Floats, total: Floats) -> Floats:
    """Spend times the return that a regression of the total with trend and season gives."""
    time = np.arange(total.size)
    waves = [wave(2 * np.pi * order * time / 52) for order in (1, 2) for wave in (np.sin, np.cos)]
    table = np.column_stack([np.ones(total.size), time / total.size, *waves, *spend])
    slope = np.linalg.lstsq(table, total, rcond=None)[0][-len(spend) :]
    return np.asarray(spend.mean(axis=1) * np.maximum(slope, 0.0))


def slsqp(
    revenue: Callable[[Floats], float], start: Floats, low: Floats, high: Floats, total: float
) -> Floats:
    """Sequential quadratic programming on a given curve."""
    unit, first = np.ones((1, start.size)), revenue(start)

    def loss(share: Floats) -> float:
        return -revenue(share * total) / first

    found = minimize(
        loss,
        start / total,
        method="SLSQP",
        bounds=Bounds(low / total, high / total),
        constraints=LinearConstraint(unit, 1.0, 1.0),
        options={"maxiter": 200, "ftol": 1e-10},
    )
    return np.asarray(np.clip(found.x * total, low, high))
