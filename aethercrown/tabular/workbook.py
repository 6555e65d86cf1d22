"""Rows of an .xlsx workbook: stored values, never formulas; bounded before anything is unpacked."""

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

from aethercrown.tabular.errors import TableError
from aethercrown.tabular.source import READ_CHARACTERS

MAX_UNPACKED_BYTES = 500_000_000
FREE_BYTES, MAX_RATIO = 20_000_000, 100  # text packs to a tenth, rarely to a fiftieth
MAX_CELLS_IN_A_ROW = 1_000
PIECE = 1 << 20
MAX_UNENDED_BYTES = 4 * PIECE  # a cell holds 32,767 characters
# The attributes of a cell are few. A bound, and no < among them, keep both patterns linear on what
# is no sheet.
FORMULA = re.compile(
    rb'<c\b[^<>]{0,200}?r="([A-Z]{1,3}\d{1,7})"[^<>]{0,200}>\s{0,100}'
    rb"<f\b[^<>]*?(?:/>|>[^<]*</f>)\s{0,100}(<v\b[^<>/]*>)?"
)
MERGED = re.compile(rb'<mergeCell\b[^<>]{0,200}ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


class Exact(str):
    """A cell that a workbook stores as a number or date, written plainly; never localised."""

    __slots__ = ()


class WorkbookSource:
    """One sheet of a workbook; by default the first that has two rows."""

    is_padded = False

    def __init__(self, file: BinaryIO, sheet: str = "") -> None:
        self._file = file
        check_archive(file)
        try:
            book = self._open()
        except (KeyError, ValueError, zipfile.BadZipFile, SyntaxError, TypeError) as error:
            raise TableError(f"the workbook is damaged: {error}") from error
        names = [each.title for each in book.worksheets]
        if sheet and sheet not in names:
            raise TableError(f"there is no sheet {sheet!r}; the workbook has {', '.join(names)}")
        self.sheet = sheet or next((name for name in names if _has_rows(book[name])), "")
        if not self.sheet:
            raise TableError("the workbook is empty")
        path = book[self.sheet]._worksheet_path  # noqa: SLF001 - openpyxl has no public name
        book.close()
        self.formulas, self.unknown, self.merged = scan(file, path)
        if self.unknown:
            raise TableError(
                f"{self.unknown[0]} is a formula without a stored result; open the workbook in a "
                f"spreadsheet program, save it, and upload it again"
            )
        others = [name for name in names if name != self.sheet]
        self.notes = tuple(self._notes(others))

    def _notes(self, others: list[str]) -> Iterator[str]:
        more = f"; not read: {', '.join(others)[:200]}" if others else ""
        yield f"Workbook, sheet {self.sheet}{more}."
        if self.formulas:
            yield f"Stored results of formulas are read, in cells {', '.join(self.formulas[:5])}."

    def _open(self) -> Any:
        from openpyxl import load_workbook  # noqa: PLC0415 - only who reads a workbook waits for it

        self._file.seek(0)
        return load_workbook(self._file, read_only=True, data_only=True)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        book = self._open()
        try:
            sheet = book[self.sheet]
            sheet.reset_dimensions()  # other programs write wrong ones
            for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                written = [written_cell(cell) for cell in cells[:MAX_CELLS_IN_A_ROW]]
                while written and not written[-1]:
                    written.pop()
                if written:
                    yield line, written
        except (KeyError, ValueError, zipfile.BadZipFile, SyntaxError, TypeError) as error:
            raise TableError(f"the workbook is damaged: {error}") from error
        finally:
            book.close()


def _has_rows(sheet: Any) -> bool:
    sheet.reset_dimensions()
    return len(list(islice(sheet.iter_rows(values_only=True), 2))) == 2


def written_cell(cell: Any) -> str:
    """A stored value as text."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return Exact(cell.date() if cell.time() == time() else cell.isoformat(" "))
    if isinstance(cell, date):
        return Exact(cell.isoformat())
    if isinstance(cell, (int, float)):
        return Exact(f"{Decimal(repr(cell)):f}")
    return str(cell).strip()[:READ_CHARACTERS]


def check_archive(file: BinaryIO) -> None:
    """Raise TableError for what is no workbook, or unpacks to too much."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            names = {each.filename for each in entries}
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise TableError("the file is a damaged archive") from error
    unpacked = sum(each.file_size for each in entries)
    packed = sum(each.compress_size for each in entries)
    bomb = unpacked > FREE_BYTES and unpacked > MAX_RATIO * max(packed, 1)
    if bomb or unpacked > MAX_UNPACKED_BYTES:
        raise TableError(f"the archive unpacks from {packed:,} to {unpacked:,} bytes: not read")
    if "xl/workbook.xml" not in names:
        raise TableError("the file is an archive but no .xlsx workbook; unpack it first")


def scan(file: BinaryIO, path: str) -> tuple[list[str], list[str], list[tuple[int, int, str]]]:
    """Cells with formulas, those without a stored result, and merged ranges of a sheet.

    A merged range is its first and last line and its name.
    """
    formulas: list[str] = []
    unknown: list[str] = []
    merged: list[tuple[int, int, str]] = []
    file.seek(0)
    with zipfile.ZipFile(file) as archive, archive.open(path) as sheet:
        rest = b""
        while piece := sheet.read(PIECE):
            text = rest + piece
            if len(text) > MAX_UNENDED_BYTES:
                raise TableError("the workbook is damaged: its sheet has a cell without an end")
            cut = max(text.rfind(b"</c>"), text.rfind(b"<mergeCell "), 0)
            _scan_piece(text[:cut], formulas, unknown, merged)
            rest = text[cut:]
        _scan_piece(rest, formulas, unknown, merged)
    return formulas, unknown, merged


def _scan_piece(
    text: bytes, formulas: list[str], unknown: list[str], merged: list[tuple[int, int, str]]
) -> None:
    for found in FORMULA.finditer(text):
        (formulas if found[2] else unknown).append(found[1].decode())
    for found in MERGED.finditer(text):
        name = f"{found[1].decode()}{int(found[2])}:{found[3].decode()}{int(found[4])}"
        merged.append((int(found[2]), int(found[4]), name))
