"""Sparklines: a small line beside a figure (Tufte, 2006)."""

from collections.abc import Sequence

from aethercrown.charts import plane
from aethercrown.charts.figures import Number, clean
from aethercrown.charts.svg import TINY, Caption, Frame, drawing, marker, path, tag, words
from aethercrown.charts.ticks import MIN_SPAN, Scale


def sparkline(values: Sequence[Number], caption: Caption, *, frame: Frame = TINY) -> str:
    """The values from left to right, with a dot at the last known one."""
    cleaned = [clean(each) for each in values]
    known = [each for each in cleaned if each is not None]
    if not known:
        dash = words("no data", 2, frame.height / 2 + 4, kind="tick")
        return drawing(frame, caption, [dash], "chart-spark")
    low, high = min(known), max(known)
    if high - low < MIN_SPAN:
        low, high = low - 1 - abs(low) / 2, high + 1 + abs(high) / 2
    field = plane.Plane(
        Scale(0, max(1, len(cleaned) - 1), 4, frame.width - 5),
        Scale(low, high, frame.height - 5, 5),
    )
    points = {
        place: field.point(place, value) for place, value in enumerate(cleaned) if value is not None
    }
    parts = [
        tag(
            "path",
            d=path([points[each] for each in run]),
            fill="none",
            class_="chart-line series-1",
        )
        for run in plane.runs([each is not None for each in cleaned])
        if len(run) > 1
    ]
    last = points[max(points)]
    return drawing(
        frame, caption, [*parts, marker(0, *last, "chart-dot series-1", 2.5)], "chart-spark"
    )
