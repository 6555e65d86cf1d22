"""The zero of a falling function, to the last bits."""

from collections.abc import Callable

PRECISION = 1e-15


def falling_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where `function`, at least 0 at `low` and at most 0 at `high`, crosses 0.

    Inverse quadratic interpolation where it is safe, else bisection (Chandrupatla 1997): some
    fifteen evaluations instead of the sixty of plain bisection. A step that does not halve the
    interval is followed by a bisection, so that rounding errors near the zero end the search.
    """
    newer, older = low, high
    width = abs(high - low)
    at_newer, at_older = function(newer), function(older)
    share = 0.5
    while True:
        tried = newer + share * (older - newer)
        at_tried = function(tried)
        if (at_tried > 0) == (at_newer > 0):
            dropped, at_dropped = newer, at_newer
        else:
            dropped, at_dropped = older, at_older
            older, at_older = newer, at_newer
        newer, at_newer = tried, at_tried
        best, at_best = (newer, at_newer) if abs(at_newer) < abs(at_older) else (older, at_older)
        margin = PRECISION * (1 + abs(best)) / abs(older - newer)
        if at_best == 0 or margin > 0.5:
            return best
        before, width = width, abs(older - newer)
        share = 0.5
        if width <= before / 2:
            share = _next_share((newer, at_newer), (older, at_older), (dropped, at_dropped), margin)


def _next_share(
    newer: tuple[float, float], older: tuple[float, float], dropped: tuple[float, float],
    margin: float,
) -> float:  # fmt: skip
    (a, fa), (b, fb), (c, fc) = newer, older, dropped
    place = (a - b) / (c - b)
    height = (fa - fb) / (fc - fb)
    if not (height**2 < place and (1 - height) ** 2 < 1 - place):
        return 0.5
    share = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    return min(1 - margin, max(margin, share))
