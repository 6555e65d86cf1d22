"""Idempotent intake of many rows: claim their ids, and merge what is new into rollups.

A caller works in one transaction: `claim` the keys of the rows, insert the rows whose keys were
new, `merge` only those into the rollups. A call that is killed leaves no key behind, and a repeated
one finds every key taken. `rows` are sorted by the caller, so that two calls lock in one order.

Each function is one statement: PostgreSQL takes each column as an array, SQLite all rows as JSON.
Values are as the driver takes them (`bulk.stamp` for times, whole millionths for amounts).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any

from django.db import connection
from django.db.models import Model

from aethercrown.db import bulk
from aethercrown.db.arrays import array

Row = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRule:
    """How rows of one key become one, by columns.

    `added` are summed, `largest` and `smallest` keep the larger and the smaller value, `latest` are
    those of the row whose first of these columns is larger (then by the next), `replaced` take the
    new value, and `initial` are only those of a row that is new.
    """

    added: tuple[str, ...] = ()
    largest: tuple[str, ...] = ()
    smallest: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (
            *(*self.added, *self.largest, *self.smallest),
            *(*self.latest, *self.replaced, *self.initial),
        )


def claim(model: type[Model], key: str, columns: Sequence[str], rows: Collection[Row]) -> set[Any]:
    """Insert rows whose key is not there yet; the keys, the first column, of those inserted.

    Another transaction that inserts one of these keys is waited for.
    """
    if not rows:
        return set()
    every, quote = (key, *columns), connection.ops.quote_name
    statement = (
        f"INSERT INTO {bulk.table(model)} ({_listed(every)}) "  # noqa: S608 - our own names
        f"SELECT * FROM {_source(model, every)} WHERE true "
        f"ON CONFLICT ({quote(key)}) DO NOTHING RETURNING {quote(key)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(rows))
        return {found for (found,) in cursor.fetchall()}


def merge(model: type[Model], keys: Sequence[str], rule: MergeRule, rows: Collection[Row]) -> None:
    """Insert rows, or merge them into those with the same `keys`, which must be unique.

    A row has the keys, then the columns of the rule in its order. No two rows have the same keys.
    """
    if not rows:
        return
    every = (*keys, *rule.columns)
    statement = (
        f"INSERT INTO {bulk.table(model)} AS kept ({_listed(every)}) "  # noqa: S608 - our own names
        f"SELECT * FROM {_source(model, every)} WHERE true "
        f"ON CONFLICT ({_listed(keys)}) DO UPDATE SET {', '.join(_changes(rule))}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(rows))


def matching(
    model: type[Model], columns: Sequence[str], rows: Collection[Row], where: str, *values: Any
) -> set[tuple[Any, ...]]:
    """Those of `rows` whose `columns` a stored row has, among the stored rows that are `where`."""
    if not rows:
        return set()
    quote = connection.ops.quote_name
    same = " AND ".join(f"kept.{quote(each)} = given.{quote(each)}" for each in columns)
    statement = (
        f"SELECT {', '.join(f'given.{quote(each)}' for each in columns)} "  # noqa: S608 - our own
        f"FROM {_source(model, columns)} JOIN {bulk.table(model)} AS kept ON {same} WHERE {where}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*_parameters(rows), *values])
        return {tuple(found) for found in cursor.fetchall()}


def existing(
    model: type[Model], columns: Sequence[str], rows: Collection[Row]
) -> list[tuple[Any, ...]]:
    """Those of `rows` whose `columns` at least one stored row has; each is one look at an index."""
    if not rows:
        return []
    quote = connection.ops.quote_name
    same = " AND ".join(f"kept.{quote(each)} = given.{quote(each)}" for each in columns)
    statement = (
        f"SELECT {', '.join(f'given.{quote(each)}' for each in columns)} "  # noqa: S608 - our own
        f"FROM {_source(model, columns)} "
        f"WHERE (SELECT 1 FROM {bulk.table(model)} AS kept WHERE {same} LIMIT 1) = 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(rows))
        return [tuple(found) for found in cursor.fetchall()]


def _changes(rule: MergeRule) -> Iterable[str]:
    quote = connection.ops.quote_name
    is_postgresql = connection.vendor == "postgresql"
    greatest, least = ("GREATEST", "LEAST") if is_postgresql else ("MAX", "MIN")
    for name in map(quote, rule.added):
        yield f"{name} = kept.{name} + excluded.{name}"
    for name in map(quote, rule.largest):
        yield f"{name} = {greatest}(kept.{name}, excluded.{name})"
    for name in map(quote, rule.smallest):
        yield f"{name} = {least}(kept.{name}, excluded.{name})"
    ordered = [quote(each) for each in rule.latest]
    new, old = (", ".join(f"{row}.{name}" for name in ordered) for row in ("excluded", "kept"))
    for name in ordered:
        yield f"{name} = CASE WHEN ({new}) > ({old}) THEN excluded.{name} ELSE kept.{name} END"
    for name in map(quote, rule.replaced):
        yield f"{name} = excluded.{name}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(connection.ops.quote_name, names))


def _source(model: type[Model], columns: Sequence[str]) -> str:
    """The rows as a table `given` with these columns."""
    names = _listed(columns)
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in bulk.column_types(model, columns))
        return f"unnest({arrays}) AS given ({names})"
    values = ", ".join(
        f"json_extract(value, '$[{place}]') AS {name}"
        for place, name in enumerate(map(connection.ops.quote_name, columns))
    )
    return f"(SELECT {values} FROM json_each(%s)) AS given"  # noqa: S608 - our own names


def _parameters(rows: Collection[Row]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [array(column) for column in zip(*rows, strict=True)]
    return [dumps([list(row) for row in rows])]
