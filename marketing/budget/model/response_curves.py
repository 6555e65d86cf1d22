"""Thirty-six response shapes, read from one factored table.

A shape G is revenue against spend x, in units of the channel's usual spend, scaled to G(1) = 1.
With five carry-over decays they make 180 nodes, over which `fit` spreads its weights. Shapes are
read from a table of log G over log x: linear between 4,001 points and beyond them, where each
shape is a power law (its elasticity tends to 1 or b, and to 0). The table is factored: 18 columns
hold all shapes to 2e-6, so a fit needs sums over 18 columns, not 36.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

METHOD_VERSION = "36 shapes x 5 decays, v1"
POWERS = np.array([0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])
HALVES = np.array([0.05, 0.1, 0.2, 0.4, 0.7, 1.2, 2.0, 4.0, 8.0, 16.0])
SCALES = np.array([0.3, 0.5, 0.8, 1.2, 2.0, 4.0, 8.0])
DECAYS = np.array([0.0, 0.2, 0.4, 0.6, 0.8])
DECAY_PRIOR = np.array([0.28, 0.26, 0.24, 0.16, 0.06])
MIN_LOG_X, MAX_LOG_X, TABLE_POINTS = np.log(1e-4), np.log(1e4), 4001
LOG_X_STEP = (MAX_LOG_X - MIN_LOG_X) / (TABLE_POINTS - 1)
RANK = 18


@dataclass(frozen=True, slots=True)
class Shapes:
    """The table: `basis` rows hold a column's value and its rise to the next point."""

    basis: Floats  # (POINTS - 1, 2 * RANK)
    mix: Floats  # (RANK, 36): log G = basis @ mix
    elasticity: Floats  # (36,) at x = 1
    prior: Floats  # (36,) adds up to 1


def log_shapes(u: Floats) -> Floats:
    """Exact log G of every shape at log x = u; one column for each shape."""
    x = np.exp(u)[:, None]
    saturating = np.log(x / (x + HALVES) * (1 + HALVES))
    exponential = np.log(np.expm1(-x / SCALES) / np.expm1(-1 / SCALES))
    logarithmic = np.log(np.log1p(x / HALVES) / np.log1p(1 / HALVES))
    return np.concatenate([u[:, None] * POWERS, saturating, exponential, logarithmic], axis=1)


def elasticities() -> Floats:
    """Elasticity of each shape at the usual spend: percent revenue for one percent spend."""
    saturating = HALVES / (1 + HALVES)
    exponential = (1 / SCALES) / np.expm1(1 / SCALES)
    logarithmic = 1 / ((1 + HALVES) * np.log1p(1 / HALVES))
    return np.concatenate([POWERS, saturating, exponential, logarithmic])


def shape_prior(centre: float = 0.55, spread: float = 0.26) -> Floats:
    """Prior of the shapes: a quarter for each family, elasticity near `centre`."""
    density = np.exp(-0.5 * ((elasticities() - centre) / spread) ** 2)
    families = np.split(density, np.cumsum([POWERS.size, HALVES.size, SCALES.size]))
    return np.concatenate([0.25 * each / each.sum() for each in families])


@lru_cache(maxsize=1)
def shapes() -> Shapes:
    """The factored table, computed once in a process in a few milliseconds."""
    u = np.linspace(MIN_LOG_X, MAX_LOG_X, TABLE_POINTS)
    exact = log_shapes(u)
    left, sizes, right = np.linalg.svd(exact, full_matrices=False)
    columns = left[:, :RANK] * sizes[:RANK]
    basis = np.concatenate([columns[:-1], np.diff(columns, axis=0)], axis=1)
    return Shapes(basis, right[:RANK], elasticities(), shape_prior())


def features(x: Floats, more: int = 0) -> Floats:
    """The table's columns at spends x > 0, shape (..., RANK); `features(x) @ mix` is log G.

    `more` adds that many uninitialised columns for the caller.
    """
    place = (np.log(x) - MIN_LOG_X) / LOG_X_STEP
    cell = np.clip(place.astype(np.intp), 0, TABLE_POINTS - 2)
    rows = shapes().basis[cell]
    columns = np.empty((*x.shape, RANK + more))
    np.multiply(rows[..., RANK:], (place - cell)[..., None], out=columns[..., :RANK])
    columns[..., :RANK] += rows[..., :RANK]
    return columns


def log_gain(x: Floats) -> Floats:
    """Log G of every shape at spends x > 0; shape (..., 36)."""
    return features(x) @ shapes().mix


def elasticity_at(x: Floats) -> Floats:
    """Elasticity of every shape at spends x > 0."""
    cell = np.clip(((np.log(x) - MIN_LOG_X) / LOG_X_STEP).astype(np.intp), 0, TABLE_POINTS - 2)
    return np.asarray(shapes().basis[cell, RANK:] @ shapes().mix / LOG_X_STEP)


@lru_cache(maxsize=4)
def carry_over_matrices(periods: int) -> Floats:
    """Matrices M with z = M x, one for each decay d: z_0 = x_0, z_t = (1 - d) x_t + d z_(t-1)."""
    lag = np.subtract.outer(np.arange(periods), np.arange(periods))
    weight = DECAYS[:, None, None] ** np.maximum(lag, 0) * (lag >= 0)
    weight[:, :, 1:] *= (1 - DECAYS)[:, None, None]
    return np.asarray(weight, dtype=np.float64)
