"""A response curve with its interval band, and markers such as now and plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from aethercrown.charts import plane, ticks
from aethercrown.charts.lines import empty_chart
from aethercrown.charts.svg import KEY, SMALL, Caption, Frame, drawing, marker, plain, tag, words
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Number, Unit, clean, full, short


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A point of the curve, with the bounds of its band if known."""

    x: float
    y: float
    low: Number = None
    high: Number = None


@dataclass(frozen=True, slots=True)
class CurveMarker:
    """A named x on the curve, drawn as a marker."""

    name: str
    x: Number


def curve(
    points: Sequence[CurvePoint],
    markers: Sequence[CurveMarker],
    caption: Caption,
    units: tuple[Unit, Unit],
    *,
    axes: tuple[str, str] = ("", ""),
    frame: Frame = SMALL,
) -> str:
    """A curve over its band; a vertical line leads from each marker to the axis."""
    known = [
        CurvePoint(x, y, each.low, each.high)
        for each in points
        if (x := clean(each.x)) is not None and (y := clean(each.y)) is not None
    ]
    if len(known) < 2:
        return empty_chart(caption, frame)
    placed = [(each.name, x) for each in markers if (x := clean(each.x)) is not None]
    field, across, up = _field(known, placed, units[1], frame, axes)
    parts = [
        words(axes[0], 2, 12, kind="unit"),
        words(axes[1], frame.width - 8, frame.height - 4, "end", "unit"),
        *plane.y_grid(field, up, units[1]),
        *plane.x_labels(field, [(each, short(each, units[0])) for each in across]),
        *_band(field, known),
        plane.stroke([field.point(each.x, each.y) for each in known], 0),
        *(
            part
            for shape, each in enumerate(placed)
            for part in _mark(field, known, each, shape, units)
        ),
    ]
    return drawing(frame, caption, parts, "chart-curve")


def legend(names: Sequence[str], caption: Caption, frame: Frame = KEY) -> str:
    """One legend for several curves: the line, its band, and each marker."""
    entries = [("Expected", plane.plain_sample), ("90% interval", plane.band_sample(0))]
    for shape, name in enumerate(names):
        entries.append((name, plane.marker_sample(shape * 2, f"chart-mark chart-mark-{shape + 1}")))
    frame = Frame(frame.width, int(plane.legend_height(entries, frame)) + 2)
    return drawing(frame, caption, plane.legend(entries, frame, 13), "chart-key")


def _field(
    points: Sequence[CurvePoint],
    placed: Sequence[tuple[str, float]],
    unit: Unit,
    frame: Frame,
    axes: tuple[str, str],
) -> tuple[plane.Plane, list[float], list[float]]:
    """The plane, with its ticks across and up."""
    bounds = [each for one in points for each in (one.y, clean(one.low), clean(one.high))]
    up = ticks.numbers([each for each in bounds if each is not None], frame.height // 55)
    ends = [each.x for each in points] + [x for _, x in placed]
    across = ticks.numbers(ends, frame.width // 60)
    top = 24 if axes[0] else 10
    floor = frame.height - (42 if axes[1] else 26)
    right = max(ends) if max(ends) - min(*ends, 0.0) > ticks.MIN_SPAN else across[-1]
    wide = Scale(min(*ends, 0.0), right, plane.gutter(up, unit), frame.width - 14)
    inside = [each for each in across if wide.low <= each <= wide.high]
    return plane.Plane(wide, Scale(up[0], up[-1], floor, top)), inside, up


def height(points: Sequence[CurvePoint], x: float) -> float:
    """The curve at `x`: linear between its points, constant outside them."""
    if x <= points[0].x:
        return points[0].y
    for left, right in pairwise(points):
        if left.x < x <= right.x:
            share = (x - left.x) / (right.x - left.x)
            return left.y + share * (right.y - left.y)
    return points[-1].y


def _band(field: plane.Plane, points: Sequence[CurvePoint]) -> list[str]:
    edges = [(each.x, clean(each.low), clean(each.high)) for each in points]
    known = [(x, low, high) for x, low, high in edges if low is not None and high is not None]
    if len(known) < 2:
        return []
    upper = [field.point(x, high) for x, _, high in known]
    return [plane.area(upper, [field.point(x, low) for x, low, _ in known], 0)]


def _mark(
    field: plane.Plane,
    points: Sequence[CurvePoint],
    named: tuple[str, float],
    shape: int,
    units: tuple[Unit, Unit],
) -> list[str]:
    name, x = named
    value = height(points, x)
    right, top = field.point(x, value)
    note = tag("title", plain(f"{name}: {full(x, units[0])} brings {full(value, units[1])}"))
    drop = tag("line", x1=right, x2=right, y1=top, y2=field.up.start, class_="chart-drop")
    return [
        drop,
        tag("g", note, marker(shape * 2, right, top, f"chart-mark chart-mark-{shape + 1}")),
    ]
