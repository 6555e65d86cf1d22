"""CSV export, safe for spreadsheets: text that would run as a formula is quoted.

Numbers stay numbers, so a negative amount is not quoted; `text` in reader.py restores the original.
"""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from math import isfinite

from django.http import StreamingHttpResponse

from aethercrown.csv.reader import FORMULA
from aethercrown.history import audit_hooks
from aethercrown.registry import Registry

Cell = str | int | float | bool | Decimal | date | datetime | None


class _Echo:
    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Exporter:
    """One kind of rows to export."""

    kind: str
    title: str
    header: tuple[str, ...]
    rows: Callable[[], Iterable[Sequence[Cell]]]

    @property
    def name(self) -> str:
        return self.kind


exporters = Registry[Exporter]("export")
register, named, kinds = exporters.register, exporters.get, exporters.names


def note(what: str, subject: str) -> None:
    """Record the export in the audit."""
    audit_hooks.record(stream="exports", event=f"{what}.exported", subject=subject)


def written(cell: Cell) -> str:
    """The cell as text; empty where nothing is known, also of what is no finite number."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    if isinstance(cell, (Decimal, float)):
        return _number(cell)
    if isinstance(cell, str):
        return FORMULA.sub(r"\1'", cell)
    return str(cell)


def _number(value: Decimal | float) -> str:
    """All digits of a number, without an exponent; empty for infinity and NaN."""
    if isinstance(value, float):
        return f"{Decimal(str(value)):f}" if isfinite(value) else ""
    return f"{value:f}" if value.is_finite() else ""


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The file line by line, each ending in CR LF (RFC 4180)."""
    writer = csv.writer(_Echo())
    yield str(writer.writerow([written(name) for name in header]))
    for row in rows:
        yield str(writer.writerow([written(cell) for cell in row]))


class ClosedLines:
    """The parts of a file; who closes them, as Django does with a response, closes the rows."""

    def __init__(self, parts: Iterable[object], rows: Iterable[object]) -> None:
        self.parts, self.rows = iter(parts), rows

    def __iter__(self) -> Iterator[object]:
        return self.parts

    def close(self) -> None:
        if (close := getattr(self.rows, "close", None)) is not None:
            close()


def csv_response(
    name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """A streamed download for people; `name` is without its suffix.

    A byte order mark comes first: without it Excel reads UTF-8 as the machine's own code page.
    """
    lines = chain([codecs.BOM_UTF8], csv_lines(header, rows))
    response = StreamingHttpResponse(
        ClosedLines(lines, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
