"""Snapshots of a SQLite file while others write to it, and putting one in its place."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from aethercrown.backup import manifest
from aethercrown.backup.manifest import TableDigest

NAME = "database.sqlite3"
BUSY_SECONDS = 60.0
COMPANIONS = ("-wal", "-shm", "-journal")


def dump(source: Path, folder: Path) -> tuple[Path, dict[str, TableDigest]]:
    """A copy as of one commit (VACUUM INTO), never of the bare file, which lacks its WAL."""
    copy = folder / NAME
    with closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
    return copy, tables(copy)


def tables(path: Path) -> dict[str, TableDigest]:
    """Every table's rows and digest."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {name: manifest.table(_rows(connection, name)) for name in names(connection)}


def names(connection: sqlite3.Connection) -> list[str]:
    question = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
    return [name for (name,) in connection.execute(f"{question} ESCAPE '\\' ORDER BY name")]


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
    """Whether there is nothing that a restoration would replace."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    with closing(sqlite3.connect(path)) as connection:
        return not names(connection)


def swap(restored: Path, target: Path, aside: Path) -> None:
    """Put `restored` in the place of `target`, which is kept as `aside` with all it wrote."""
    if target.exists():
        with closing(sqlite3.connect(target, timeout=BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        target.chmod(0o600)
        target.rename(aside)
    for companion in COMPANIONS:
        Path(f"{target}{companion}").unlink(missing_ok=True)
    restored.replace(target)


def _rows(connection: sqlite3.Connection, name: str) -> Iterator[bytes]:
    for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a name from its own schema
        yield repr(row).encode("utf-8", "surrogatepass")
