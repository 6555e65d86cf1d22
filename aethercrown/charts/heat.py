"""Heat strips: rows of cells whose shade tells a level, such as days up or a cohort's retention.

A cell without a value is drawn empty; the shades are also told by their texts and the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aethercrown.charts import plane
from aethercrown.charts.lines import empty_chart
from aethercrown.charts.svg import GLYPH, WIDE, Caption, Frame, drawing, fitted, plain, tag, words
from aethercrown.formatting import Number, Unit, clean, full

ROW, GAP = 24.0, 3.0
LEVELS = 5
TEXT_FROM = 34.0  # pixels of width in which a figure fits


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A name and its cells, the first at the left; None is not known."""

    name: str
    values: Sequence[Number]


def heat(
    rows: Sequence[HeatRow],
    columns: Sequence[str],
    bounds: Sequence[float],
    caption: Caption,
    unit: Unit,
    *,
    frame: Frame = WIDE,
    texts: bool = True,
) -> str:
    """`bounds` are four rising limits: below the first is the lowest of five levels."""
    if not any(clean(value) is not None for row in rows for value in row.values):
        return empty_chart(caption, frame)
    left = plane.name_gutter([row.name for row in rows], frame)
    wide = (frame.width - left - 8) / len(columns)
    entries = [
        (name, plane.bar_sample(f"chart-heat heat-{at}")) for at, name in _levels(bounds, unit)
    ]
    top = plane.legend_height(entries, frame) + 8
    frame = Frame(frame.width, int(top + ROW * len(rows) + 24))
    parts = plane.legend(entries, frame, 13)
    for at, row in enumerate(rows):
        y = top + at * ROW
        parts.append(words(fitted(row.name, left - 12), left - 10, y + 15, "end", "name"))
        for place, value in enumerate(row.values[: len(columns)]):
            note = f"{row.name}, {columns[place]}: {full(value, unit)}"
            shown = full(value, unit) if texts and wide >= TEXT_FROM else ""
            parts.append(_cell(left + place * wide, y, wide, (value, note, shown), bounds))
    parts += _column_labels(columns, left, wide, frame)
    return drawing(frame, caption, parts)


def level(value: float, bounds: Sequence[float]) -> int:
    """1 for the lowest level to 5 for the highest."""
    return 1 + sum(value >= each for each in bounds)


def _levels(bounds: Sequence[float], unit: Unit) -> list[tuple[int, str]]:
    names = [f"below {full(bounds[0], unit)}", *(f"from {full(each, unit)}" for each in bounds)]
    return list(enumerate(names, 1))


def _cell(
    x: float, y: float, wide: float, shown: tuple[Number, str, str], bounds: Sequence[float]
) -> str:
    value, note, text = shown
    known = clean(value)
    kind = "chart-heat heat-none" if known is None else f"chart-heat heat-{level(known, bounds)}"
    box = tag("rect", x=x, y=y, width=max(1.0, wide - GAP), height=ROW - GAP, rx=2, class_=kind)
    label = words(text, x + (wide - GAP) / 2, y + 14.5, "middle", "heat-text") if text else ""
    return tag("g", tag("title", plain(note)), box, label)


def _column_labels(columns: Sequence[str], left: float, wide: float, frame: Frame) -> list[str]:
    """Below the cells, as many as fit."""
    longest = max(map(len, columns)) * GLYPH + 8
    step = max(1, -(-int(longest) // max(1, int(wide))))
    return [
        words(name, left + at * wide + (wide - GAP) / 2, frame.height - 6, "middle", "tick")
        for at, name in enumerate(columns)
        if at % step == 0 and left + at * wide + longest / 2 <= frame.width + 8
    ]
