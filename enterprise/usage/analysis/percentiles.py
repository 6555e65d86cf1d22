"""Percentiles of a few values; pure."""

from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    place = -int(-(len(ordered) * share) // 1)  # rounded up
    return ordered[max(place, 1) - 1]
