"""Copy a SQLite file in one snapshot while others write to it, and replace it by another."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from aethercrown.backup import manifest
from aethercrown.backup.manifest import TableDigest

NAME = "database.sqlite3"
BUSY_TIMEOUT_SECONDS = 60.0
SIDE_FILES = ("-wal", "-shm", "-journal")


def dump(source: Path, folder: Path) -> tuple[Path, dict[str, TableDigest]]:
    """Copy with VACUUM INTO; a copy of the bare file would lack the write-ahead log."""
    copy = folder / NAME
    with closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
    return copy, tables(copy)


def tables(path: Path) -> dict[str, TableDigest]:
    """Every table's rows and digest."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {name: manifest.table(_rows(connection, name)) for name in names(connection)}


def names(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
    return [name for (name,) in connection.execute(f"{query} ESCAPE '\\' ORDER BY name")]


def migrations(path: Path) -> dict[str, list[str]]:
    """The migrations that were applied, by app."""
    with closing(sqlite3.connect(path)) as connection:
        return by_app(connection.execute("SELECT app, name FROM django_migrations ORDER BY id"))


def by_app(rows: "Iterator[tuple[str, str]] | sqlite3.Cursor") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for app, name in rows:
        found.setdefault(app, []).append(name)
    return found


def is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def is_empty(path: Path) -> bool:
    """Whether the file has no tables."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    with closing(sqlite3.connect(path)) as connection:
        return not names(connection)


def swap(restored: Path, target: Path, former: Path) -> None:
    """Rename `target` to `former`, with its write-ahead log written back, and `restored` to it."""
    if target.exists():
        with closing(sqlite3.connect(target, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        target.chmod(0o600)
        target.rename(former)
    for ending in SIDE_FILES:
        Path(f"{target}{ending}").unlink(missing_ok=True)
    restored.replace(target)


def _rows(connection: sqlite3.Connection, name: str) -> Iterator[bytes]:
    for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - the name comes from its schema
        yield repr(row).encode("utf-8", "surrogatepass")
