"""The buckets that each arm owns; a change of weights moves as few of them as possible."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from marketing.experiments.assignment.hashing import BUCKETS

Range = tuple[int, int]  # start, end; the end is not in it
Ranges = tuple[Range, ...]


def bucket_counts(weights: Sequence[float]) -> list[int]:
    """Buckets by weight, by largest remainder; ties go by arm order."""
    whole = sum(weights)
    exact = [BUCKETS * each / whole for each in weights]
    counts = [int(each) for each in exact]
    by_remainder = sorted(range(len(exact)), key=lambda arm: (counts[arm] - exact[arm], arm))
    for arm in by_remainder[: BUCKETS - sum(counts)]:
        counts[arm] += 1
    return counts


def first_ranges(weights: Sequence[float]) -> list[Ranges]:
    """Consecutive ranges in arm order."""
    ranges: list[Ranges] = []
    start = 0
    for count in bucket_counts(weights):
        ranges.append(((start, start + count),) if count else ())
        start += count
    return ranges


def changed_ranges(present: Sequence[Ranges], weights: Sequence[float]) -> list[Ranges]:
    """The ranges under new weights: arms with too many release their highest buckets.

    Arms with too few take them in arm order. `weights` may name more arms than there are ranges.
    """
    targets = bucket_counts(weights)
    owned = [*present, *((),) * (len(targets) - len(present))]
    kept, released = [], []
    for ranges, target in zip(owned, targets, strict=True):
        stays, leaves = _split(ranges, target)
        kept.append(stays)
        released += leaves
    free = tuple(sorted(released))
    changed: list[Ranges] = []
    for ranges, target in zip(kept, targets, strict=True):
        taken, rest = _split(free, target - size(ranges))
        free = tuple(rest)
        changed.append(_joined([*ranges, *taken]))
    return changed


def size(ranges: Ranges) -> int:
    """How many buckets there are in the ranges."""
    return sum(end - start for start, end in ranges)


def arm_of(ranges: Sequence[Ranges], bucket: int) -> int:
    """The arm that owns a bucket."""
    starts, arms = _index(tuple(ranges))
    return arms[bisect_right(starts, bucket) - 1]


def coverage_ranges(
    arms: int, coverage: float, weights: Sequence[float] | None
) -> list[tuple[float, float]]:
    """The ranges in [0, 1) of other products' tests, whose arms may cover only a part.

    Weights that do not add up to 1 within .01, or are not one an arm, are replaced by equal ones.
    """
    part = min(1.0, max(0.0, coverage))
    used = list(weights or ())
    if len(used) != arms or not 0.99 <= sum(used) <= 1.01:
        used = [1 / arms] * arms
    starts = [sum(used[:arm]) for arm in range(arms)]
    return [(start, start + part * weight) for start, weight in zip(starts, used, strict=True)]


def chosen_arm(fraction: float, ranges: Sequence[tuple[float, float]]) -> int:
    """The place of the range that holds a fraction, -1 where none does."""
    for place, (start, end) in enumerate(ranges):
        if start <= fraction < end:
            return place
    return -1


def _split(ranges: Ranges, count: int) -> tuple[Ranges, list[Range]]:
    """The lowest `count` buckets, and the rest."""
    stays: list[Range] = []
    leaves: list[Range] = []
    for start, end in ranges:
        middle = min(end, start + count)
        count -= middle - start
        if middle > start:
            stays.append((start, middle))
        if end > middle:
            leaves.append((middle, end))
    return tuple(stays), leaves


def _joined(ranges: Sequence[Range]) -> Ranges:
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


@lru_cache(maxsize=1024)
def _index(ranges: tuple[Ranges, ...]) -> tuple[list[int], list[int]]:
    """Starts of all ranges in order, and the arm of each."""
    rows = sorted((start, arm) for arm, owned in enumerate(ranges) for start, _ in owned)
    return [start for start, _ in rows], [arm for _, arm in rows]
