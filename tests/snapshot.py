"""Rows that many tests need, such as the demo company: made once a run, then copied in.

`loaded(name, make)` calls `make` the first time and stores the rows that it added, for the other
processes of the run too: their databases are copies of one template. Later it inserts those rows,
in a tenth of the time or less. Each test still has its own transaction.
"""
# ruff: noqa: S608 - the tables' names are the database's own

import fcntl
import hashlib
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

Rows = list[Any]  # tuples of SQLite's values, or lines of PostgreSQL's COPY


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `make` returned, pickled, and the rows it added by table."""

    result: bytes
    rows: dict[str, Rows]


def loaded(name: str, make: Callable[[], Any]) -> Any:
    """The result of `make`, with its rows in the database; ValueError where it changed others."""
    known = hashlib.sha256(name.encode()).hexdigest()[:16]
    stored = Path(os.environ["TESTS_FOLDER"]) / f"rows-{connection.vendor}-{known}"
    with stored.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stored.exists():
            return _made(make, stored)
    driver: Any = getattr(connection, "Database")  # noqa: B009 - sqlite3 or psycopg; untyped
    snapshot: Snapshot = pickle.loads(stored.read_bytes())  # noqa: S301 - pickled in this run
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for table, rows in snapshot.rows.items():
                insert(cursor, table, rows)
    except driver.IntegrityError:  # an earlier row of this test has one's number
        return make()
    return pickle.loads(snapshot.result)  # noqa: S301 - pickled in this run


def _made(make: Callable[[], Any], stored: Path) -> Any:
    with transaction.atomic(), connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if connection.vendor == "postgresql":  # a partitioned table has its partitions' rows
            cursor.execute("SELECT relname FROM pg_class WHERE relispartition")
            tables = sorted({*tables} - {name for (name,) in cursor.fetchall()})
        before = {table: set(dump(cursor, table)) for table in tables}
        result = make()
        after = {table: dump(cursor, table) for table in tables}
    if changed := [each for each in tables if not before[each].issubset(after[each])]:
        raise ValueError(f"It changed rows of {', '.join(changed)}.")
    new = {table: [row for row in after[table] if row not in before[table]] for table in tables}
    added = {table: rows for table, rows in new.items() if rows}
    stored.write_bytes(pickle.dumps(Snapshot(pickle.dumps(result), added)))
    return result


def dump(cursor: CursorWrapper, table: str) -> Rows:
    if connection.vendor == "sqlite":
        return list(cursor.cursor.execute(f'SELECT * FROM "{table}"'))
    with cursor.copy(f'COPY (SELECT * FROM "{table}") TO STDOUT') as lines:
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
