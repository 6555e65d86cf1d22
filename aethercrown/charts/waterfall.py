"""A waterfall: from one amount to another, step by step, to the last digit."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from aethercrown.charts import plane, ticks
from aethercrown.charts.lines import empty_chart
from aethercrown.charts.svg import GLYPH, WIDE, Caption, Frame, drawing, fitted, plain, tag, words
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Unit, clean, full, short, signed

BAR_SHARE = 0.66


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """A change by its sign; whether it is good is told apart from its direction."""

    name: str
    change: Decimal | float
    good: bool | None = None


def waterfall(
    opening: tuple[str, Decimal | float],
    steps: Sequence[WaterfallStep],
    closing: str,
    caption: Caption,
    unit: Unit,
    *,
    frame: Frame = WIDE,
) -> str:
    """Bars that hang from one another; the first and the last stand on zero."""
    changes = (clean(each.change) or 0.0 for each in steps)
    levels = list(accumulate(changes, initial=clean(opening[1]) or 0.0))
    if not any(levels):
        return empty_chart(caption, frame)
    marks = ticks.numbers(levels, frame.height // 50)
    names = [opening[0], *(each.name for each in steps), closing]
    across = Scale(-0.5, len(names) - 0.5, plane.gutter(marks, unit), frame.width - 12)
    field = plane.Plane(across, Scale(marks[0], marks[-1], frame.height - 34, 22))
    width = BAR_SHARE * (across.end - across.start) / len(names)
    parts = [*plane.y_grid(field, marks, unit), *_names(names, across, frame)]
    ends = ((0, 0.0, levels[0], names[0]), (len(names) - 1, 0.0, levels[-1], closing))
    for at, low, high, name in ends:
        note = f"{name}: {full(high, unit)}"
        parts += _bar(field, at, (low, high), width, ("chart-part part-total", note))
        parts.append(_value(field, at, max(low, high), short(high, unit)))
    for at, step in enumerate(steps):
        span = (levels[at], levels[at + 1])
        note = f"{step.name}: {signed(step.change, unit)}"
        parts += _bar(field, at + 1, span, width, (_kind(step.good), note))
        falls = span[1] < span[0]  # its figure stands below, clear of a neighbour's
        parts.append(_value(field, at + 1, span[1], _short_signed(step, unit), falls=falls))
    parts += [_joint(field, at, level, width) for at, level in enumerate(levels)]
    return drawing(frame, caption, parts)


def _names(names: Sequence[str], across: Scale, frame: Frame) -> list[str]:
    """Below the bars, in two rows where they are long."""
    room = (across.end - across.start) / len(names) - 4
    is_tight = max(map(len, names)) * GLYPH > room
    return [
        words(
            fitted(name, 2 * room if is_tight else room),
            across.at(at),
            frame.height - (3 if is_tight and at % 2 else 16),
            "middle",
            "name",
        )
        for at, name in enumerate(names)
    ]


def _kind(good: bool | None) -> str:  # noqa: FBT001 - the step's own field
    return f"chart-part {'part-good' if good else 'part-total' if good is None else 'part-bad'}"


def _short_signed(step: WaterfallStep, unit: Unit) -> str:
    text = short(step.change, unit)
    return f"+{text}" if (clean(step.change) or 0) > 0 else text


def _bar(
    field: plane.Plane, at: int, span: tuple[float, float], width: float, shown: tuple[str, str]
) -> list[str]:
    top, bottom = sorted((field.up.at(span[0]), field.up.at(span[1])))
    left = field.across.at(at) - width / 2
    kind, note = shown
    box = tag("rect", x=left, y=top, width=width, height=max(1.0, bottom - top), class_=kind)
    return [tag("g", tag("title", plain(note)), box)]


def _value(field: plane.Plane, at: int, height: float, text: str, *, falls: bool = False) -> str:
    y = field.up.at(height) + (13 if falls else -5)
    return words(text, field.across.at(at), y, "middle", "value")


def _joint(field: plane.Plane, at: int, level: float, width: float) -> str:
    y = field.up.at(level)
    left, right = field.across.at(at) + width / 2, field.across.at(at + 1) - width / 2
    return tag("line", x1=left, x2=right, y1=y, y2=y, class_="chart-drop")
