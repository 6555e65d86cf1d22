"""Interval bars: an estimate as a point on its interval, one row each, on a common scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from aethercrown.charts import plane, ticks
from aethercrown.charts.lines import empty_chart
from aethercrown.charts.svg import WIDE, Caption, Frame, drawing, fitted, marker, plain, tag, words
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Number, Unit, clean, full

ROW = 30.0


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A name with its estimate and the ends of its interval; None where it is not known."""

    name: str
    estimate: Number
    low: Number = None
    high: Number = None


def intervals(
    rows: Sequence[IntervalRow],
    caption: Caption,
    unit: Unit,
    *,
    axis: str = "",
    level: str = "90% interval",
    frame: Frame = WIDE,
) -> str:
    """Rows over a scale that includes zero; the height depends on the number of rows."""
    values = [
        known
        for each in rows
        for value in (each.estimate, each.low, each.high)
        if (known := clean(value)) is not None
    ]
    if not values:
        return empty_chart(caption, frame)
    entries = [
        ("Estimate", plane.marker_sample(2, "chart-dot series-1")),
        (level, plane.band_sample(0)),
    ]
    top = plane.legend_height(entries, frame) + 10
    floor = top + ROW * len(rows)
    frame = Frame(frame.width, int(floor + (44 if axis else 24)))
    marks = ticks.numbers(values, frame.width // 110)
    left = plane.name_gutter([row.name for row in rows], frame)
    across = Scale(marks[0], marks[-1], left, frame.width - 24)
    parts = plane.legend(entries, frame, 13)
    parts += plane.x_grid(across, marks, top, floor, unit=unit, axis=axis)
    for at, row in enumerate(rows):
        parts += _row(row, across, top + at * ROW + ROW / 2, unit)
    return drawing(frame, caption, parts)


def _row(row: IntervalRow, across: Scale, y: float, unit: Unit) -> list[str]:
    label = fitted(row.name, across.start - 12)
    name = words(label, across.start - 10, y + 4, "end", "name")
    estimate, low, high = map(clean, (row.estimate, row.low, row.high))
    if estimate is None:
        return [name, words("no data", across.at(0) + 5, y + 4, kind="tick")]
    note = f"{row.name}: {full(row.estimate, unit)}"
    shapes = [marker(2, across.at(estimate), y, "chart-dot series-1", 5)]
    if low is not None and high is not None:
        note += f" ({full(row.low, unit)} to {full(row.high, unit)})"
        begin, end = across.at(low), across.at(high)
        band = tag(
            "rect", x=begin, y=y - 7, width=max(1.0, end - begin), height=14,
            class_="chart-band series-1",
        )  # fmt: skip
        shapes.insert(0, band)
    return [name, tag("g", tag("title", plain(note)), *shapes)]
