"""Response times in buckets that grow by 5 %: small, mergeable, within 2.5 % of the true value.

After the idea of DDSketch (Masson, Rim, Lee, 2019): with logarithmic buckets the relative error
of every quantile is bounded, and merging is adding.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import ceil, floor, log, sqrt

MIN_MS = 0.1
GROWTH = 1.05
MAX_MS = 60_000.0
Histogram = Mapping[int, int]


def bucket(ms: float) -> int:
    """The bucket of a response time; 0 holds all below MIN_MS, the last all above MAX_MS."""
    if ms < MIN_MS:
        return 0
    return 1 + floor(log(min(ms, MAX_MS) / MIN_MS) / log(GROWTH))


def from_times(times_ms: Iterable[float]) -> dict[int, int]:
    return dict(Counter(bucket(each) for each in times_ms))


def merge(histograms: Iterable[Histogram]) -> dict[int, int]:
    """The sum of several histograms."""
    total: Counter[int] = Counter()
    for each in histograms:
        total.update(each)
    return dict(total)


def quantile(histogram: Histogram, q: float, min_ms: float, max_ms: float) -> float | None:
    """The nearest-rank quantile in ms, clamped to [min_ms, max_ms]; None without counts."""
    count = sum(histogram.values())
    if not count:
        return None
    rank = max(1, ceil(q * count))
    ordered = sorted(histogram)
    cumulative = accumulate(histogram[index] for index in ordered)
    found = next(index for index, seen in zip(ordered, cumulative, strict=True) if seen >= rank)
    return min(max(middle(found), min_ms), max_ms)


def middle(index: int) -> float:
    """The geometric middle of a bucket, in ms."""
    return MIN_MS / sqrt(GROWTH) * GROWTH**index


def to_json(histogram: Histogram) -> dict[str, int]:
    """With text keys, as JSON needs them."""
    return {str(index): count for index, count in sorted(histogram.items())}


def from_json(stored: Mapping[str, int]) -> dict[int, int]:
    return {int(index): count for index, count in stored.items()}
