"""Idempotent intake of many rows: claim their ids, and merge what is new into rollups.

A caller works in one transaction: `claim` the keys of the rows, insert the rows whose keys were
new, `merge` only those into the rollups. A call that is killed leaves no key behind, and a repeated
one finds every key taken. `rows` are sorted by the caller, so that two calls lock in one order.

Each function is one statement: PostgreSQL takes each column as an array, SQLite all rows as JSON.
Statements can be made first (`claiming`, `merging`, `flagged_insertion`); those that answer nothing
are run together by `bulk.run`.
Values are as the driver takes them (`bulk.stamp` for times, whole millionths for amounts).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from json import dumps
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import Model

from aethercrown.db import bulk
from aethercrown.db.arrays import array
from aethercrown.db.bulk import WriteStatement

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

    A UUID comes back as 32 hexadecimal digits. Another transaction that inserts one of these keys
    is waited for.
    """
    return claimed(claiming(model, key, columns, rows))


def claiming(
    model: type[Model], key: str, columns: Sequence[str], rows: Collection[Row]
) -> WriteStatement:
    """The statement of `claim`, made before the transaction."""
    text = _claim_text(connection.vendor, model, key, tuple(columns))
    return WriteStatement(text, _parameters(rows))


def claimed(statement: WriteStatement) -> set[Any]:
    """Run the statement of `claiming`; the keys of the rows inserted."""
    if not statement.values:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.values)
        return {found for (found,) in cursor.fetchall()}


@cache
def _claim_text(_vendor: str, model: type[Model], key: str, columns: tuple[str, ...]) -> str:
    every, quote = (key, *columns), connection.ops.quote_name
    return (
        f"INSERT INTO {bulk.table(model)} ({_listed(every)}) "  # noqa: S608 - our own names
        f"SELECT * FROM {_source(model, every)} WHERE true "
        f"ON CONFLICT ({quote(key)}) DO NOTHING RETURNING {_returned(model, key)}"
    )


def _returned(model: type[Model], key: str) -> str:
    """The column as it was given: the driver would make an object of each UUID."""
    name = connection.ops.quote_name(key)
    is_object = bulk.column_types(model, (key,)) == ["uuid"]
    return f"replace({name}::text, '-', '')" if is_object else name


def stored(
    model: type[Model], key: str, columns: Sequence[str], keys: Collection[Any]
) -> list[tuple[Any, ...]]:
    """The key, as `claim` gives it, and the columns of those rows that are there."""
    if not keys:
        return []
    quote = connection.ops.quote_name
    shown = ", ".join([_returned(model, key), *map(quote, columns)])
    statement = (
        f"SELECT {shown} FROM {bulk.table(model)} WHERE {quote(key)} IN "  # noqa: S608 - our own
        f"(SELECT {quote(key)} FROM {_source(model, (key,))})"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters([(each,) for each in keys]))
        return [tuple(found) for found in cursor.fetchall()]


def merge(model: type[Model], keys: Sequence[str], rule: MergeRule, rows: Collection[Row]) -> None:
    """Insert rows, or merge them into those with the same `keys`, which must be unique.

    A row has the keys, then the columns of the rule in its order. No two rows have the same keys.
    """
    bulk.run([merging(model, keys, rule, rows)])


def merging(
    model: type[Model], keys: Sequence[str], rule: MergeRule, rows: Collection[Row]
) -> WriteStatement:
    """The statement of `merge`; without rows it does nothing."""
    return WriteStatement(
        _merge_text(connection.vendor, model, tuple(keys), rule), _parameters(rows)
    )


@cache
def _merge_text(_vendor: str, model: type[Model], keys: tuple[str, ...], rule: MergeRule) -> str:
    every = (*keys, *rule.columns)
    return (
        f"INSERT INTO {bulk.table(model)} AS kept ({_listed(every)}) "  # noqa: S608 - our own names
        f"SELECT * FROM {_source(model, every)} WHERE true "
        f"ON CONFLICT ({_listed(keys)}) DO UPDATE SET {', '.join(_changes(rule))}{_only(rule)}"
    )


def _only(rule: MergeRule) -> str:
    """Where a row would stay as it is, it is locked and not written again."""
    if rule.added or rule.latest or rule.replaced:
        return ""
    names = [(each, ">") for each in rule.largest] + [(each, "<") for each in rule.smallest]
    quoted = [(connection.ops.quote_name(name), sign) for name, sign in names]
    return " WHERE " + " OR ".join(f"excluded.{name} {sign} kept.{name}" for name, sign in quoted)


@dataclass(frozen=True, slots=True)
class RepeatRule:
    """Which new rows repeat a stored one: the column `flag` says so.

    The stored one has the same values in `same`, and in `since` at least a given one.
    """

    flag: str
    same: tuple[str, ...]
    since: str


def flagged_insertion(
    model: type[Model], columns: tuple[str, ...], rule: RepeatRule, since: Any, rows: Sequence[Row]
) -> WriteStatement:
    """Insert rows whose last value is the flag: None where a stored row is looked for."""
    text = _insertion_text(connection.vendor, model, columns, rule)
    if connection.vendor == "postgresql":
        return WriteStatement(text, [since, *_parameters(rows)] if rows else [])
    chosen = itemgetter(*map(columns.index, rule.same))
    return WriteStatement(text, [(*row, *chosen(row), since) for row in rows], is_repeated=True)


@cache
def _insertion_text(
    vendor: str, model: type[Model], columns: tuple[str, ...], rule: RepeatRule
) -> str:
    quote, into = connection.ops.quote_name, bulk.table(model)
    every, is_postgresql = (*columns, rule.flag), vendor == "postgresql"
    same = " AND ".join(
        f"kept.{quote(each)} = {f'given.{quote(each)}' if is_postgresql else '%s'}"
        for each in rule.same
    )
    found = (
        f"SELECT true FROM {into} AS kept "  # noqa: S608 - our own names
        f"WHERE {same} AND kept.{quote(rule.since)} >= %s LIMIT 1"
    )
    start = f"INSERT INTO {into} ({_listed(every)})"
    if is_postgresql:
        flag = f"COALESCE(given.{quote(rule.flag)}, ({found}), false)"
        given = ", ".join(f"given.{quote(each)}" for each in columns)
        return f"{start} SELECT {given}, {flag} FROM {_source(model, every)}"  # noqa: S608 - ours
    return f"{start} VALUES ({'%s, ' * len(columns)}COALESCE(%s, ({found}), false))"


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
    if not rows:
        return []
    if connection.vendor == "postgresql":
        return [array(column) for column in zip(*rows, strict=True)]
    return [dumps([list(row) for row in rows])]
