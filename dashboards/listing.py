"""A table of many rows: sorted, filtered, searched and paged in the address, by the database.

A page reads one page of rows, their number and their totals; the CSV has every row that the filters
leave. Several tables of a page keep apart by the key before each parameter: `customers.sort=-mrr`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet, Sum

from aethercrown.formatting import counted
from aethercrown.text import path_segment
from dashboards.tables import Cell, Column, Table, Value, csv_row, format_cell

PAGE_SIZE = 25
MAX_SEARCH_CHARACTERS = 100
MAX_CHOICES = 30  # of a filter
PLACE = re.compile(r"\{(\w+)\}")  # of a field's value in a path


@dataclass(frozen=True, slots=True)
class ListField:
    """A column of the list: `name` is its field or annotation, and its name in the address."""

    name: str
    column: Column
    search: bool = False
    filter: bool = False
    choices: Sequence[str] = ()  # of the filter, where they are fixed
    total: bool = False
    show: Callable[[Any], Value] | None = None  # what the page and the CSV have for a value


@dataclass(frozen=True, slots=True)
class ListFilter:
    """A filter with its choices, and the chosen one."""

    name: str
    title: str
    choices: Sequence[str]
    chosen: str
    is_cut: bool = False  # the rows have more values than `choices`
    has_states: bool = False  # choices are shown with a capital, as in the column


@dataclass(frozen=True, slots=True)
class SortHeading:
    """A heading that sorts; `direction` is that of aria-sort, "none" where it does not sort now."""

    cell: Cell
    link: str
    direction: str


class Listing:
    """A page of a queryset, for the address `given`; what is wrong with that is in `problems`."""

    def __init__(
        self,
        key: str,
        title: str,
        fields: Sequence[ListField],
        rows: "QuerySet[Any]",
        given: Mapping[str, str],
        *,
        order: str,
        choices_of: "QuerySet[Any] | None" = None,
        path: str = "",
        noun: str = "row",
        totals: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        """`order` is the field that sorts first, such as -mrr; `path` leads to a row: "/x/{pk}".

        Any field may stand in the path; its value is percent-encoded. The choices of filters are
        values of `choices_of`, or of `rows`, which may cost more. So may counting and adding up all
        rows: `totals` has the `count` and each `<name>_sum`. Raises ValueError for sums by group,
        of which a row is no row of a model.
        """
        if rows.query.group_by not in {None, True} and rows.query.values_select:
            raise ValueError(f"The list {key!r} needs a row a model's row, not sums by group.")
        self.key, self.title, self.fields, self.noun = key, title, tuple(fields), noun
        self.given, self.path, self.problems = given, path, list[str]()
        self._all_rows = rows
        self._choices_of = rows if choices_of is None else choices_of
        self.sort = self._read_sort(order)
        self.q = self._read_search()
        self.filters = [self._read_filter(each) for each in fields if each.filter]
        self._asked_page = self._read_page()
        self._totals = None if self.is_narrowed else totals

    # --- what the address asks for ---

    def asked(self, name: str) -> str:
        return self.given.get(f"{self.key}.{name}", "")

    def _read_sort(self, order: str) -> str:
        asked = self.asked("sort") or order
        if asked.removeprefix("-") in {each.name for each in self.fields}:
            return asked
        self.problems.append(f"There is no column {asked[:30]!r} to sort by.")
        return order

    def _read_search(self) -> str:
        asked = self.asked("q").strip()
        if len(asked) > MAX_SEARCH_CHARACTERS:
            self.problems.append(
                f"A search has at most {MAX_SEARCH_CHARACTERS} characters; this has {len(asked):,}."
            )
        return asked[:MAX_SEARCH_CHARACTERS].replace("\0", "")

    def _read_filter(self, field: ListField) -> ListFilter:
        choices = list(field.choices) or self._stored_choices(field.name)
        chosen, is_cut = self.asked(field.name), False
        if not field.choices and len(choices) > MAX_CHOICES:
            choices, is_cut = choices[:MAX_CHOICES], True
            if chosen and self._choices_of.filter(**{field.name: chosen}).exists():
                choices = list(dict.fromkeys([*choices, chosen]))
        if chosen and chosen not in choices:
            self.problems.append(f"No {self.noun} has {field.column.name} {chosen[:30]!r}.")
            chosen = ""
        column = field.column
        return ListFilter(field.name, column.name, choices, chosen, is_cut, column.badge)

    def _stored_choices(self, name: str) -> list[str]:
        """The values of the rows in their order, more than MAX_CHOICES where there are more."""
        values = self._choices_of.order_by(name).values_list(name, flat=True).distinct()
        room = MAX_CHOICES + 3  # for one more, and for null and an empty text
        return [str(each) for each in values[:room] if each not in {None, ""}]

    def _read_page(self) -> int:
        asked = self.asked("page") or "1"
        if asked.isascii() and asked.isdigit() and int(asked[:9]):
            return int(asked[:9])
        self.problems.append(f"page is a number from 1, not {asked[:20]!r}.")
        return 1

    # --- rows ---

    @cached_property
    def rows(self) -> "QuerySet[Any]":
        """The rows that the search and the filters leave, sorted; ties by their key."""
        chosen = {each.name: each.chosen for each in self.filters if each.chosen}
        found = self._all_rows.filter(**chosen)
        searched = [each.name for each in self.fields if each.search]
        if self.q and searched:
            words = (Q(**{f"{name}__icontains": self.q}) for name in searched)
            found = found.filter(reduce(or_, words))
        name = self.sort.removeprefix("-")
        down = self.sort.startswith("-")
        first = F(name).desc(nulls_last=True) if down else F(name).asc(nulls_last=True)
        return found.order_by(first, "-pk" if down else "pk")

    @cached_property
    def count(self) -> int:
        return int(self._sums["count"])

    @cached_property
    def _sums(self) -> dict[str, Any]:
        """How many rows there are, and their totals, in one query."""
        if self._totals:
            return dict(self._totals())
        summed = {f"{each.name}_sum": Sum(each.name) for each in self.fields if each.total}
        return self.rows.order_by().aggregate(count=Count("pk"), **summed)

    @property
    def page(self) -> int:
        """The page asked for, from 1; the last one where there are fewer."""
        return min(self._asked_page, self.pages)

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // PAGE_SIZE))

    @cached_property
    def table(self) -> Table:
        """The rows of this page."""
        start = (self.page - 1) * PAGE_SIZE
        keys = list(self._sorted_keys()[start : start + PAGE_SIZE])
        # Only these rows have their columns computed, whatever the database sorts.
        named = PLACE.findall(self.path)
        rows = self._values(self._all_rows.filter(pk__in=keys), "pk", *named)
        by_key = {row[0]: row[1:] for row in rows}
        found = [by_key[key] for key in keys if key in by_key]
        paths = [self._row_path(dict(zip(named, row, strict=False))) for row in found]
        columns = tuple(each.column for each in self.fields)
        lines = [self._line(row[len(named) :]) for row in found]
        return Table(self.key, self.title, columns, lines, paths if self.path else [])

    def _row_path(self, names: Mapping[str, Any]) -> str:
        return self.path.format(**{key: path_segment(each) for key, each in names.items()})

    def _sorted_keys(self) -> "QuerySet[Any, Any]":
        """The keys of all rows; where groups are summed, grouped by their key alone.

        Django groups by every column of the model, which SQLite then carries through its sorting.
        """
        keys = self.rows.values_list("pk", flat=True)
        if keys.query.group_by and "__" not in self.sort:
            model = keys.model
            keys.query.group_by = (model._meta.pk.get_col(model._meta.db_table),)  # noqa: SLF001 - a documented name of Django's
        return keys

    @property
    def header(self) -> list[str]:
        return [each.column.name for each in self.fields]

    def all_rows(self) -> Iterator[Sequence[Value]]:
        """Every row, for the CSV."""
        yield from (csv_row(self._line(row)) for row in self._values(self.rows).iterator())

    def _line(self, row: Sequence[Any]) -> list[Value]:
        pairs = zip(row, self.fields, strict=True)
        return [each.show(value) if each.show else value for value, each in pairs]

    def _values(self, rows: "QuerySet[Any]", *more: str) -> "QuerySet[Any]":
        return rows.values_list(*more, *(each.name for each in self.fields))

    # --- what the page shows ---

    @cached_property
    def totals(self) -> list[Cell]:
        """The sums over every row that the filters leave, under their columns."""
        if not self.count or not any(each.total for each in self.fields):
            return []
        cells = []
        for each in (field for field in self.fields if not field.column.csv_only):
            value = self._sums[f"{each.name}_sum"] if each.total else ""
            cell = format_cell(value, each.column)
            cells.append(cell if each.total else replace(cell, text="", badge=""))
        return [replace(cells[0], text="Total"), *cells[1:]]

    def headings(self) -> list[SortHeading]:
        current, down = self.sort.removeprefix("-"), self.sort.startswith("-")
        found = []
        for each in (field for field in self.fields if not field.column.csv_only):
            is_sorted = each.name == current
            numeric = each.column.unit is not None
            turned = not down if is_sorted else numeric
            direction = ("descending" if down else "ascending") if is_sorted else "none"
            cell = Cell(each.column.name, "number" if numeric else "")
            link = self.link(sort=f"{'-' if turned else ''}{each.name}", page="")
            found.append(SortHeading(cell, link, direction))
        return found

    def link(self, **changed: str) -> str:
        """The address with parameters of the table changed; an empty one is left out."""
        named = {f"{self.key}.{name}": value for name, value in changed.items()}
        kept = {name: value for name, value in {**self.given, **named}.items() if value}
        return f"?{urlencode(kept)}"

    def others(self) -> Iterable[tuple[str, str]]:
        """The parameters that the search form must keep: all but its own."""
        own = {f"{self.key}.{name}" for name in ("q", "page", *(e.name for e in self.filters))}
        return [(name, value) for name, value in self.given.items() if name not in own]

    @property
    def has_search(self) -> bool:
        return any(each.search for each in self.fields)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or any(each.chosen for each in self.filters))

    @property
    def shown_text(self) -> str:
        """Which rows of how many are shown."""
        if self.count <= PAGE_SIZE:
            return counted(self.count, self.noun)
        first = (self.page - 1) * PAGE_SIZE + 1
        return f"{first:,} to {min(self.count, first + PAGE_SIZE - 1):,} of {self.count:,}"

    @property
    def previous_link(self) -> str:
        return self.link(page=str(self.page - 1)) if self.page > 1 else ""

    @property
    def next_link(self) -> str:
        return self.link(page=str(self.page + 1)) if self.page < self.pages else ""

    @property
    def clear_link(self) -> str:
        return self.link(q="", page="", **{each.name: "" for each in self.filters})

    @property
    def csv_link(self) -> str:
        return f"{self.link(page='')}&{urlencode({'format': 'csv', 'table': self.key})}"
