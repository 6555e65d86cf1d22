"""Answer times in buckets that grow by 5 %: small, mergeable, and never 2.5 % off.

After the idea of DDSketch (Masson, Rim, Lee, 2019): with logarithmic buckets the relative error
of every quantile is bounded, and merging is adding.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import ceil, floor, log, sqrt

LEAST_MS = 0.1
GROWTH = 1.05
LONGEST_MS = 60_000.0
BUCKETS = 2 + floor(log(LONGEST_MS / LEAST_MS) / log(GROWTH))
Histogram = Mapping[int, int]


def bucket(ms: float) -> int:
    """The bucket of an answer time; 0 holds all below 0.1 ms, the last all over a minute."""
    if ms < LEAST_MS:
        return 0
    return 1 + floor(log(min(ms, LONGEST_MS) / LEAST_MS) / log(GROWTH))


def counted(times_ms: Iterable[float]) -> dict[int, int]:
    return dict(Counter(bucket(each) for each in times_ms))


def merged(histograms: Iterable[Histogram]) -> dict[int, int]:
    """All of them as one; their order does not matter."""
    total: Counter[int] = Counter()
    for each in histograms:
        total.update(each)
    return dict(total)


def quantile(histogram: Histogram, q: float, least_ms: float, most_ms: float) -> float | None:
    """The nearest-rank quantile in ms, within what was seen; None where nothing was."""
    count = sum(histogram.values())
    if not count:
        return None
    rank = max(1, ceil(q * count))
    ordered = sorted(histogram)
    upto = accumulate(histogram[index] for index in ordered)
    found = next(index for index, seen in zip(ordered, upto, strict=True) if seen >= rank)
    return min(max(middle(found), least_ms), most_ms)


def middle(index: int) -> float:
    """The geometric middle of a bucket, in ms."""
    return LEAST_MS / sqrt(GROWTH) * GROWTH**index


def stored(histogram: Histogram) -> dict[str, int]:
    """As JSON keeps it: keys are text."""
    return {str(index): count for index, count in sorted(histogram.items())}


def restored(kept: Mapping[str, int]) -> dict[int, int]:
    return {int(index): count for index, count in kept.items()}
