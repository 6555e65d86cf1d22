"""Stacked bars by month or by day: what is added stands above zero, what is lost below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from aethercrown.charts import plane, ticks
from aethercrown.charts.lines import Series, empty_chart
from aethercrown.charts.svg import WIDE, Caption, Frame, drawing, plain, tag, words
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Unit, clean, date_text, full, month_text

BAR_SHARE = 0.72  # of a month's width


@dataclass(frozen=True, slots=True)
class _Stack:
    """One bar: its parts, (index of the series, from, to), and its values in words."""

    parts: tuple[tuple[int, float, float], ...]
    note: str


def stacked(
    days: Sequence[date],
    series: Sequence[Series],
    caption: Caption,
    unit: Unit,
    *,
    axis: str = "",
    frame: Frame = WIDE,
) -> str:
    """A bar for each of `days`, months by their first; a series keeps its colour and place."""
    monthly = all(each.day == 1 for each in days)
    names = [month_text(each) if monthly else date_text(each) for each in days]
    stacks = [_stack(place, name, series, unit) for place, name in enumerate(names)]
    edges = [edge for one in stacks for _, *ends in one.parts for edge in ends]
    if not edges:
        return empty_chart(caption, frame)
    marks = ticks.numbers(edges, frame.height // 50)
    entries = [(each.name, plane.bar_sample(plane.part_kind(at))) for at, each in enumerate(series)]
    top = plane.legend_height(entries, frame) + (30 if axis else 14)
    across = Scale(-0.5, len(days) - 0.5, plane.gutter(marks, unit), frame.width - 12)
    field = plane.Plane(across, Scale(marks[0], marks[-1], frame.height - 28, top))
    width = BAR_SHARE * (across.end - across.start) / len(days)
    labels = [(float(at), label) for at, label in enumerate(_labels(days, monthly=monthly))]
    parts = [
        *plane.legend(entries, frame, 13),
        words(axis, 2, top - 12, kind="unit") if axis else "",
        *plane.y_grid(field, marks, unit),
        *plane.x_labels(field, labels),
        *(_bar(field, at, one, width) for at, one in enumerate(stacks)),
    ]
    return drawing(frame, caption, parts)


def _stack(place: int, name: str, series: Sequence[Series], unit: Unit) -> _Stack:
    above, below, parts, lines = 0.0, 0.0, [], [name]
    for index, each in enumerate(series):
        value = clean(each.values[place]) if place < len(each.values) else None
        lines.append(f"{each.name}: {full(value, unit)}")
        if value is None or not value:
            continue
        start = above if value > 0 else below
        parts.append((index, start, start + value))
        above, below = (above + value, below) if value > 0 else (above, below + value)
    return _Stack(tuple(parts), "\n".join(lines))


def _bar(field: plane.Plane, at: int, one: _Stack, width: float) -> str:
    left = field.across.at(at) - width / 2
    boxes = []
    for index, low, high in one.parts:
        bottom, top = sorted((field.up.at(low), field.up.at(high)), reverse=True)
        boxes.append(
            tag(
                "rect",
                x=left,
                y=top,
                width=width,
                height=max(0.5, bottom - top),
                class_=plane.part_kind(index),
            )
        )
    column = (field.across.end - field.across.start) / (field.across.high - field.across.low)
    hit = tag(
        "rect",
        x=field.across.at(at) - column / 2,
        y=field.up.end,
        width=column,
        height=field.up.start - field.up.end,
        class_="chart-hit",
    )
    return tag("g", tag("title", plain(one.note)), *boxes, hit)


def _labels(days: Sequence[date], *, monthly: bool) -> list[str]:
    """The month or day of each, with the year where it changes."""
    years = [None, *(each.year for each in days)]
    names = [f"{day:%b}" if monthly else f"{day.day} {day:%b}" for day in days]
    return [
        f"{name} {day.year}" if day.year != year else name
        for name, day, year in zip(names, days, years, strict=False)
    ]
