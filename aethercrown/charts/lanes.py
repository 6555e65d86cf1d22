"""Gantt charts: a lane for each worker, a bar for each task, on one time axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from aethercrown.charts import plane, ticks
from aethercrown.charts.lines import empty_chart
from aethercrown.charts.svg import WIDE, Caption, Frame, drawing, fitted, plain, tag, words
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Unit, full

THICKNESS, GAP, MIN_WIDTH = 16.0, 10.0, 1.5


@dataclass(frozen=True, slots=True)
class LaneSegment:
    """A bar from `start` to `end`; `kind` is its index in the legend, the most urgent first."""

    name: str
    start: float
    end: float
    kind: int


@dataclass(frozen=True, slots=True)
class ChartLane:
    """A row of bars."""

    name: str
    segments: Sequence[LaneSegment]


def lanes(
    rows: Sequence[ChartLane],
    names: Sequence[str],
    caption: Caption,
    unit: Unit,
    *,
    axis: str = "",
    frame: Frame = WIDE,
) -> str:
    """Bars on one scale that includes zero; the height depends on the number of rows."""
    ends = [end for row in rows for each in row.segments for end in (each.start, each.end)]
    if not ends:
        return empty_chart(caption, frame)
    marks = ticks.numbers(ends, frame.width // 110)
    entries = [(name, plane.bar_sample(plane.step_kind(index))) for index, name in enumerate(names)]
    top = plane.legend_height(entries, frame) + 12
    floor = top + (THICKNESS + GAP) * len(rows) + GAP / 2
    frame = Frame(frame.width, int(floor + (44 if axis else 24)))
    left = plane.name_gutter([row.name for row in rows], frame)
    across = Scale(marks[0], marks[-1], left, frame.width - 24)
    parts = plane.legend(entries, frame, 13)
    parts += plane.x_grid(across, marks, top, floor, unit=unit, axis=axis)
    for place, row in enumerate(rows):
        parts += _lane(row, names, across, top + place * (THICKNESS + GAP) + GAP / 2, unit)
    return drawing(frame, caption, parts)


def _lane(row: ChartLane, names: Sequence[str], across: Scale, y: float, unit: Unit) -> list[str]:
    label = fitted(row.name, across.start - 12)
    parts = [words(label, across.start - 10, y + THICKNESS - 4, "end", "name")]
    for each in row.segments:
        left, right = across.at(each.start), across.at(each.end)
        when = f"{full(each.start, unit)} to {full(each.end, unit)}"
        note = tag("title", plain(f"{each.name}, {names[each.kind]}: {when}"))
        kind = plane.step_kind(each.kind)
        width = max(MIN_WIDTH, right - left - 1)
        bar = tag("rect", x=left, y=y, width=width, height=THICKNESS, class_=kind)
        parts.append(tag("g", note, bar))
    return parts
