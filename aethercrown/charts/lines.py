"""Line charts over time; a series may have an interval band."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from aethercrown.charts import plane, ticks
from aethercrown.charts.svg import WIDE, Caption, Frame, drawing, marker, plain, tag, words
from aethercrown.charts.ticks import Scale
from aethercrown.formatting import Number, Unit, clean, date_text, full

MAX_MARKED_POINTS = 14  # a line with more has a marker at its end only


@dataclass(frozen=True, slots=True)
class Series:
    """A line: a value for each day in order; None is a gap. `low` and `high` are its band."""

    name: str
    values: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()

    def numbers(self) -> list[float]:
        every = [*self.values, *self.low, *self.high]
        return [each for value in every if (each := clean(value)) is not None]


def line(
    days: Sequence[date],
    series: Sequence[Series],
    caption: Caption,
    unit: Unit,
    *,
    axis: str = "",
    frame: Frame = WIDE,
) -> str:
    """Lines over a calendar axis; `axis` says what is measured, such as "USD a week"."""
    drawn = [each for each in series if each.numbers()]
    if not days or not drawn:
        return empty_chart(caption, frame)
    marks = ticks.numbers([each for one in drawn for each in one.numbers()], frame.height // 50)
    entries = _entries(series)
    top = plane.legend_height(entries, frame) + (30 if axis else 14)
    across = Scale(
        days[0].toordinal(),
        max(days[-1].toordinal(), days[0].toordinal() + 1),
        plane.gutter(marks, unit),
        frame.width - 12,
    )
    field = plane.Plane(across, Scale(marks[0], marks[-1], frame.height - 28, top))
    dated = ticks.days(days[0], days[-1], 9 if frame.width > 500 else 5)
    parts = [
        *plane.legend(entries, frame, 13),
        words(axis, 2, top - 12, kind="unit") if axis else "",
        *plane.y_grid(field, marks, unit),
        *plane.x_labels(field, [(day.toordinal(), label) for day, label in dated]),
        *(part for index, each in enumerate(series) for part in _band(field, days, each, index)),
        *(part for index, each in enumerate(series) for part in _line(field, days, each, index)),
        *_columns(field, days, series, unit),
    ]
    return drawing(frame, caption, parts)


def empty_chart(caption: Caption, frame: Frame) -> str:
    """A chart that says that there are no data."""
    middle = words("No data in this period", frame.width / 2, frame.height / 2, "middle", "empty")
    return drawing(frame, caption, [middle])


def _entries(series: Sequence[Series]) -> list[plane.Entry]:
    entries = [(each.name, plane.line_sample(index)) for index, each in enumerate(series)]
    banded = [index for index, each in enumerate(series) if each.low and each.high]
    return entries + [("90% interval", plane.band_sample(index)) for index in banded[:1]]


def _band(field: plane.Plane, days: Sequence[date], one: Series, index: int) -> list[str]:
    edges = [
        (day.toordinal(), clean(low), clean(high))
        for day, low, high in zip(days, one.low, one.high, strict=False)
    ]
    known = [(x, low, high) for x, low, high in edges if low is not None and high is not None]
    places = {x for x, _, _ in known}
    inside = {x: (field.point(x, high), field.point(x, low)) for x, low, high in known}
    return [
        plane.area(
            [inside[edges[each][0]][0] for each in run],
            [inside[edges[each][0]][1] for each in run],
            index,
        )
        for run in plane.runs([x in places for x, _, _ in edges])
        if len(run) > 1
    ]


def _line(field: plane.Plane, days: Sequence[date], one: Series, index: int) -> list[str]:
    values = [clean(each) for each, _ in zip(one.values, days, strict=False)]
    points = {
        place: field.point(days[place].toordinal(), value)
        for place, value in enumerate(values)
        if value is not None
    }
    runs = plane.runs([each is not None for each in values])
    parts = [plane.stroke([points[each] for each in run], index) for run in runs if len(run) > 1]
    few = len(points) <= MAX_MARKED_POINTS
    marked = [run for run in runs if few or len(run) == 1 or run is runs[-1]]
    dots = {each for run in marked for each in (run if few else run[-1:])}
    kind = f"chart-dot {plane.colour(index)}"
    return parts + [marker(index, *points[each], kind, 3.5) for each in sorted(dots)]


def _columns(
    field: plane.Plane, days: Sequence[date], series: Sequence[Series], unit: Unit
) -> list[str]:
    """Invisible columns with a tooltip of the day's figures."""
    top, floor = field.up.end, field.up.start
    width = (field.across.end - field.across.start) / max(1, len(days) - 1)
    parts = []
    for place, day in enumerate(days):
        figures = [
            f"{each.name}: {full(each.values[place], unit)}"
            for each in series
            if place < len(each.values)
        ]
        note = tag("title", plain("\n".join([date_text(day), *figures])))
        x = field.across.at(day.toordinal()) - width / 2
        parts.append(
            tag("rect", note, x=x, y=top, width=width, height=floor - top, class_="chart-hit")
        )
    return parts
