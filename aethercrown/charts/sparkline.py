"""A sparkline: the course of a figure beside it, without axes; its words are elsewhere."""

from collections.abc import Sequence

from aethercrown.charts import plane
from aethercrown.charts.svg import marker, path, tag
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Number, clean

WIDTH, HEIGHT, EDGE = 120, 32, 3


def sparkline(values: Sequence[Number]) -> str:
    """A line with a dot at its end; nothing with fewer than two known values."""
    known = {at: value for at, each in enumerate(values) if (value := clean(each)) is not None}
    if len(known) < 2:
        return ""
    low, high = min(known.values()), max(known.values())
    across = Scale(0, len(values) - 1, EDGE, WIDTH - EDGE)
    up = Scale(low, high if high > low else low + max(1.0, abs(low)), HEIGHT - EDGE, EDGE)
    points = {at: (across.at(at), up.at(value)) for at, value in known.items()}
    runs = plane.runs([at in points for at in range(len(values))])
    lines = [
        tag("path", d=path([points[at] for at in run]), fill="none", class_="chart-line series-1")
        for run in runs
        if len(run) > 1
    ]
    return tag(
        "svg",
        *lines,
        marker(0, *points[max(points)], "chart-dot series-1", 3),
        xmlns="http://www.w3.org/2000/svg",
        class_="sparkline",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        aria_hidden="true",
    )
