"""The plane that lines and curves are drawn on: two axes, a light grid, a legend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from aethercrown.charts.figures import Unit, short
from aethercrown.charts.svg import GLYPH, Frame, Point, fitted, marker, path, tag, words
from aethercrown.charts.ticks import Scale

DASHES = ("", "7 4", "2 3", "10 3 2 3")
COLOURS = 8
STEPS = 4  # shades of one colour
ROW = 18  # height of a line of the legend
Entry = tuple[str, Callable[[float, float], list[str]]]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where values lie: left and right of the plot, its top and bottom, and both scales."""

    across: Scale
    up: Scale

    def point(self, x: float, y: float) -> Point:
        return self.across.at(x), self.up.at(y)


def colour(index: int) -> str:
    return f"series-{index % COLOURS + 1}"


def gutter(marks: Sequence[float], unit: Unit) -> float:
    """Room that the labels of the vertical axis need on the left."""
    return max(len(short(each, unit)) for each in marks) * GLYPH + 12


def levels(plane: Plane, marks: Sequence[float], unit: Unit) -> list[str]:
    """Grid lines with their values at the left; the one at zero is stronger."""
    left, right = plane.across.start, plane.across.end
    drawn = []
    for each in marks:
        y = plane.up.at(each)
        kind = "chart-zero" if each == 0 else "chart-grid"
        drawn.append(tag("line", x1=left, x2=right, y1=y, y2=y, class_=kind))
        drawn.append(words(short(each, unit), left - 8, y + 4, "end", "tick"))
    return drawn


def feet(plane: Plane, marks: Sequence[tuple[float, str]]) -> list[str]:
    """Labels below the plot, held inside the drawing and never over each other."""
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
    """Where each legend entry stands: its left edge and its row, counted from 0."""
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
    """Samples with their names, row below row where the width ends."""
    names = [name for name, _ in entries]
    drawn = []
    for (name, draw), (x, row) in zip(entries, flow(names, frame), strict=True):
        drawn += draw(x, y + row * ROW - 4)
        drawn.append(words(fitted(name, frame.width - 44), x + 28, y + row * ROW, kind="legend"))
    return drawn


def legend_height(entries: Sequence[Entry], frame: Frame) -> float:
    return ROW * (
        1 + max((row for _, row in flow([name for name, _ in entries], frame)), default=0)
    )


def band_sample(index: int) -> Callable[[float, float], list[str]]:
    """How a legend shows an interval: a filled box."""

    def draw(x: float, y: float) -> list[str]:
        kind = f"chart-band {colour(index)}"
        return [tag("rect", x=x, y=y - 6, width=22, height=12, class_=kind)]

    return draw


def line_sample(index: int) -> Callable[[float, float], list[str]]:
    """How a legend shows a series: a piece of its line, with its marker."""

    def draw(x: float, y: float) -> list[str]:
        kind = f"chart-dot {colour(index)}"
        line = stroke([(x, y), (x + 22, y)], index)
        return [line, marker(index, x + 11, y, kind, 3.5)]

    return draw


def plain_sample(x: float, y: float) -> list[str]:
    """How a legend shows a lone line: without a marker."""
    return [stroke([(x, y), (x + 22, y)], 0)]


def bar_kind(index: int, of: int) -> str:
    """The class of a bar: of two series the second is the one that counts, as is a lone one."""
    return f"chart-bar chart-bar-{index % 2 + 1 if of > 1 else 2} {colour(index)}"


def step_kind(index: int) -> str:
    """The class of a bar by its rank: the first is the strongest, whatever the eyes."""
    return f"chart-bar chart-step-{min(index, STEPS - 1) + 1}"


def bar_sample(kind: str) -> Callable[[float, float], list[str]]:
    """How a legend shows bars: one small bar."""

    def draw(x: float, y: float) -> list[str]:
        return [tag("rect", x=x, y=y - 6, width=22, height=11, class_=kind)]

    return draw


def marker_sample(shape: int, kind: str) -> Callable[[float, float], list[str]]:
    """How a legend shows a marked point."""

    def draw(x: float, y: float) -> list[str]:
        return [marker(shape, x + 11, y, kind)]

    return draw


def stroke(points: Sequence[Point], index: int) -> str:
    dash = DASHES[index % len(DASHES)]
    more = {"stroke_dasharray": dash} if dash else {}
    return tag("path", d=path(points), fill="none", class_=f"chart-line {colour(index)}", **more)


def area(upper: Sequence[Point], lower: Sequence[Point], index: int) -> str:
    """A band between two lines."""
    return tag(
        "path",
        d=path([*upper, *reversed(lower)]) + "Z",
        stroke="none",
        class_=f"chart-band {colour(index)}",
    )


def runs(places: Sequence[bool]) -> list[list[int]]:
    """Unbroken stretches of indices that hold a value."""
    return [
        [index for index, _ in group]
        for present, group in groupby(enumerate(places), key=lambda each: each[1])
        if present
    ]
