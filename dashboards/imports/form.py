"""The form of choices about a file, and the choices that a browser posts; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aethercrown.csv.reader import CSVColumn
from aethercrown.tabular.dates import ORDERS
from aethercrown.tabular.numbers import FORMATS
from aethercrown.tabular.recognise import Layout

NONE = ""


@dataclass(frozen=True, slots=True)
class SelectOption:
    """One choice of a select box."""

    value: str
    text: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class MappedField:
    """A field of the import: which column it comes from, or its value for every row."""

    name: str
    about: str
    required: bool
    options: tuple[SelectOption, ...]
    constant: str
    samples: str
    takes_zero: bool = False
    zero: bool = False
    patterns: str | None = None  # of a field of many columns, one a line


@dataclass(frozen=True, slots=True)
class SelectBox:
    """A choice that concerns the whole file."""

    name: str
    label: str
    options: tuple[SelectOption, ...]
    asked: bool = False


@dataclass(frozen=True, slots=True)
class ChoicesForm:
    """Everything that a person may change about how a file is read."""

    fields: tuple[MappedField, ...]
    boxes: tuple[SelectBox, ...]
    preset: str
    sheet: str = ""
    update: bool = False
    currency: str = ""
    rates: str = ""


def choices_form(
    layout: Layout,
    columns: Sequence[CSVColumn],
    presets: Mapping[str, str],
    given: Mapping[str, Any],
) -> ChoicesForm:
    """The form as it is filled for a file; `presets` are titles by name."""
    preset = layout.preset.name if layout.preset else "none"
    fields = tuple(_mapped(each, layout, given) for each in columns)
    return ChoicesForm(
        fields,
        _boxes(layout, {**presets, "none": "another program"}, preset, given),
        preset,
        str(given.get("sheet") or ""),
        bool(given.get("update")),
        str(given.get("currency") or ""),
        ", ".join(f"{code}={rate}" for code, rate in (given.get("rates") or {}).items()),
    )


def _boxes(
    layout: Layout, presets: Mapping[str, str], preset: str, given: Mapping[str, Any]
) -> tuple[SelectBox, ...]:
    asked = {each.field for each in layout.questions}
    return (
        SelectBox("preset", "Export of", _options(presets, preset)),
        SelectBox(
            "date_order",
            "Order of dates",
            _options({"": "recognised", **ORDERS}, str(given.get("date_order") or "")),
            "date_order" in asked,
        ),
        SelectBox(
            "number_format",
            "Numbers are written",
            _options(
                {"": "recognised", **{each.name: each.example for each in FORMATS}},
                str(given.get("number_format") or ""),
            ),
            "number_format" in asked,
        ),
        SelectBox(
            "add_up",
            "Rows of one key",
            _options(
                {"yes": "are added up", "no": "are an error"}, "yes" if layout.add_up else "no"
            ),
        ),
    )


def _options(texts: Mapping[str, str], chosen: str) -> tuple[SelectOption, ...]:
    return tuple(SelectOption(value, text, value == chosen) for value, text in texts.items())


def _mapped(column: CSVColumn, layout: Layout, given: Mapping[str, Any]) -> MappedField:
    if column.many:
        patterns = str((given.get("columns") or {}).get(column.name, column.usual))
        found = ", ".join(name for _, name in layout.many[column.name])
        return MappedField(
            column.name, column.about, column.required, (), "", found[:80], patterns=patterns
        )
    at = layout.places.get(column.name)
    names = dict.fromkeys(name for name in layout.header.names if name)
    chosen = NONE if at is None else layout.header.names[at]
    cells = [] if at is None else [row[at] for row in layout.samples if at < len(row) and row[at]]
    return MappedField(
        column.name,
        column.about,
        column.required,
        _options({NONE: "no column", **{name: name for name in names}}, chosen),
        layout.constants.get(column.name, ""),
        ", ".join(cells)[:80],
        takes_zero=column.is_numeric and not column.required,
        zero=column.name in layout.zero,
    )


def posted_rates(text: str) -> dict[str, str]:
    """Rates by currency from a text such as EUR=1.08, GBP=1.27; checked later."""
    pairs = (each.partition("=") for each in text.replace(";", ",").split(",") if each.strip())
    return {code.strip().upper(): rate.strip() for code, _, rate in pairs}


def posted_choices(
    posted: Mapping[str, str], columns: Sequence[CSVColumn], preset_before: str
) -> dict[str, Any]:
    """The choices of a posted form; another preset brings its own columns."""
    chosen: dict[str, Any] = {
        name: posted.get(name, "")
        for name in ("preset", "date_order", "number_format", "sheet")
        if posted.get(name)
    }
    chosen["update"] = bool(posted.get("update"))
    chosen["currency"] = posted.get("currency", "").strip().upper()
    chosen["rates"] = posted_rates(posted.get("rates", ""))
    if posted.get("preset", preset_before) != preset_before:
        return chosen
    chosen["add_up"] = posted.get("add_up") == "yes"
    chosen["zero"] = [each.name for each in columns if posted.get(f"zero.{each.name}")]
    names = [each.name for each in columns if f"column.{each.name}" in posted]
    chosen["columns"] = {name: posted[f"column.{name}"] for name in names}
    many = {each.name for each in columns if each.many}
    for name in many & chosen["columns"].keys():
        chosen["columns"][name] = "\n".join(chosen["columns"][name].split("\r\n")).strip()
    constants = {name: posted.get(f"constant.{name}", "").strip() for name in names}
    chosen["constants"] = {
        name: value for name, value in constants.items() if value and not chosen["columns"][name]
    }
    return chosen
