"""Read a file by the choices about it: what was recognised and what storing it would change."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

from django.conf import settings

from aethercrown.csv.reader import RowError
from aethercrown.currencies import CODES
from aethercrown.tabular.dates import ORDERS
from aethercrown.tabular.errors import TableError
from aethercrown.tabular.numbers import BY_NAME
from aethercrown.tabular.opening import open_table
from aethercrown.tabular.presets import presets
from aethercrown.tabular.recognise import Choices, Layout, recognise
from aethercrown.tabular.rows import RowReader
from operations.imports import reports
from operations.imports.outcome import CheckOutcome
from operations.imports.registry import (
    CheckedFile,
    CheckOptions,
    Findings,
    ImportTarget,
    import_targets,
)

CHOICE_NAMES = {
    *("preset", "columns", "constants", "date_order", "number_format", "currency", "zero"),
    *("rates", "header_line", "add_up", "update", "sheet"),
}


class InvalidChoices(ValueError):
    """The choices about a file are invalid; the message names every one."""


@dataclass(slots=True)
class FileCheck:
    """The result of a check.

    `layout` is None where the file could not be read, `checked` where questions are open.
    """

    target: ImportTarget
    layout: Layout | None
    findings: Findings
    checked: CheckedFile | None = None

    @property
    def outcome(self) -> CheckOutcome:
        """What it found, without the open file."""
        return CheckOutcome(self.layout, self.findings, self.checked is not None)

    @property
    def is_storable(self) -> bool:
        return self.outcome.is_storable


TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("columns", "constants", "rates"), (Mapping,)),
    **dict.fromkeys(("preset", "date_order", "number_format", "currency", "sheet"), (str,)),
    "zero": (list, tuple),
    "header_line": (int,),
    "add_up": (bool,),
    "update": (bool,),
}


def _of_wrong_type(given: Mapping[str, Any]) -> Iterator[str]:
    """What is no text, list or mapping where one is meant; rates are checked as numbers."""
    for name, kinds in TYPES.items():
        value: Any = given.get(name)
        fits: bool = value is None or isinstance(value, kinds)
        if not fits:
            yield f"{name} cannot be {str(value)[:20]!r}"
        elif name in {"columns", "constants"} and value:
            for field, column in value.items():
                if not isinstance(column, str):
                    yield f"{name}: {field} is a text, not {str(column)[:20]!r}"
        elif name == "zero" and any(not isinstance(each, str) for each in value or ()):
            yield "zero is a list of names"


def read_choices(given: Mapping[str, Any]) -> Choices:
    """From JSON or a form. Raises InvalidChoices."""
    if wrong := list(_of_wrong_type(given)):
        raise InvalidChoices("; ".join(wrong))
    problems = [f"unknown: {name}" for name in sorted(set(given) - CHOICE_NAMES)]
    named: dict[str, Collection[str]] = {
        "date_order": ORDERS,
        "number_format": BY_NAME,
        "currency": CODES,
    }
    for name, known in named.items():
        if given.get(name) and given[name] not in known:
            listed = "a code such as USD" if name == "currency" else ", ".join(known)
            problems.append(f"{name} is {listed}, not {str(given[name])[:20]!r}")
    preset = given.get("preset") or ""
    if preset not in {"", "none", *presets.names()}:
        problems.append(f"preset is one of {', '.join(presets.names())}, none")
    rates = _rates(given.get("rates") or {}, problems)
    if problems:
        raise InvalidChoices("; ".join(problems))
    return Choices(
        preset=preset,
        columns=dict(given.get("columns") or {}),
        constants=dict(given.get("constants") or {}),
        date_order=given.get("date_order") or "",
        number_format=given.get("number_format") or "",
        currency=given.get("currency") or "",
        zero=frozenset(given.get("zero") or ()),
        rates=rates,
        header_line=int(given.get("header_line") or 0),
        add_up=given.get("add_up"),
    )


def _rates(given: Mapping[str, Any], problems: list[str]) -> dict[str, Decimal]:
    rates = {}
    for code, rate in given.items():
        try:
            rates[code] = Decimal(str(rate))
        except InvalidOperation:
            rates[code] = Decimal(0)
        if code not in CODES or not (rates[code].is_finite() and 0 < rates[code] < 1_000_000):
            problems.append(f"a rate is such as EUR=1.08, not {code}={str(rate)[:20]}")
    return rates


def choices_of(kind: str, given: Mapping[str, Any]) -> Choices:
    """The choices about a file of a kind. Raises UnknownName for the kind and InvalidChoices."""
    choices, columns = read_choices(given), import_targets.get(kind).columns
    named = {*choices.columns, *choices.constants, *choices.zero}
    if strange := sorted(named - {each.name for each in columns}):
        raise InvalidChoices(f"{kind} has no field {', '.join(strange)}")
    return choices


@contextmanager
def check_file(
    file: BinaryIO, kind: str, given: Mapping[str, Any], today: date
) -> Iterator[FileCheck]:
    """Check a file; what it holds can be stored until the end of the block.

    Raises UnknownName for the kind and InvalidChoices.
    """
    result = FileCheck(import_targets.get(kind), None, Findings())
    choices = choices_of(kind, given)
    try:
        try:
            _read(result, file, choices, given, today)
        except TableError as error:
            result.findings.blame(RowError(error.line, "", str(error)))
        yield result
    finally:
        if result.checked:
            result.checked.close()


def _read(
    result: FileCheck, file: BinaryIO, choices: Choices, given: Mapping[str, Any], today: date
) -> None:
    """Recognise the file and check its rows. Raises TableError where it cannot be read."""
    columns, default = result.target.columns, settings.DEFAULT_CURRENCY
    source = open_table(file, str(given.get("sheet") or ""))
    result.layout = recognise(source, result.target.kind, columns, choices, default)
    if "zero" not in given:
        _remember_blanks(result.layout, result.target.kind)
    rows = RowReader.of(source, columns, result.layout, choices, default)
    _check_rows(result, rows, given, today)


def _remember_blanks(layout: Layout, kind: str) -> None:
    """Read blank cells as the last stored file of the same source was read, and say so."""
    last = reports.last_of_source(kind, source_of(layout))
    if last is not None and (zero := last.summary.get("zero")):
        layout.zero = frozenset(zero)
        layout.notes.append(f"Blank cells of {', '.join(zero)} count as 0, as in {last}.")


def source_of(layout: Layout) -> str:
    """What a file is of: the program that wrote it, else its header."""
    names = "\n".join(layout.header.names)
    return layout.preset.name if layout.preset else hashlib.sha256(names.encode()).hexdigest()


def _check_rows(result: FileCheck, rows: RowReader, given: Mapping[str, Any], today: date) -> None:
    layout = rows.layout
    for problem in layout.problems:
        result.findings.blame(RowError(layout.header.line, "", problem))
    for question in layout.questions:
        result.findings.blame(RowError(0, question.field, question.text))
    if layout.problems or layout.questions:
        return
    options = CheckOptions(today, update=bool(given.get("update")))
    result.checked = result.target.check(rows, options)
    result.findings = result.checked.findings
    layout.notes.extend(rows.remarks())
    if not result.findings.rows and not result.findings.fault_count:
        result.findings.blame(RowError(0, "", "there is no row below the header"))
