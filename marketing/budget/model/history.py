"""Rows as a grid of channels and periods."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from marketing.budget.model.response_curves import Bools, Floats, Ints
from marketing.budget.planner.request import PerformanceRow

MAX_PERIODS = 104  # used in a fit
RECENT_PERIODS = 4  # periods whose mean is the present mix
ZERO_REVENUE_SHARE = 1e-3  # a revenue of 0 counts as this share of the channel's mean


@dataclass(frozen=True, slots=True)
class SpendHistory:
    """`spend` and `revenue` are (C, T); `seen` says where a row was. Channels go by name.

    A revenue is nan where it is not known; the spend beside it counts all the same.
    Undated rows have no `dates`; their periods are in no order.
    """

    channels: tuple[str, ...]
    dates: tuple[date, ...]
    spend: Floats
    revenue: Floats
    seen: Bools

    @property
    def funded(self) -> Bools:
        """Where (C, T) money was spent."""
        return self.seen & (self.spend > 0)

    @property
    def usable(self) -> Bools:
        """Where (C, T) money was spent and its revenue is known."""
        return self.funded & ~np.isnan(self.revenue)

    @property
    def unknown(self) -> Bools:
        """Where (C, T) money was spent and its revenue is not known."""
        return self.funded & np.isnan(self.revenue)

    def complete(self) -> "SpendHistory":
        """Its periods in which every revenue is known."""
        kept = np.flatnonzero(~self.unknown.any(axis=0))
        if kept.size == self.spend.shape[1]:
            return self
        spend, revenue, seen = self.spend[:, kept], self.revenue[:, kept], self.seen[:, kept]
        dates = tuple(self.dates[at] for at in kept) if self.dates else ()
        return SpendHistory(self.channels, dates, spend, revenue, seen)

    def until(self, periods: int) -> "SpendHistory":
        """Its first `periods` periods."""
        return self.within(slice(periods))

    def within(self, part: slice) -> "SpendHistory":
        """Its periods in `part`."""
        spend, revenue, seen = self.spend[:, part], self.revenue[:, part], self.seen[:, part]
        return SpendHistory(self.channels, self.dates[part], spend, revenue, seen)

    def of(self, some: Ints) -> "SpendHistory":
        """The history of some of the channels, by index."""
        names = tuple(self.channels[at] for at in some)
        spend, revenue, seen = self.spend[some], self.revenue[some], self.seen[some]
        return SpendHistory(names, self.dates, spend, revenue, seen)

    def gap_days(self) -> float:
        """Median days from one period to the next; 7 for fewer than two periods."""
        days = np.diff([each.toordinal() for each in self.dates])
        return float(np.median(days)) if days.size else 7.0

    def present_spend(self) -> Floats:
        """Mean spend (C,) of the last periods, or of all rows where none has a date."""
        part = self.spend[:, -RECENT_PERIODS:] if self.dates else self.spend
        seen = self.seen[:, -RECENT_PERIODS:] if self.dates else self.seen
        periods = seen.any(axis=0).sum() if self.dates else np.maximum(seen.sum(axis=1), 1)
        return np.asarray(part.sum(axis=1) / periods)


def build_history(
    rows: Iterable[PerformanceRow],
    names: Iterable[str],
    factors: Mapping[str, float],
    window: int = MAX_PERIODS,
) -> tuple[SpendHistory, tuple[str, ...]]:
    """The grid of the last `window` periods, and notes on what was left out.

    Rows of one channel and date are summed. If any row has no date, all count as undated.
    Revenue is multiplied by the channel's incrementality factor. `names` are channels to list
    even without rows.
    """
    all_rows = list(rows)
    channels = tuple(sorted({row.channel for row in all_rows} | set(names)))
    undated = sum(row.date is None for row in all_rows)
    notes: tuple[str, ...] = ()
    if 0 < undated < len(all_rows):
        notes = (f"No date was used: of {len(all_rows)} rows, {undated} without one.",)
    place = _undated if undated else _dated
    history = place(all_rows, channels, window + 1)  # the last may be left out as incomplete
    share = np.array([factors.get(each, 1.0) for each in channels])
    history, note = without_partial(replace(history, revenue=history.revenue * share[:, None]))
    return history.within(slice(-window, None)), notes + note


def _dated(rows: list[PerformanceRow], channels: tuple[str, ...], most: int) -> SpendHistory:
    dates = tuple(sorted({row.date for row in rows if row.date is not None}))
    place: dict[date | None, int] = {each: at for at, each in enumerate(dates)}
    history = _grid(rows, channels, [place[row.date] for row in rows], most)
    return replace(history, dates=dates[-most:])


def _undated(rows: list[PerformanceRow], channels: tuple[str, ...], most: int) -> SpendHistory:
    counts: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)
    return _grid(rows, channels, [next(counts[row.channel]) for row in rows], most)


def _grid(
    rows: list[PerformanceRow], channels: tuple[str, ...], at: list[int], most: int
) -> SpendHistory:
    """The last `most` periods, with row n in period `at[n]`, without dates.

    Rows of one channel and period are summed.
    """
    first = max(0, max(at) + 1 - most)
    kept = [(row, place - first) for row, place in zip(rows, at, strict=True) if place >= first]
    shape = len(channels), max(at) + 1 - first
    line = {each: place for place, each in enumerate(channels)}
    where = np.array([line[row.channel] * shape[1] + place for row, place in kept], dtype=np.intp)

    def summed(values: list[float]) -> Floats:
        flat = np.bincount(where, values, minlength=shape[0] * shape[1])
        return flat.astype(np.float64).reshape(shape)

    spend = summed([row.spend for row, _ in kept])
    revenue = summed([np.nan if row.is_unknown else row.revenue or 0.0 for row, _ in kept])
    return SpendHistory(channels, (), spend, revenue, summed([1.0] * len(kept)) > 0)


def without_partial(history: SpendHistory) -> tuple[SpendHistory, tuple[str, ...]]:
    """Leave out an incomplete last period: one that starts early or lacks most channels."""
    if len(history.dates) < 6:
        return history, ()
    days = np.diff([each.toordinal() for each in history.dates])
    early = days[-1] < 0.6 * np.median(days)
    usual = history.seen[:, -5:-1].all(axis=1)
    lacking = usual.sum() > 0 and history.seen[usual, -1].mean() < 0.5
    if not (early or lacking):
        return history, ()
    note = f"The period of {history.dates[-1]} is not complete and was left out."
    return history.until(len(history.dates) - 1), (note,)


def log_revenue(history: SpendHistory) -> tuple[Floats, Floats]:
    """Log of revenue over the channel's mean (C, T), and that mean (C,); 0 in unused cells."""
    usable = history.usable
    count = np.maximum(usable.sum(axis=1), 1)
    mean = np.where(usable, history.revenue, 0.0).sum(axis=1) / count
    earning = usable & (history.revenue > 0)
    positive = np.where(earning, history.revenue, 0.0).sum(axis=1) / np.maximum(
        earning.sum(axis=1), 1
    )
    least = np.where(positive > 0, positive * ZERO_REVENUE_SHARE, 1.0)[:, None]
    safe = np.where(mean > 0, mean, 1.0)[:, None]
    floored = np.where(usable, np.maximum(history.revenue, least), safe)
    return np.log(floored / safe), mean
