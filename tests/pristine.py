"""The test database as the migrations left it, brought back after a test with real commits.

Django would empty every table and let each app fill its own again: a second for each test, and
the rows that migrations entered stay lost. Here only what changed is put back, in milliseconds.
"""
# ruff: noqa: S608 - the tables' names are the database's own

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

Restore = Callable[[], None]


def kept(folder: Path) -> Restore:
    """Remember the database as it is now; the answer brings it back to that."""
    if connection.vendor == "sqlite":
        return copied(folder / "pristine.sqlite3")
    with connection.cursor() as cursor:
        return Tables.remembered(cursor).bring_back


def copied(file: Path) -> Restore:
    """SQLite's own page by page copy, which no trigger and no key can refuse."""
    with sqlite3.connect(file) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
    copy.close()

    def bring_back() -> None:
        connection.ensure_connection()
        kept = sqlite3.connect(file)
        kept.backup(connection.connection)
        kept.close()

    return bring_back


@dataclass(frozen=True, slots=True)
class Tables:
    """PostgreSQL's tables: those with rows have a copy in a schema of their own."""

    filled: frozenset[str]
    guarded: frozenset[str]  # by triggers of ours
    pointing: dict[str, set[str]]  # at each table
    question: str

    @classmethod
    def remembered(cls, cursor: CursorWrapper) -> "Tables":
        names = sorted(connection.introspection.table_names(cursor))
        filled = frozenset(each for each in names if has_rows(cursor, each))
        cursor.execute("CREATE SCHEMA pristine")
        for each in filled:
            cursor.execute(f"CREATE TABLE pristine.{each} AS TABLE {each}")
        return cls(
            filled=filled,
            guarded=frozenset(each for (each,) in told(cursor, GUARDED)),
            pointing=gathered(told(cursor, POINTING)),
            question=" UNION ALL ".join(
                changed(each, was_empty=each not in filled) for each in names
            ),
        )

    def bring_back(self) -> None:
        """Empty what changed and all that points there; then fill in what was there."""
        with transaction.atomic(), connection.cursor() as cursor:
            emptied = self.reached(each for (each,) in told(cursor, self.question))
            if not emptied:
                return
            guarded = sorted(emptied & self.guarded)
            switch(cursor, guarded, "DISABLE")
            cursor.execute(f"TRUNCATE {', '.join(sorted(emptied))}")
            for each in sorted(emptied & self.filled):
                cursor.execute(f"INSERT INTO {each} TABLE pristine.{each}")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table is not altered before
            switch(cursor, guarded, "ENABLE")

    def reached(self, changed: Iterable[str]) -> set[str]:
        """The tables given and all whose rows point at theirs, however far."""
        found, new = set[str](), set(changed)
        while new:
            found |= new
            new = {each for one in new for each in self.pointing.get(one, ())} - found
        return found


GUARDED = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger
JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
POINTING = """
SELECT confrelid::regclass::text, conrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND pg_constraint.connamespace = current_schema()::regnamespace
"""


def changed(table: str, *, was_empty: bool) -> str:
    """A question that answers with the table's name if its rows are not those of before."""
    if was_empty:
        return f"SELECT '{table}' WHERE EXISTS (TABLE {table})"
    now, before = (
        f"(SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM {each} AS row)"
        for each in (table, f"pristine.{table}")
    )
    return f"SELECT '{table}' WHERE {now} IS DISTINCT FROM {before}"


def has_rows(cursor: CursorWrapper, table: str) -> bool:
    return bool(told(cursor, f"SELECT 1 FROM {table} LIMIT 1"))


def told(cursor: CursorWrapper, question: str) -> list[tuple[str, ...]]:
    cursor.execute(question)
    rows: list[tuple[str, ...]] = cursor.fetchall()
    return rows


def gathered(pairs: Iterable[tuple[str, ...]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for first, second in pairs:
        found.setdefault(first, set()).add(second)
    return found


def switch(cursor: CursorWrapper, tables: Iterable[str], how: str) -> None:
    for each in tables:
        cursor.execute(f"ALTER TABLE {each} {how} TRIGGER USER")
