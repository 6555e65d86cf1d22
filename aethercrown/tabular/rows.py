"""Rows of a file in its layout, as plain text for the columns of the import; totals set aside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from aethercrown import cancellation
from aethercrown.csv.reader import (
    MAX_CELL_CHARACTERS,
    CSVColumn,
    CSVRow,
    InvalidCSV,
    RowError,
)
from aethercrown.formatting import counted
from aethercrown.tabular import dates, numbers
from aethercrown.tabular.layout import names_total
from aethercrown.tabular.recognise import CURRENCY, Choices, Layout, looks_total
from aethercrown.tabular.source import Source
from aethercrown.tabular.workbook import Exact

CENT = Decimal("0.01")
MAX_TOTALS, LINES_LISTED = 100, 5
TOO_LONG = f"has more than {MAX_CELL_CHARACTERS:,} characters"


@dataclass(frozen=True, slots=True)
class TotalRow:
    """A row that is a total: its amounts, the sums of the rows up to it, and its name, if any."""

    line: int
    name: str
    amounts: dict[str, Decimal]
    running: dict[str, Decimal]


@dataclass(slots=True)
class RowReader:
    """Reads the rows below the header, once; raises TableError.

    Afterwards `sums` are those of all good rows, `blank` counts cells without a value by field, and
    `remarks` say what was left out.
    """

    source: Source
    columns: Sequence[CSVColumn]
    layout: Layout
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    rate_currency: str = ""
    sums: dict[str, Decimal] = field(default_factory=dict)
    blank: dict[str, int] = field(default_factory=dict)
    blank_lines: dict[str, list[int]] = field(default_factory=dict)  # the first few
    totals: list[TotalRow] = field(default_factory=list)
    footnotes: list[tuple[int, str]] = field(default_factory=list)
    _added: list[str] = field(default_factory=list)
    _dated: str = ""

    @classmethod
    def of(
        cls,
        source: Source,
        columns: Sequence[CSVColumn],
        layout: Layout,
        choices: Choices,
        currency: str,
    ) -> "RowReader":
        """A reader that converts amounts by the choices' rates into the chosen currency."""
        return cls(source, columns, layout, choices.rates, choices.currency or currency)

    def __iter__(self) -> Iterator[CSVRow | RowError]:
        columns, places = self.columns, self.layout.places
        self._added = [c.name for c in columns if c.is_numeric and c.name in places]
        self._dated = next((c.name for c in columns if c.cell == "date" and c.required), "")
        for line, cells in self.source.rows():
            cancellation.checkpoint()
            if line > self.layout.header.line:
                yield from self._row(line, cells)
        yield from self._unexplained()

    def _row(self, line: int, cells: list[str]) -> Iterator[CSVRow | RowError]:
        width = len(self.layout.header.names)
        if self._is_aside(line, cells):
            return
        if any(cells[width:]) or (len(cells) < width and self.source.is_padded):
            yield RowError(line, "", f"has {len(cells)} cells where the header has {width}")
            return
        faults: list[RowError] = []
        values = {each.name: self._value(each, line, cells, faults) for each in self.columns}
        named = self._names() if self._dated else ()  # without dates a customer may have that name
        suspect = next((c for c in named if names_total(values[c] or "")), None)
        if suspect and not faults:
            reason = f"{values[suspect]!r} looks like a total with a date; remove the row"
            faults.append(RowError(line, suspect, reason))
        if faults:
            yield from faults
            return
        if fault := self._convert(line, values):
            yield fault
            return
        for name in self._added:
            if isinstance(values[name], Decimal):
                self.sums[name] = self.sums.get(name, Decimal(0)) + values[name]
        yield CSVRow(line, values)

    def _names(self) -> list[str]:
        return [
            each.name
            for each in self.columns
            if each.cell == "text" and each.required and each.name in self.layout.places
        ]

    def _cell(self, name: str, cells: Sequence[str]) -> str:
        at = self.layout.places.get(name)
        if at is None:
            return self.layout.constants.get(name, "")
        cell = cells[at] if at < len(cells) else ""
        return "" if cell and numbers.is_none(cell) else cell

    def _is_aside(self, line: int, cells: Sequence[str]) -> bool:
        """Set a total or a footnote aside: a row without a date."""
        if not self._dated or dates.readings(self._cell(self._dated, cells)):
            return False
        amounts = self._amounts(cells)
        named, first = looks_total(cells), next(filter(None, cells), "")
        if amounts and (named or (not cells[0] and not self._cell(self._dated, cells))):
            if len(self.totals) < MAX_TOTALS:
                name = first if named else ""
                self.totals.append(TotalRow(line, name, amounts, dict(self.sums)))
            return True
        if named or (not amounts and len([each for each in cells if each]) <= 2):
            self.footnotes.append((line, first[:60]))
            return True
        return False

    def _amounts(self, cells: Sequence[str]) -> dict[str, Decimal]:
        found = {}
        for name in self._added:
            cell = self._cell(name, cells)
            plain = self._plain_number(cell) if cell else None
            if plain is not None:
                found[name] = Decimal(plain)
        return found

    def _plain_number(self, cell: str) -> str | None:
        if isinstance(cell, Exact):
            return cell if numbers.PLAIN.fullmatch(cell) else None
        written = numbers.BY_NAME[self.layout.number_format]
        plain = written.plain(cell)
        return written.plain(numbers.undecorated(cell)) if plain is None else plain

    def again(self) -> "RowReader":
        """A reader of the same rows."""
        return RowReader(self.source, self.columns, self.layout, self.rates, self.rate_currency)

    def _value(self, column: CSVColumn, line: int, cells: list[str], faults: list[RowError]) -> Any:
        if column.many:
            return self._values(column, line, cells, faults)
        cell = self._cell(column.name, cells)
        where = self.layout.column_of(column.name) or column.name
        if not cell:
            return self._missing(column, line, where, faults)
        return self._read(column, line, where, cell, faults)

    def _values(
        self, column: CSVColumn, line: int, cells: list[str], faults: list[RowError]
    ) -> dict[str, Any]:
        """The values of a field of many columns, by name; those without a value are left out."""
        found = {}
        for at, name in self.layout.many[column.name]:
            cell = cells[at] if at < len(cells) else ""
            if cell and not numbers.is_none(cell):
                where = self.layout.header.names[at]
                found[name] = self._read(column, line, where, cell, faults)
        return found

    def _read(
        self, column: CSVColumn, line: int, where: str, cell: str, faults: list[RowError]
    ) -> Any:
        if len(cell) > MAX_CELL_CHARACTERS:
            faults.append(RowError(line, where, TOO_LONG))
            return None
        try:
            return column.read(self._plain(column, cell))
        except (InvalidCSV, InvalidOperation) as reason:
            faults.append(RowError(line, where, str(reason)))
            return None

    def _missing(self, column: CSVColumn, line: int, where: str, faults: list[RowError]) -> Any:
        if column.is_numeric and column.name in self.layout.places:
            self.blank[column.name] = self.blank.get(column.name, 0) + 1
            lines = self.blank_lines.setdefault(column.name, [])
            lines.extend([line] if len(lines) < LINES_LISTED else [])
            if column.name in self.layout.zero:
                return column.read("0")
        if column.required:
            faults.append(RowError(line, where, "is empty"))
        return None

    def _plain(self, column: CSVColumn, cell: str) -> str:
        """The cell as the column reads it. Raises InvalidCSV."""
        if column.is_numeric:
            plain = self._plain_number(cell)
            if plain is None:
                example = numbers.BY_NAME[self.layout.number_format].example
                raise InvalidCSV(f"{cell[:40]!r} is not a number such as {example}")
            return plain
        if column.cell == "date":
            found = dates.readings(cell)
            on = found.get("") or found.get(self.layout.date_order)
            if on is None:
                raise InvalidCSV(f"{cell[:40]!r} is not a date")
            return on.isoformat()
        if "\n" in cell or "\r" in cell:  # a quoted name over two lines
            cell = " ".join(cell.split())
        return cell.upper() if column.name == CURRENCY else cell

    def _convert(self, line: int, values: dict[str, Any]) -> RowError | None:
        """Convert the amounts of another currency; a fault where one is too large then."""
        rate = self.rates.get(values.get(CURRENCY) or "")
        if rate is None:
            return None
        for column in self.columns:
            if column.cell == "amount" and values[column.name] is not None:
                try:
                    values[column.name] = column.read(f"{values[column.name] * rate:f}")
                except InvalidCSV as reason:
                    return RowError(line, column.name, str(reason))
        values[CURRENCY] = self.rate_currency
        return None

    def _unexplained(self) -> Iterator[RowError]:
        """Rows of amounts without date and name that are the sum of nothing."""
        for each in self.totals:
            if not each.name and not self._matches(each):
                yield RowError(each.line, self._dated, "is empty, and the amounts are no total")

    def _matches(self, total: TotalRow) -> bool:
        """Whether it is the sum of all rows, or of those since the total before it.

        Fields with blank cells are not compared, where there are others.
        """
        before: dict[str, Decimal] = {}
        for each in self.totals:
            if each.line < total.line:
                before = each.running
        zero = Decimal(0)
        compared = [name for name in total.amounts if name not in self.blank] or total.amounts
        part = {name: amount - before.get(name, zero) for name, amount in total.running.items()}
        return any(
            all(abs(sums.get(name, zero) - total.amounts[name]) < CENT for name in compared)
            for sums in (self.sums, total.running, part)
        )

    def remarks(self) -> Iterator[str]:
        """What was set aside, and what its totals say beside the rows."""
        for each in self.totals[:10]:
            said = ", ".join(f"{name} {amount:,}" for name, amount in each.amounts.items())
            sums = {name: self.sums.get(name, Decimal(0)) for name in each.amounts}
            if self._matches(each) and not set(each.amounts) & set(self.blank):
                yield f"Line {each.line} is a total and was skipped; it agrees: {said}."
            else:
                added = ", ".join(f"{name} {amount:,}" for name, amount in sums.items())
                start = f"Line {each.line} is a total and was skipped: {said}"
                yield f"{start}; the rows add up to {added}."
        if len(self.totals) > 10:
            yield f"{len(self.totals)} totals were skipped in all."
        for line, start in self.footnotes[:5]:
            yield f"Line {line} has no date and no amount and was skipped: {start}"
        for name, count in sorted(self.blank.items()):
            listed = ", ".join(map(str, self.blank_lines[name]))
            meaning = "counted as 0" if name in self.layout.zero else "unknown, not 0"
            more = ", …" * (count > LINES_LISTED)
            yield f"{name} is blank in {counted(count, 'row')} (line {listed}{more}): {meaning}."
