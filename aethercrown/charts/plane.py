"""Axes, grid and legend of a chart."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from aethercrown.charts.svg import GLYPH, Frame, Point, fitted, marker, path, tag, words
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Unit, short

DASHES = ("", "7 4", "2 3", "10 3 2 3")
COLOURS = 8
STEPS = 4  # shades of a colour
LEGEND_ROW_HEIGHT = 18
Sample = Callable[[float, float], list[str]]  # drawn at a point of the legend
Entry = tuple[str, Sample]


@dataclass(frozen=True, slots=True)
class Plane:
    """The horizontal and the vertical scale of a plot."""

    across: Scale
    up: Scale

    def point(self, x: float, y: float) -> Point:
        return self.across.at(x), self.up.at(y)


def colour(index: int) -> str:
    return f"series-{index % COLOURS + 1}"


def gutter(marks: Sequence[float], unit: Unit) -> float:
    """The width of the labels of the vertical axis."""
    return max(len(short(each, unit)) for each in marks) * GLYPH + 12


def y_grid(plane: Plane, marks: Sequence[float], unit: Unit) -> list[str]:
    """Horizontal grid lines with their values at the left; the one at zero is stronger."""
    left, right = plane.across.start, plane.across.end
    drawn = []
    for each in marks:
        y = plane.up.at(each)
        kind = "chart-zero" if each == 0 else "chart-grid"
        drawn.append(tag("line", x1=left, x2=right, y1=y, y2=y, class_=kind))
        drawn.append(words(short(each, unit), left - 8, y + 4, "end", "tick"))
    return drawn


def name_gutter(names: Iterable[str], frame: Frame) -> float:
    """The width of the names at the left of horizontal bars."""
    return min(max(map(len, names)) * GLYPH + 14, frame.width * 0.34)


def x_grid(
    across: Scale, marks: Sequence[float], top: float, floor: float, *, unit: Unit, axis: str
) -> list[str]:
    """Vertical grid lines with their values below, and under those what is measured."""
    drawn = []
    for each in marks:
        x = across.at(each)
        kind = "chart-zero" if each == 0 else "chart-grid"
        drawn.append(tag("line", x1=x, x2=x, y1=top, y2=floor, class_=kind))
        drawn.append(words(short(each, unit), x, floor + 15, "middle", "tick"))
    if axis:
        drawn.append(words(axis, (across.start + across.end) / 2, floor + 36, "middle", "unit"))
    return drawn


def x_labels(plane: Plane, marks: Sequence[tuple[float, str]]) -> list[str]:
    """Labels below the plot, inside the drawing; one that would overlap is left out."""
    floor, right = plane.up.start, plane.across.end
    drawn, free = [], float("-inf")
    for value, label in marks:
        x, half = plane.across.at(value), len(label) * GLYPH / 2
        middle = min(x, right + 8 - half)
        if middle - half < free:
            continue
        drawn.append(tag("line", x1=x, x2=x, y1=floor, y2=floor + 5, class_="chart-grid"))
        drawn.append(words(label, middle, floor + 18, "middle", "tick"))
        free = middle + half + 6
    return drawn


def flow(names: Sequence[str], frame: Frame) -> list[tuple[float, int]]:
    """The left edge and the row (from 0) of each legend entry."""
    places: list[tuple[float, int]] = []
    x, row = 2.0, 0
    for name in names:
        width = len(fitted(name, frame.width - 44)) * GLYPH + 46
        if x > 2 and x + width > frame.width:
            x, row = 2.0, row + 1
        places.append((x, row))
        x += width
    return places


def legend(entries: Sequence[Entry], frame: Frame, y: float) -> list[str]:
    """Samples with their names, in as many rows as the width needs."""
    drawn = []
    places = flow([name for name, _ in entries], frame)
    for (name, draw), (x, row) in zip(entries, places, strict=True):
        base = y + row * LEGEND_ROW_HEIGHT
        drawn += draw(x, base - 4)
        drawn.append(words(fitted(name, frame.width - 44), x + 28, base, kind="legend"))
    return drawn


def legend_height(entries: Sequence[Entry], frame: Frame) -> float:
    rows = [row for _, row in flow([name for name, _ in entries], frame)]
    return LEGEND_ROW_HEIGHT * (1 + max(rows, default=0))


def band_sample(index: int) -> Sample:
    """The sample of an interval: a filled box."""
    kind = f"chart-band {colour(index)}"
    return lambda x, y: [tag("rect", x=x, y=y - 6, width=22, height=12, class_=kind)]


def line_sample(index: int) -> Sample:
    """The sample of a series: a line with its marker."""
    kind = f"chart-dot {colour(index)}"
    return lambda x, y: [*plain_sample(x, y, index), marker(index, x + 11, y, kind, 3.5)]


def plain_sample(x: float, y: float, index: int = 0) -> list[str]:
    """The sample of a line without a marker."""
    return [stroke([(x, y), (x + 22, y)], index)]


def bar_kind(index: int, of: int) -> str:
    """The CSS class of a bar; the second of two series, or a single one, is emphasised."""
    return f"chart-bar chart-bar-{index % 2 + 1 if of > 1 else 2} {colour(index)}"


def step_kind(index: int) -> str:
    """The CSS class of a bar by its rank; the first is the darkest."""
    return f"chart-bar chart-step-{min(index, STEPS - 1) + 1}"


def part_kind(index: int) -> str:
    """The CSS class of one part of a stack: its colour, and a pattern of outline and fill."""
    return f"chart-part part-{index % 2} {colour(index)}"


def bar_sample(kind: str) -> Sample:
    return lambda x, y: [tag("rect", x=x, y=y - 6, width=22, height=11, class_=kind)]


def marker_sample(shape: int, kind: str) -> Sample:
    return lambda x, y: [marker(shape, x + 11, y, kind)]


def stroke(points: Sequence[Point], index: int) -> str:
    dash = DASHES[index % len(DASHES)]
    more = {"stroke_dasharray": dash} if dash else {}
    return tag("path", d=path(points), fill="none", class_=f"chart-line {colour(index)}", **more)


def area(upper: Sequence[Point], lower: Sequence[Point], index: int) -> str:
    """The band between two lines."""
    return tag(
        "path",
        d=path([*upper, *reversed(lower)]) + "Z",
        stroke="none",
        class_=f"chart-band {colour(index)}",
    )


def runs(places: Sequence[bool]) -> list[list[int]]:
    """The runs of consecutive indices that have a value."""
    return [
        [index for index, _ in group]
        for present, group in groupby(enumerate(places), key=lambda each: each[1])
        if present
    ]
