"""Grouped horizontal bars: a row for each name, a bar for each series (now, proposed)."""

from collections.abc import Sequence
from dataclasses import dataclass

from aethercrown.charts import plane, ticks
from aethercrown.charts.lines import empty_chart
from aethercrown.charts.svg import (
    WIDE,
    Caption,
    Frame,
    drawing,
    fitted,
    number,
    plain,
    tag,
    words,
)
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Number, Unit, clean, full, short

THICKNESS, GAP = 13.0, 14.0


@dataclass(frozen=True, slots=True)
class BarRow:
    """A name with a value for each series; `spans` are intervals, drawn over the bars."""

    name: str
    values: Sequence[Number]
    spans: Sequence[tuple[Number, Number] | None] = ()

    def numbers(self) -> list[float]:
        ends = [end for span in self.spans if span for end in span]
        return [each for value in [*self.values, *ends] if (each := clean(value)) is not None]


def bars(
    rows: Sequence[BarRow],
    names: Sequence[str],
    caption: Caption,
    unit: Unit,
    *,
    axis: str = "",
    frame: Frame = WIDE,
) -> str:
    """Grouped bars from a common zero; the height depends on the number of rows."""
    if not any(each.numbers() for each in rows):
        return empty_chart(caption, frame)
    marks = ticks.numbers([each for row in rows for each in row.numbers()], frame.width // 110)
    kinds = [plane.bar_kind(index, len(names)) for index in range(len(names))]
    entries = [(name, plane.bar_sample(kind)) for name, kind in zip(names, kinds, strict=True)]
    top = plane.legend_height(entries, frame) + 12
    step = len(names) * (THICKNESS + 2) + GAP
    frame = Frame(frame.width, int(top + step * len(rows) + (44 if axis else 26)))
    left = plane.name_gutter([row.name for row in rows], frame)
    across = Scale(marks[0], marks[-1], left, frame.width - 62)
    floor = frame.height - (40 if axis else 22)
    parts = plane.legend(entries, frame, 13)
    parts += plane.x_grid(across, marks, top, floor, unit=unit, axis=axis)
    for place, row in enumerate(rows):
        parts += _row(row, names, across, unit, top + place * step + GAP / 2)
    return drawing(frame, caption, parts)


def _row(row: BarRow, names: Sequence[str], across: Scale, unit: Unit, top: float) -> list[str]:
    middle = top + len(names) * (THICKNESS + 2) / 2 + 4
    label = fitted(row.name, across.start - 12)
    parts = [words(label, across.start - 10, middle, "end", "name")]
    spans = [*row.spans, *[None] * len(names)]
    for index, (name, value) in enumerate(zip(names, row.values, strict=True)):
        y = top + index * (THICKNESS + 2)
        note = tag("title", plain(f"{row.name}, {name}: {full(value, unit)}"))
        kind = plane.bar_kind(index, len(names))
        parts.append(tag("g", note, *_bar(value, spans[index], across, unit, kind=kind, y=y)))
    return parts


def _bar(
    value: Number,
    span: tuple[Number, Number] | None,
    across: Scale,
    unit: Unit,
    *,
    kind: str,
    y: float,
) -> list[str]:
    length, zero = clean(value), across.at(0)
    text = y + THICKNESS - 2.5
    if length is None:
        return [words("no data", zero + 5, text, kind="tick")]
    end = across.at(length)
    rect = tag("rect", x=min(zero, end), y=y, width=abs(end - zero), height=THICKNESS, class_=kind)
    whisker, outer = _whisker(span, across, y + THICKNESS / 2)
    right = max(zero, end, outer) + 6
    return [rect, whisker, words(short(value, unit), right, text, kind="value")]


def _whisker(span: tuple[Number, Number] | None, across: Scale, y: float) -> tuple[str, float]:
    """The interval as a thin line with ends, and the x of its right end."""
    low, high = map(clean, span or (None, None))
    if low is None or high is None:
        return "", float("-inf")
    left, right = across.at(low), across.at(high)
    shape = (
        f"M{number(left)} {number(y)}H{number(right)}"
        f"M{number(left)} {number(y - 4)}v8M{number(right)} {number(y - 4)}v8"
    )
    under = tag("path", d=shape, fill="none", class_="chart-halo")
    return under + tag("path", d=shape, fill="none", class_="chart-whisker"), right
