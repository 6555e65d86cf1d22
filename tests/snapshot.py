"""Rows that many tests need, such as the demo company: made once a process, then copied in.

`loaded(name, make)` calls `make` the first time and remembers the rows that it added; later it
inserts those rows, in a tenth of the time or less. Each test still has its own transaction.
"""
# ruff: noqa: S608 - the tables' names are the database's own

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

Rows = list[Any]  # tuples of SQLite's values, or lines of PostgreSQL's COPY


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `make` returned, pickled, and the rows it added by table."""

    result: bytes
    rows: dict[str, Rows]


_made: dict[str, Snapshot] = {}


def loaded(name: str, make: Callable[[], Any]) -> Any:
    """The result of `make`, with its rows in the database; ValueError where it changed others."""
    with transaction.atomic(), connection.cursor() as cursor:
        if snapshot := _made.get(name):
            for table, rows in snapshot.rows.items():
                insert(cursor, table, rows)
            return pickle.loads(snapshot.result)  # noqa: S301 - pickled here, a moment ago
        tables = connection.introspection.table_names(cursor)
        before = {table: set(dump(cursor, table)) for table in tables}
        result = make()
        after = {table: dump(cursor, table) for table in tables}
    if changed := [each for each in tables if not before[each].issubset(after[each])]:
        raise ValueError(f"It changed rows of {', '.join(changed)}.")
    new = {table: [row for row in after[table] if row not in before[table]] for table in tables}
    added = {table: rows for table, rows in new.items() if rows}
    _made[name] = Snapshot(pickle.dumps(result), added)
    return result


def dump(cursor: CursorWrapper, table: str) -> Rows:
    if connection.vendor == "sqlite":
        return list(cursor.cursor.execute(f'SELECT * FROM "{table}"'))
    with cursor.copy(f'COPY "{table}" TO STDOUT') as lines:
        return b"".join(lines).splitlines(keepends=True)


def insert(cursor: CursorWrapper, table: str, rows: Rows) -> None:
    """Insert rows as they were dumped; foreign keys are checked when the transaction ends."""
    if connection.vendor == "sqlite":
        marks = ", ".join("?" * len(rows[0]))
        cursor.cursor.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
        return
    with cursor.copy(f'COPY "{table}" FROM STDIN') as lines:
        lines.write(b"".join(rows))
    cursor.execute(SEQUENCE, [table])
    if found := cursor.fetchone():
        cursor.execute(f"SELECT setval('{found[0]}', (SELECT max(id) FROM \"{table}\"))")


SEQUENCE = """
SELECT pg_get_serial_sequence(table_name, 'id') FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = %s AND column_name = 'id'
    AND is_identity = 'YES'
"""
