"""A strict CSV reader: named columns, and one reason for every bad cell.

A field reads the column of its own name, or the one that the caller maps to it. A field of `many`
columns is mapped by a pattern with one `*`; the matched part names each value.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, BinaryIO, NamedTuple

from aethercrown import cancellation
from aethercrown.currencies import CODES

# What a spreadsheet would run, at the start of a cell or after a character at which it may split
# the cell in two: the normal and the full-width signs. export.py puts a quote before it.
SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\t\r"
FORMULA = re.compile(rf"(^|[;|\t\r\n])(?=[ ']*[{SIGNS}])")
QUOTED_FORMULA = re.compile(rf"(^|[;|\t\r\n])'(?=[ ']*[{SIGNS}])")
MAX_CELL_CHARACTERS = 10_000  # checked before any pattern
CENT = Decimal("0.01")
MOST = Decimal("999999999999.99")
PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}([ ,.'\u00a0]\d{3})+([.,]\d+)?|[+-]?(?<!\d)\d+,\d+")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class InvalidCSV(ValueError):
    """Why a cell is invalid; shown with its row and column."""


class RowError(NamedTuple):
    """An error and its place; row 1 is the header, row 0 the whole file."""

    row: int
    column: str
    reason: str


class CSVRow(NamedTuple):
    """One good row: a value for every field, None where an optional one is empty."""

    row: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CSVColumn:
    """A field of the import: how its cell is read, and whether it is required.

    A field of `many` columns is a mapping of values; empty cells are left out. `cell` is what its
    cells are: text, number, amount (a number of money), date or currency; `headers` are other names
    of it, in lower case.
    """

    name: str
    read: Callable[[str], Any]
    required: bool = True
    many: bool = False
    about: str = ""
    cell: str = "text"
    headers: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        return self.cell in {"number", "amount"}

    @property
    def usual(self) -> str:
        """The name of its column, or the pattern of its many columns, where nothing is mapped."""
        return f"{self.name}_*" if self.many else self.name


def text(cell: str, longest: int = 100) -> str:
    """Text; the quote that our export puts before a formula is removed."""
    cell = QUOTED_FORMULA.sub(r"\1", cell)
    if CONTROL.search(cell):
        raise InvalidCSV("has a control character in it")
    if len(cell) > longest:
        raise InvalidCSV(f"has {len(cell)} characters; at most {longest} fit")
    return cell


def too_long(cell: str) -> str:
    return f"has {len(cell):,} characters; at most {MAX_CELL_CHARACTERS:,} fit"


def number(cell: str) -> Decimal:
    """A finite number, written plainly: 1234.50."""
    if not PLAIN_NUMBER.fullmatch(cell):
        if GROUPED_NUMBER.fullmatch(cell):
            raise InvalidCSV(f"{cell!r} has separators in it; write it plainly, as 1234.50")
        raise InvalidCSV(f"{cell[:40]!r} is not a finite number")
    return Decimal(cell)


def money(cell: str) -> Decimal:
    """An amount of 0 or more, rounded half-even to two decimals."""
    amount = number(cell)
    if amount < 0:
        raise InvalidCSV(f"must be 0 or more, not {cell}")
    if amount > MOST:
        raise InvalidCSV(f"must be at most {MOST}, not {cell}")
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def day(cell: str) -> date:
    """An ISO 8601 date."""
    try:
        return date.fromisoformat(cell[:10] if cell[10:] in {"T00:00:00", " 00:00:00"} else cell)
    except ValueError:
        raise InvalidCSV(f"{cell[:40]!r} is not a date; write it as 2026-03-31") from None


def flag(cell: str) -> bool:
    """Yes or no, true or false, 1 or 0."""
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if cell.lower() not in known:
        raise InvalidCSV(f"{cell[:40]!r} is neither yes nor no")
    return known[cell.lower()]


def currency(cell: str) -> str:
    """An ISO 4217 code."""
    if cell not in CODES:
        raise InvalidCSV(f"{cell[:40]!r} is not a currency code such as USD")
    return cell


def mapping(pairs: Sequence[str]) -> dict[str, list[str]]:
    """Read `field=column` pairs; ValueError names the first that is not one."""
    wanted: dict[str, list[str]] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not (equals and field.strip() and column.strip()):
            raise ValueError(f"{pair!r} is not of the form field=column")
        wanted.setdefault(field.strip(), []).append(column.strip())
    return wanted


def matching_columns(header: Sequence[str], pattern: str, *, many: bool) -> list[tuple[int, str]]:
    """Place and name of the column, or of each that a pattern of many matches."""
    before, star, after = pattern.partition("*")
    if not (star and many):
        same = pattern.casefold()
        return [(at, name) for at, name in enumerate(header) if name.casefold() == same][:1]
    shape = re.compile(re.escape(before) + "(.+)" + re.escape(after))
    matches = [(at, shape.fullmatch(name)) for at, name in enumerate(header)]
    return [(at, match[1].strip()) for at, match in matches if match and match[1].strip()]


def decoded(file: BinaryIO) -> Iterator[str]:
    """The lines as text, decoded one by one, so that a wrong byte is reported in its line."""
    file.seek(0)
    for at, line in enumerate(file):
        yield (line if at else line.removeprefix(codecs.BOM_UTF8)).decode("utf-8")


class CSVReader:
    """Reads a CSV file by its columns. `faults` are the errors of the header.

    Iterating gives a CSVRow for a good row and every RowError of a bad one; blank lines are skipped
    but counted, so that a row's number is its line in an editor.
    """

    def __init__(
        self,
        file: BinaryIO,
        columns: Sequence[CSVColumn],
        wanted: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.columns = columns
        self._reader = csv.reader(decoded(file), strict=True)
        self.faults: list[RowError] = []
        self.header = self._first()
        self.places: dict[str, list[tuple[int, str]]] = {}
        if not self.faults:
            self._place(wanted or {})

    def _first(self) -> list[str]:
        for line in self._lines():
            if isinstance(line, RowError):
                self.faults.append(line)
                return []
            header = [name.strip() for name in line[1]]
            longest = max(header, key=len, default="")
            if len(longest) > MAX_CELL_CHARACTERS:
                self.faults.append(RowError(1, "", f"a column's name {too_long(longest)}"))
                return []
            if len(header) == 1 and re.search("[;\t|]", header[0]):
                self.faults.append(RowError(1, "", "columns are not separated by commas"))
            twice = sorted({name for name in header if name and header.count(name) > 1})
            self.faults.extend(RowError(1, name, "is in the header twice") for name in twice)
            return header
        self.faults.append(RowError(0, "", "the file is empty"))
        return []

    def _place(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Find each field's column; say which are missing and what was found instead."""
        fields = {column.name for column in self.columns}
        for name in sorted(set(wanted) - fields):
            reason = f"is not a field of this import; it has {', '.join(sorted(fields))}"
            self.faults.append(RowError(1, name, reason))
        for column in self.columns:
            patterns = wanted.get(column.name) or [column.usual]
            found = [
                place
                for each in patterns
                for place in matching_columns(self.header, each, many=column.many)
            ]
            self.places[column.name] = found
            if not found and (column.required or column.name in wanted):
                names = ", ".join(self.header)
                reason = f"no column {' or '.join(patterns)}; the file has: {names[:500]}"
                self.faults.append(RowError(1, column.name, reason))

    def _lines(self) -> Iterator[tuple[int, list[str]] | RowError]:
        """Every line that is not blank, with its number; a RowError ends it."""
        while True:
            at = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield RowError(at, "", f"cannot be read as CSV: {error}")
                return
            except UnicodeDecodeError as error:
                bad = error.object[error.start]
                yield RowError(
                    at, "", f"byte 0x{bad:02x} is not UTF-8 text; save the file as UTF-8"
                )
                return
            if any(cell.strip() for cell in cells):
                yield at, cells

    def __iter__(self) -> Iterator[CSVRow | RowError]:
        for line in self._lines():
            cancellation.checkpoint()
            if isinstance(line, RowError):
                yield line
                continue
            row, cells = line
            if len(cells) != len(self.header):
                reason = f"has {len(cells)} cells where the header has {len(self.header)}"
                yield RowError(row, "", reason)
                continue
            values: dict[str, Any] = {}
            faults: list[RowError] = []
            for column in self.columns:
                values[column.name] = self._value(column, row, cells, faults)
            if faults:
                yield from faults
            else:
                yield CSVRow(row, values)

    def _value(self, column: CSVColumn, row: int, cells: list[str], faults: list[RowError]) -> Any:
        """The field's value; for a field of many columns, a value by name."""
        read: dict[str, Any] = {}
        for at, name in self.places[column.name]:
            cell = cells[at].strip()
            if not cell and column.required and not column.many:
                faults.append(RowError(row, self.header[at], "is empty"))
            elif len(cell) > MAX_CELL_CHARACTERS:
                faults.append(RowError(row, self.header[at], too_long(cell)))
            elif cell:
                try:
                    read[name] = column.read(cell)
                except InvalidCSV as reason:
                    faults.append(RowError(row, self.header[at], str(reason)))
        return read if column.many else next(iter(read.values()), None)
