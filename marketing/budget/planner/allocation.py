"""Water-filling: money goes to the segments with the highest marginal return (Gibbs, 1876)."""

from dataclasses import dataclass

import numpy as np

from marketing.budget.model.response_curves import Floats, Ints

GRID_POINTS = 128
SLOPE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class RankedSegments:
    """The curves of all channels as linear segments from floor to ceiling, steepest first."""

    floor: Floats  # (C,)
    ceiling: Floats  # (C,)
    channel: Ints  # (S,) index
    slope: Floats  # (S,) revenue per unit of money, not increasing
    length: Floats  # (S,) money
    current: Floats  # (C,) the present mix, by which ties are divided


def spend_grid(floor: Floats, ceiling: Floats, scale: Floats, points: int = GRID_POINTS) -> Floats:
    """Spends (C, points) from floor to ceiling, evenly spaced in log(1 + 50 a / scale)."""
    low, high = np.log1p(50 * floor / scale), np.log1p(50 * ceiling / scale)
    segments = np.linspace(0.0, 1.0, points)
    grid = np.expm1(low[:, None] + (high - low)[:, None] * segments) * (scale / 50)[:, None]
    grid[:, 0], grid[:, -1] = floor, ceiling
    return np.clip(grid, floor[:, None], ceiling[:, None])


def rank_segments(grid: Floats, value: Floats, current: Floats) -> RankedSegments:
    """Sort the segments of concave curves given by `value` at the spends `grid` (C, S)."""
    length = np.diff(grid, axis=1)
    rise = np.diff(value, axis=1)
    slope = np.divide(rise, length, out=np.zeros_like(rise), where=length > 0)
    slope = np.minimum.accumulate(np.maximum(slope, 0.0), axis=1)
    channel = np.repeat(np.arange(len(grid)), length.shape[1])
    order = np.argsort(-slope.ravel(), kind="stable")
    order = order[length.ravel()[order] > 0]
    return RankedSegments(
        grid[:, 0].copy(),
        grid[:, -1].copy(),
        channel[order],
        slope.ravel()[order],
        length.ravel()[order],
        current,
    )


def water_fill(segments: RankedSegments, total: float) -> tuple[Floats, float]:
    """Allocate `total` (C,); also the marginal return, the slope of the last segment used."""
    room = total - float(segments.floor.sum())
    if room <= 0 or segments.slope.size == 0:
        return segments.floor.copy(), float(segments.slope[0]) if segments.slope.size else 0.0
    after = np.cumsum(segments.length)
    last = min(int(np.searchsorted(after, room, side="left")), segments.slope.size - 1)
    first, end = tied_segments(segments, last)
    spent = segments.floor + money_by_channel(segments, slice(0, first))
    left = room - (float(after[first - 1]) if first else 0.0)
    spent += divide_tie(left, money_by_channel(segments, slice(first, end)), segments.current)
    return spent, float(segments.slope[last])


def money_by_channel(segments: RankedSegments, part: slice) -> Floats:
    """Length of a run of segments, summed by channel (C,)."""
    size = len(segments.floor)
    return np.bincount(segments.channel[part], segments.length[part], minlength=size).astype(
        np.float64
    )


def tied_segments(segments: RankedSegments, last: int) -> tuple[int, int]:
    """First and end index of the segments with the same slope as segment `last`."""
    margin = SLOPE_TOLERANCE * float(segments.slope[last])
    first = int(np.searchsorted(-segments.slope, -(segments.slope[last] + margin), side="left"))
    end = int(np.searchsorted(-segments.slope, -(segments.slope[last] - margin), side="right"))
    return first, end


def divide_tie(left: float, most: Floats, weight: Floats) -> Floats:
    """Divide `left` by `weight`, each at most its `most`; equally where all weights are 0."""
    open_ = most > 0
    if np.count_nonzero(open_) < 2:
        return np.where(open_, np.minimum(left, most), 0.0)
    pull = np.where(open_, weight, 0.0)
    pull = np.where(open_, np.maximum(pull, 1e-12 * pull.max()), 0.0) if pull.any() else 1.0 * open_
    ratio = np.divide(most, pull, out=np.zeros_like(most), where=open_)
    order = np.argsort(ratio, kind="stable")
    full = np.cumsum(most[order]) - most[order]
    rest = pull.sum() - np.cumsum(pull[order]) + pull[order]
    level = (left - full) / np.where(rest > 0, rest, 1.0)
    stop = int(np.argmax((level <= ratio[order]) & open_[order]))
    reached = (level <= ratio[order]) & open_[order]
    return np.minimum(most, pull * level[stop]) if reached.any() else most.copy()
