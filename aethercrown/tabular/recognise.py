"""Read a file once and say what it is: preset, columns, number format, order of dates, currency."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice

from aethercrown.csv.reader import CSVColumn, matching_columns
from aethercrown.tabular import dates, numbers
from aethercrown.tabular.dates import OrderEvidence
from aethercrown.tabular.errors import TableError
from aethercrown.tabular.layout import HEADER_LINES, Header, find_header, names_total
from aethercrown.tabular.numbers import FormatEvidence
from aethercrown.tabular.presets import Preset, header_currency, normalized, presets, recognised
from aethercrown.tabular.source import Source
from aethercrown.tabular.workbook import Exact, WorkbookSource

CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decided about a file; what is empty is recognised.

    `columns` maps fields to headers ("" for none; of a field of many columns patterns, one a line),
    `constants` fields to a value for every row.
    `zero` are fields whose blank cells mean 0. `rates` convert into `currency`. `add_up` says
    whether rows of one key are added up.
    """

    preset: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    date_order: str = ""
    number_format: str = ""
    currency: str = ""
    zero: frozenset[str] = frozenset()
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    header_line: int = 0
    add_up: bool | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the file does not say; `field` names the choice that answers it."""

    field: str
    text: str


@dataclass(slots=True)
class Layout:
    """How to read a file, with what to say about it."""

    header: Header
    preset: Preset | None
    places: dict[str, int]
    constants: dict[str, str]
    number_format: str = "point"
    date_order: str = ""
    add_up: bool = False
    notes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    samples: list[list[str]] = field(default_factory=list)
    zero: frozenset[str] = frozenset()
    many: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # places and names

    def column_of(self, name: str) -> str:
        """The header of the column that a field comes from; empty for none."""
        return self.header.names[self.places[name]] if name in self.places else ""


def recognise(
    source: Source, kind: str, columns: Sequence[CSVColumn], choices: Choices, default: str
) -> Layout:
    """Raises TableError for a file without a table. `default` is the currency if none is found."""
    layout = _placed(source, kind, columns, choices)
    evidence = _Evidence(columns, layout)
    for line, cells in source.rows():
        if line > layout.header.line:
            evidence.add(cells)
    _decide_numbers(layout, choices, evidence.formats)
    _decide_dates(layout, choices, evidence.orders)
    _decide_currency(layout, columns, choices, evidence, default)
    if isinstance(source, WorkbookSource):
        layout.problems.extend(_merged(source, layout.header.line))
    return layout


def _placed(source: Source, kind: str, columns: Sequence[CSVColumn], choices: Choices) -> Layout:
    """The layout with its header and columns."""
    top = list(islice(source.rows(), HEADER_LINES))
    known = {each for column in columns for each in (column.name, *column.headers)}
    known |= {name for each in presets if each.kind == kind for name in each.signature}
    header = find_header(top, known, choices.header_line)
    if header is None:
        raise TableError("the file is empty")
    preset = _chosen_preset(header, kind, choices)
    layout = Layout(header, preset, {}, {}, notes=list(source.notes), zero=choices.zero)
    names = [normalized(each) for each in header.names]
    constants = {**(preset.constants if preset else {}), **choices.constants}
    for column in columns:
        if column.many:
            _place_many(column, layout, choices)
            continue
        at = _place(column, names, preset, choices, layout.problems)
        if at is not None and (column.name in choices.columns or column.name not in constants):
            layout.places[column.name] = at
        elif constants.get(column.name):
            layout.constants[column.name] = constants[column.name]
        elif column.required:
            listed = ", ".join(filter(None, header.names))[:500]
            layout.problems.append(
                f"no column for {column.name}; choose one or a value for every row; "
                f"the file has: {listed}"
            )
    _say_places(layout)
    of_many = {names[at] for places in layout.many.values() for at, _ in places}
    strange = set(names) - {""} - of_many - {n for c in columns for n in (c.name, *c.headers)}
    layout.add_up = bool(preset or strange) if choices.add_up is None else choices.add_up
    layout.samples = [cells for line, cells in top if line > header.line][:3]
    return layout


def _chosen_preset(header: Header, kind: str, choices: Choices) -> Preset | None:
    if choices.preset == "none":
        return None
    return presets.get(choices.preset) if choices.preset else recognised(header.names, [kind])


def _place(
    column: CSVColumn,
    names: Sequence[str],
    preset: Preset | None,
    choices: Choices,
    problems: list[str],
) -> int | None:
    """The column that a field comes from; None for none."""
    if column.name in choices.columns:
        wanted = choices.columns[column.name]
        found = [at for at, name in enumerate(names) if name == normalized(wanted)]
        if wanted and not found:
            problems.append(f"no column {wanted} for {column.name}")
    else:
        likely = preset.columns.get(column.name, ()) if preset else (column.name, *column.headers)
        likeliest = next((each for each in likely if each in names), None)
        found = [at for at, name in enumerate(names) if name == likeliest]
    if len(found) > 1:
        problems.append(f"{names[found[0]]} is in the header twice; rename one of the two")
    return found[0] if found else None


def _place_many(column: CSVColumn, layout: Layout, choices: Choices) -> None:
    """The columns of a field of many, by its patterns."""
    patterns = choices.columns.get(column.name, column.usual).splitlines()
    names = layout.header.names
    layout.many[column.name] = found = [
        place for each in patterns for place in matching_columns(names, each.strip(), many=True)
    ]
    if not found and (column.required or column.name in choices.columns):
        listed = ", ".join(filter(None, names))[:500]
        layout.problems.append(
            f"no column {' or '.join(patterns)} for {column.name}; the file has: {listed}"
        )


def _say_places(layout: Layout) -> None:
    header = layout.header
    if layout.preset:
        layout.notes.append(f"Recognised as an export of {layout.preset.title}.")
    if header.titles:
        layout.notes.append(
            f"Header on line {header.line}, below: {'; '.join(header.titles)[:200]}."
        )


class _Evidence:
    """What the cells of all rows say about formats and currencies."""

    def __init__(self, columns: Sequence[CSVColumn], layout: Layout) -> None:
        self.formats, self.orders = FormatEvidence(), OrderEvidence()
        self.codes: dict[str, int] = {}
        self.symbols: set[str] = set()
        numeric = [each.name for each in columns if each.is_numeric]
        self._numbers = [layout.places[name] for name in numeric if name in layout.places]
        self._numbers += [at for name in numeric for at, _ in layout.many.get(name, ())]
        self._dates = [
            layout.places[each.name]
            for each in columns
            if each.cell == "date" and each.name in layout.places
        ]
        self._currency = layout.places.get(CURRENCY)

    def add(self, cells: Sequence[str]) -> None:
        width = len(cells)
        if any(at < width and cells[at] and dates.readings(cells[at]) for at in self._dates):
            self._add_currency(cells)
        for at in self._numbers:
            cell = cells[at] if at < width else ""
            if cell and not isinstance(cell, Exact) and not cell.isdigit():
                self.formats.add(cell)
                if not cell.isascii():
                    self.symbols |= numbers.symbols([cell])
        for at in self._dates:
            if at < width and cells[at]:
                self.orders.add(cells[at])

    def _add_currency(self, cells: Sequence[str]) -> None:
        at = self._currency
        if at is not None and at < len(cells) and not numbers.is_none(cells[at]):
            code = cells[at].upper()
            self.codes[code] = self.codes.get(code, 0) + 1


def _decide_numbers(layout: Layout, choices: Choices, formats: FormatEvidence) -> None:
    chosen = numbers.BY_NAME.get(choices.number_format) or formats.decided()
    if chosen is None:
        layout.questions.append(Question("number_format", formats.question()))
        return
    layout.number_format = chosen.name
    if chosen.name != "point":
        layout.notes.append(f"Numbers are written as {chosen.example}.")


def _decide_dates(layout: Layout, choices: Choices, orders: OrderEvidence) -> None:
    if choices.date_order:
        layout.date_order = choices.date_order
        layout.notes.append(f"Dates are {dates.ORDERS[choices.date_order]}, as you chose.")
        return
    hint = layout.preset.date_order if layout.preset else ""
    order, why = orders.decide(hint, report_period(layout.header.titles))
    if order is None:
        layout.questions.append(Question("date_order", why))
    else:
        layout.date_order = order
        layout.notes.extend([why] if why else [])


def report_period(titles: Sequence[str]) -> tuple[date, date] | None:
    """The period that the title lines state: the first two dates of lines about a period."""
    found: list[date] = []
    for title in titles:
        if "generated" in title.casefold() or "created" in title.casefold():
            continue
        found += dates.dates_within(title)
    return (found[0], found[1]) if len(found) > 1 and found[0] <= found[1] else None


def _decide_currency(
    layout: Layout,
    columns: Sequence[CSVColumn],
    choices: Choices,
    evidence: _Evidence,
    default: str,
) -> None:
    """From the column, else from a header, else from a symbol, else the default; said."""
    if not any(each.name == CURRENCY for each in columns) or CURRENCY in layout.places:
        if len(evidence.codes) > 1:
            counts = ", ".join(f"{code} in {n} rows" for code, n in sorted(evidence.codes.items()))
            layout.notes.append(f"Several currencies: {counts}.")
        return
    amounts = [each.name for each in columns if each.cell == "amount"]
    headed = {header_currency(layout.column_of(name)) for name in amounts} - {""}
    found = headed or evidence.symbols
    chosen = layout.constants.get(CURRENCY) or choices.currency
    if len(found) > 1 and not chosen:
        layout.problems.append(f"mixed currencies: {', '.join(sorted(found))}; choose one")
    code = chosen or min(found, default=default)
    layout.constants[CURRENCY] = code
    where = "in the header" if headed else "by its symbol" if found else "the default"
    if not chosen:
        layout.notes.append(f"Currency {code} ({where}).")


def _merged(source: WorkbookSource, header_line: int) -> Iterator[str]:
    for _, last, name in source.merged:
        if last >= header_line:
            yield f"cells {name} are merged: a merged cell has one value for several; unmerge them"


def looks_total(cells: Sequence[str]) -> bool:
    """Whether the first cell that is not empty, or the last, says that the row is a total."""
    filled = [each for each in cells if each and not numbers.is_none(each)]
    return bool(filled) and (names_total(filled[0]) or names_total(filled[-1]))
