"""KPI tiles: a figure with its unit, period, change, course and definition. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aethercrown.charts.sparkline import sparkline
from aethercrown.formatting import MISSING
from aethercrown.metrics.reading import Change, change, value_text
from aethercrown.metrics.registry import Measured


@dataclass(frozen=True, slots=True)
class Tile:
    """What a tile shows; `tone` of the change says whether it is good, apart from its direction."""

    label: str
    value: str
    note: str = ""
    definition: str = ""
    change: Change | None = None
    compared: str = ""  # the period that the change refers to
    sparkline: str = ""  # SVG, made by aethercrown.charts
    source: str = ""  # the page with the rows
    as_of: datetime | None = None

    @property
    def missing(self) -> bool:
        return self.value == MISSING


def tile(measured: Measured, compared: str = "") -> Tile:
    """The tile of a metric; `compared` says with what its change compares."""
    metric, reading = measured.metric, measured.reading
    earlier = measured.earlier
    return Tile(
        label=metric.title,
        value=value_text(reading.value, metric.unit, measured.query.currency),
        note=reading.note if reading.value is not None else reading.reason,
        definition=metric.definition,
        change=change(reading.value, earlier.value, metric.unit, metric.good)
        if earlier and metric.has_history and reading.value is not None
        else None,
        compared=compared,
        sparkline=sparkline([value for _, value in reading.series]),
        source=metric.source,
        as_of=measured.as_of,
    )


def tiles(measured: Iterable[Measured], compared: str = "") -> list[Tile]:
    return [tile(each, compared) for each in measured]
