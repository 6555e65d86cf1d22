"""Many rows at once without a model instance's costs: a third of the time of bulk_create.

For tables that only a service writes; values are as the driver takes them (`stamp` for times).
SQLite runs one prepared statement a row; PostgreSQL takes each column as one array in a single
statement, because a statement a row costs it most of its time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from json import dumps
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

from aethercrown.db.arrays import array

BATCH = 1_000  # rows deleted in one transaction
AMONG = {
    ("sqlite", int): "SELECT value FROM json_each(%s)",
    ("sqlite", str): "SELECT value FROM json_each(%s)",
    ("postgresql", int): "SELECT unnest(%s::bigint[])",
    ("postgresql", str): "SELECT unnest(%s::text[])",
}


class WriteStatement(NamedTuple):
    """A statement that writes rows. `is_repeated`: it runs once for each of its `values`."""

    text: str
    values: Sequence[Any]
    is_repeated: bool = False


def run(statements: Iterable[WriteStatement]) -> None:
    """Run statements that answer nothing in their order, each on what those before it wrote.

    PostgreSQL gets them in one message, so that none of them waits for a round trip.
    """
    given = [each for each in statements if each.values]
    if not given:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            values = [value for each in given for value in each.values]
            cursor.execute("; ".join(each.text for each in given), values)
            return
        for each in given:
            (cursor.executemany if each.is_repeated else cursor.execute)(each.text, each.values)


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows into the model's table; columns that are not named must have a default."""
    names = ", ".join(map(connection.ops.quote_name, columns))
    into = f"INSERT INTO {table(model)} ({names})"
    if connection.vendor == "postgresql":
        _run(f"{into} SELECT * FROM {_arrays(model, columns)}", rows)  # noqa: S608 - our own names
    else:
        _run(f"{into} VALUES ({', '.join(['%s'] * len(columns))})", rows)


@contextmanager
def staged(
    model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[str]:
    """On SQLite: a temporary table with these rows, for the block, to `INSERT ... SELECT` from.

    Called outside of a transaction it holds no lock of the database. The rows are then inserted
    by SQLite alone, so that other writers wait for less.
    """
    name = f"temp.{connection.ops.quote_name(f'staged_{model._meta.db_table}')}"  # noqa: SLF001 - documented
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        try:
            cursor.execute("SAVEPOINT staged_rows")  # one transaction: not one for each row
            try:
                cursor.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
                cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", list(rows))  # noqa: S608 - our own names
            finally:
                cursor.execute("RELEASE staged_rows")
            yield name
        finally:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def update(
    model: type[Model], columns: Sequence[str], where: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Set `columns` where the columns `where` have the given values; returns how many rows.

    At most one of `rows` may match a row of the table.
    """
    quote, into = connection.ops.quote_name, table(model)
    if connection.vendor == "postgresql":
        given = [f"given.{name}" for name in _names([*columns, *where])]
        changes = [f"{quote(name)} = {new}" for name, new in zip(columns, given, strict=False)]
        asked = zip(where, given[len(columns) :], strict=True)
        return _run(
            f"UPDATE {into} SET {', '.join(changes)} FROM {_arrays(model, [*columns, *where])} "  # noqa: S608 - our own names
            f"WHERE {' AND '.join(f'{into}.{quote(name)} = {old}' for name, old in asked)}",
            rows,
        )
    changes, known = ([f"{quote(name)} = %s" for name in each] for each in (columns, where))
    return _run(f"UPDATE {into} SET {', '.join(changes)} WHERE {' AND '.join(known)}", rows)  # noqa: S608 - the same


def among(values: Collection[int] | Collection[str], kind: type = int) -> RawSQL:
    """For `pk__in=`: all values as one parameter, instead of one each."""
    given = dumps(list(values)) if connection.vendor == "sqlite" else list(values)
    return among_each(given, kind)


def among_each(given: Any, kind: type = int) -> RawSQL:
    """The same of what the database takes as the one parameter: JSON's text or a list."""
    return RawSQL(AMONG[connection.vendor, kind], [given])  # noqa: S611 - a fixed text


def stamp(at: datetime) -> Any:
    """A time as the driver takes it."""
    return connection.ops.adapt_datetimefield_value(at)


def stamper() -> Callable[[datetime], str]:
    """For many times: the same as text, in a tenth of the time."""
    return _naive_text if connection.vendor == "sqlite" else datetime.isoformat


def _naive_text(at: datetime) -> str:
    in_utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return in_utc.replace(tzinfo=None).isoformat(" ")


def table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - documented


def _names(columns: Sequence[str]) -> list[str]:
    """An alias for each, as a column may be both set and compared."""
    return [f"c{place}" for place, _ in enumerate(columns)]


def column_types(model: type[Model], columns: Sequence[str]) -> list[str]:
    """The database's type of each column."""
    kinds = _column_types(connection.vendor, model)
    return [kinds[name] for name in columns]


@cache
def _column_types(_vendor: str, model: type[Model]) -> dict[str, str]:
    fields = model._meta.concrete_fields  # noqa: SLF001 - the same
    return {str(each.column): str(each.db_type(connection)) for each in fields}


def _arrays(model: type[Model], columns: Sequence[str]) -> str:
    """A row source of one array for each column."""
    marks = ", ".join(f"%s::{kind}[]" for kind in column_types(model, columns))
    return f"unnest({marks}) AS given ({', '.join(_names(columns))})"


def _run(statement: str, rows: Iterable[Sequence[Any]]) -> int:
    """Run it once for each row, or on PostgreSQL once for all; how many rows it changed."""
    at_once = connection.vendor == "postgresql"
    given: list[Any] = [array(each) for each in zip(*rows, strict=True)] if at_once else list(rows)
    if not given:
        return 0
    with connection.cursor() as cursor:
        (cursor.execute if at_once else cursor.executemany)(statement, given)
        return int(cursor.rowcount)


@contextmanager
def short_commits() -> Iterator[None]:
    """On SQLite, let commits in the block copy a quarter of the usual pages into the database.

    A commit does so once its log is long enough, and other writers wait for it.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_autocheckpoint")
        (usual,) = cursor.fetchone()
        cursor.execute(f"PRAGMA wal_autocheckpoint = {usual // 4}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA wal_autocheckpoint = {usual}")


def forget(rows: "QuerySet[Any]", batch: int = BATCH) -> int:
    """Delete every row, one transaction a batch, so that no table is locked for long."""
    model: type[Model] = rows.model
    every: QuerySet[Any] = QuerySet(model).using(rows.db)
    forgotten = 0
    while keys := list(rows.values_list("pk", flat=True)[:batch]):
        every.filter(pk__in=keys).delete()
        forgotten += len(keys)
    return forgotten
