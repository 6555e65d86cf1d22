"""A table as a page shows it and as its CSV holds it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from aethercrown.charts.figures import MISSING, Unit, full, signed

Value = str | int | float | Decimal | date | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; `unit` makes its figures worded and set to the right."""

    name: str
    unit: Unit | None = None
    signs: bool = False  # whether + stands before what is above zero
    prose: bool = False  # sentences, which may run over several lines


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure or word, ready to show."""

    text: str
    kind: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; the first column names the row. `paths` link row names."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value]]
    paths: Sequence[str] = ()

    @property
    def header(self) -> list[str]:
        return [each.name for each in self.columns]

    def headings(self) -> list[Cell]:
        return [Cell(each.name, "number" if each.unit else "") for each in self.columns]

    def lines(self) -> list[list[Cell]]:
        """The rows as a page shows them."""
        lines = []
        for place, row in enumerate(self.rows):
            cells = [shown(value, column) for value, column in zip(row, self.columns, strict=True)]
            if place < len(self.paths):
                cells[0] = Cell(cells[0].text, cells[0].kind, self.paths[place])
            lines.append(cells)
        return lines


def shown(value: Value, column: Column) -> Cell:
    """One value in its column; a dash where there is none."""
    if column.unit is not None and not isinstance(value, str | date):
        worded = signed(value, column.unit) if column.signs else full(value, column.unit)
        return Cell(worded, "number")
    kind = "reason" if column.prose else "number" if column.unit else ""
    if isinstance(value, datetime):
        return Cell(f"{value.day} {value:%b %Y, %H:%M}", kind)
    if isinstance(value, date):
        return Cell(f"{value.day} {value:%b %Y}", kind)
    return Cell(MISSING if value is None or value == "" else str(value), kind)
