"""A chart as a page shows it: in two sizes, with a note and the table behind it; pure."""

from collections.abc import Callable
from dataclasses import dataclass

from aethercrown.charts.svg import NARROW, WIDE, Caption, Frame
from dashboards.tables import Table

Draw = Callable[[Caption, Frame], str]


@dataclass(frozen=True, slots=True)
class Picture:
    """`wide` and `narrow` are SVG made by aethercrown.charts, which escapes what it is given."""

    key: str
    title: str
    wide: str
    narrow: str
    note: str
    table: Table


def picture(draw: Draw, title: str, table: Table, *, note: str = "", says: str = "") -> Picture:
    """Draw for a wide screen and for a phone; `says` describes it to those who do not see it."""
    caption = Caption(table.key, title, says or note or title)
    return Picture(table.key, title, draw(caption, WIDE), draw(caption, NARROW), note, table)
