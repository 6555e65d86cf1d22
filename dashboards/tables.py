"""A table as a page shows it and as its CSV holds it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from aethercrown.formatting import MISSING, Unit, date_text, full, moment_text, signed
from aethercrown.text import sentence_case


class UnitNumber(NamedTuple):
    """A number in a unit of its own, in a column whose rows have several units."""

    number: float | Decimal | None
    unit: Unit


Value = str | int | float | Decimal | date | datetime | UnitNumber | None
MAX_COLUMNS_ON_PHONE = 3  # columns that fit a phone side by side
TONES = {
    **dict.fromkeys(("healthy", "up", "applied", "measured", "done", "completed"), "good"),
    **dict.fromkeys(("degraded", "warning", "medium"), "warn"),
    **dict.fromkeys(("unhealthy", "down", "critical", "high", "failed", "rejected"), "bad"),
    **dict.fromkeys(("rolled back", "fewer than expected"), "bad"),
    **dict.fromkeys(("as expected", "passed"), "good"),
    **dict.fromkeys(("more than expected",), "warn"),
    **dict.fromkeys(("proposed", "approved", "running"), "accent"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; `unit` makes its figures worded and set to the right."""

    name: str
    unit: Unit | None = None
    signs: bool = False  # whether + stands before what is above zero
    prose: bool = False  # sentences, which may run over several lines
    badge: bool = False  # a word of state, with a capital; its colour says what it means
    csv_only: bool = False  # left out of the page


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure or word, ready to show."""

    text: str
    kind: str
    path: str = ""
    badge: str = ""
    label: str = ""  # its column, for phones, where a row stands upright


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

    @property
    def stacks(self) -> bool:
        """Whether its rows stand upright on a phone."""
        columns = self._page_columns()
        moments = sum(isinstance(each, datetime) for each in self.rows[0]) if self.rows else 0
        is_wide = moments > 1 or any(each.prose for each in columns)
        return len(columns) >= MAX_COLUMNS_ON_PHONE + (not is_wide)

    def headings(self) -> list[Cell]:
        return [Cell(each.name, "number" if each.unit else "") for each in self._page_columns()]

    def lines(self) -> list[list[Cell]]:
        """The rows as a page shows them."""
        lines = []
        for place, row in enumerate(self.rows):
            pairs = zip(row, self.columns, strict=True)
            cells = [format_cell(value, column) for value, column in pairs if not column.csv_only]
            if place < len(self.paths):
                cells[0] = replace(cells[0], path=self.paths[place])
            lines.append(cells)
        return lines

    def csv_rows(self) -> list[list[Value]]:
        """The rows as a CSV holds them."""
        return [csv_row(row) for row in self.rows]

    def _page_columns(self) -> list[Column]:
        return [each for each in self.columns if not each.csv_only]


def csv_row(row: Sequence[Value]) -> list[Value]:
    """A row as a CSV holds it: a quantity is its number."""
    return [each.number if isinstance(each, UnitNumber) else each for each in row]


def format_cell(value: Value, column: Column) -> Cell:
    """One value in its column; a dash where there is none."""
    if isinstance(value, UnitNumber):
        return format_cell(value.number, replace(column, unit=value.unit))
    if column.unit is not None and not isinstance(value, str | date):
        worded = signed(value, column.unit) if column.signs else full(value, column.unit)
        return Cell(worded, "number", label=column.name)
    kind = "reason" if column.prose else "number" if column.unit else ""
    if isinstance(value, date):
        text = moment_text(value) if isinstance(value, datetime) else date_text(value)
        return Cell(text, kind or "when", label=column.name)
    text = MISSING if value is None or value == "" else str(value)
    kind = f"{kind} none".strip() if text == MISSING and column.prose else kind
    if not column.badge or text == MISSING:
        return Cell(text, kind, label=column.name)
    badge = f"badge {TONES.get(text.lower(), '')}".strip()
    return Cell(sentence_case(text), kind, badge=badge, label=column.name)
