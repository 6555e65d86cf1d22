"""Copy a SQLite file in one snapshot while others write to it, and replace it by another."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from aethercrown.backup import manifest
from aethercrown.backup.automation_pause import PAUSE
from aethercrown.backup.manifest import TableDigest
from aethercrown.embedded import lock as folder_lock
from aethercrown.embedded.servers import ServerUnavailable

BUSY_TIMEOUT_SECONDS = 60.0
SIDE_FILES = ("-wal", "-shm", "-journal")


class SqliteStore:
    """One file; the platform must not run while it is swapped."""

    vendor, member = "sqlite", "database.sqlite3"

    def __init__(self, path: Path) -> None:
        self.path = path

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], dict[str, list[str]]]:
        """Copy with VACUUM INTO; a copy of the bare file would lack the write-ahead log."""
        copy = folder / self.member
        with closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
            connection.execute("VACUUM INTO ?", [str(copy)])
        with closing(sqlite3.connect(copy)) as connection:
            done = connection.execute("SELECT app, name FROM django_migrations ORDER BY id")
            return copy, tables(copy), manifest.by_app(done)

    def is_empty(self) -> bool:
        """Whether the file has no tables."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return True
        with closing(sqlite3.connect(self.path)) as connection:
            return not _names(connection)

    def lock(self) -> None:
        """Lock the data folder. Raises ServerUnavailable while the platform runs on it."""
        folder_lock.lock_folder(self.path.parent, patience=0)

    def restore(self, dump: Path, restored: str) -> dict[str, TableDigest]:
        target = self._named(restored)
        dump.rename(target)
        target.chmod(0o600)
        with closing(sqlite3.connect(target)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise ValueError("The restored file fails SQLite's integrity check.")
        return tables(target)

    def discard(self, restored: str) -> None:
        self._named(restored).unlink(missing_ok=True)

    def pause(self, restored: str, because: str, now: datetime) -> None:
        """Add a pause of automation to the restored file."""
        with closing(sqlite3.connect(self._named(restored))) as connection, connection:
            connection.execute(
                PAUSE.format(*"???"),
                [because, now.astimezone(UTC).replace(tzinfo=None).isoformat(" "), ""],
            )

    def swap(self, restored: str, former: str) -> None:
        """Keep the file as `former`, its write-ahead log written back, and replace it in one step.

        At each moment there is a whole database at its path: the former one, or the restored one.
        Raises ServerUnavailable where another process reads rows that are in the log only.
        """
        if self.path.exists():
            with closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
                if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    raise ServerUnavailable(
                        f"{self.path.name} is in use by another process, whose last rows would be "
                        "lost: stop it first."
                    )
            self.path.chmod(0o600)
            self._named(former).hardlink_to(self.path)
        for ending in SIDE_FILES:
            Path(f"{self.path}{ending}").unlink(missing_ok=True)
        self._named(restored).replace(self.path)

    def _named(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")


def tables(path: Path) -> dict[str, TableDigest]:
    """Every table's rows and digest."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {name: manifest.table(_rows(connection, name)) for name in _names(connection)}


def _names(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
    return [name for (name,) in connection.execute(f"{query} ESCAPE '\\' ORDER BY name")]


def _rows(connection: sqlite3.Connection, name: str) -> Iterator[bytes]:
    for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - the name comes from its schema
        yield repr(row).encode("utf-8", "surrogatepass")
