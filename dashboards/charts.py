"""A chart as a page shows it: in three sizes, with a note and the table behind it; pure."""

from collections.abc import Callable
from dataclasses import dataclass

from aethercrown.charts.svg import MEDIUM, NARROW, WIDE, Caption, Frame
from dashboards.tables import Table

SIZES = (WIDE, MEDIUM, NARROW)  # the style sheet shows the one that fits
Draw = Callable[[Caption, Frame], str]


@dataclass(frozen=True, slots=True)
class PageChart:
    """`drawings` are SVG made by aethercrown.charts, which escapes what it is given."""

    key: str
    title: str
    drawings: tuple[str, ...]
    note: str
    table: Table


def page_chart(
    draw: Draw, table: Table, *, title: str = "", note: str = "", says: str = ""
) -> PageChart:
    """Draw for each width of a card. `says` is for screen readers; `title` may be the table's."""
    title = title or table.title
    caption = Caption(table.key, title, says or note or title)
    drawings = tuple(draw(caption, frame) for frame in SIZES)
    return PageChart(table.key, title, drawings, note, table)
