"""Restores the test database after a test with real commits.

Django would empty every table, in a second for each test, and lose the rows that migrations
inserted. This restores only the tables that changed, in milliseconds.
"""
# ruff: noqa: S608 - the tables' names are the database's own

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

Restore = Callable[[], None]


def snapshot(folder: Path) -> Restore:
    """Save the database as it is now; the result restores it."""
    if connection.vendor == "sqlite":
        return copy_of_file(folder / "pristine.sqlite3")
    with connection.cursor() as cursor:
        return Tables.saved(cursor).restore


def copy_of_file(file: Path) -> Restore:
    """SQLite's backup by pages, which triggers and foreign keys do not affect."""
    with sqlite3.connect(file) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
    copy.close()

    def restore() -> None:
        connection.ensure_connection()
        kept = sqlite3.connect(file)
        kept.backup(connection.connection)
        kept.close()

    return restore


@dataclass(frozen=True, slots=True)
class Tables:
    """PostgreSQL's tables; those with rows are copied into the schema `pristine`."""

    filled: frozenset[str]
    guarded: frozenset[str]  # by our triggers
    referring: dict[str, set[str]]  # by table: the tables with a foreign key to it
    changes_query: str

    @classmethod
    def saved(cls, cursor: CursorWrapper) -> "Tables":
        names = sorted(connection.introspection.table_names(cursor))
        filled = frozenset(each for each in names if has_rows(cursor, each))
        cursor.execute("CREATE SCHEMA pristine")
        for each in filled:
            cursor.execute(f"CREATE TABLE pristine.{each} AS TABLE {each}")
        return cls(
            filled=filled,
            guarded=frozenset(each for (each,) in fetch(cursor, GUARDED)),
            referring=grouped(fetch(cursor, REFERRING)),
            changes_query=" UNION ALL ".join(
                changed(each, was_empty=each not in filled) for each in names
            ),
        )

    def restore(self) -> None:
        """Empty the changed tables and those that refer to them, and copy the saved rows back."""
        with transaction.atomic(), connection.cursor() as cursor:
            emptied = self.with_referring(each for (each,) in fetch(cursor, self.changes_query))
            if not emptied:
                return
            guarded = sorted(emptied & self.guarded)
            switch(cursor, guarded, "DISABLE")
            cursor.execute(f"TRUNCATE {', '.join(sorted(emptied))}")
            for each in sorted(emptied & self.filled):
                cursor.execute(f"INSERT INTO {each} TABLE pristine.{each}")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # required before ALTER TABLE
            switch(cursor, guarded, "ENABLE")

    def with_referring(self, changed: Iterable[str]) -> set[str]:
        """The given tables, and those that refer to them, directly or indirectly."""
        found, new = set[str](), set(changed)
        while new:
            found |= new
            new = {each for one in new for each in self.referring.get(one, ())} - found
        return found


GUARDED = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger
JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
REFERRING = """
SELECT confrelid::regclass::text, conrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND pg_constraint.connamespace = current_schema()::regnamespace
"""


def changed(table: str, *, was_empty: bool) -> str:
    """A query that returns the table's name if its rows have changed."""
    if was_empty:
        return f"SELECT '{table}' WHERE EXISTS (TABLE {table})"
    now, before = (
        f"(SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM {each} AS row)"
        for each in (table, f"pristine.{table}")
    )
    return f"SELECT '{table}' WHERE {now} IS DISTINCT FROM {before}"


def has_rows(cursor: CursorWrapper, table: str) -> bool:
    return bool(fetch(cursor, f"SELECT 1 FROM {table} LIMIT 1"))


def fetch(cursor: CursorWrapper, query: str) -> list[tuple[str, ...]]:
    cursor.execute(query)
    rows: list[tuple[str, ...]] = cursor.fetchall()
    return rows


def grouped(pairs: Iterable[tuple[str, ...]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for first, second in pairs:
        found.setdefault(first, set()).add(second)
    return found


def switch(cursor: CursorWrapper, tables: Iterable[str], how: str) -> None:
    for each in tables:
        cursor.execute(f"ALTER TABLE {each} {how} TRIGGER USER")
