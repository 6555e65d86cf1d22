"""One interface to back up and restore a database, for SQLite and PostgreSQL."""

from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import connection

from aethercrown.backup import postgres, sqlite
from aethercrown.backup.manifest import TableDigest
from aethercrown.embedded import lock as folder_lock

Migrations = dict[str, list[str]]


class DatabaseStore(Protocol):
    """`restored` and `former` are endings of the name of a file or a database."""

    vendor: str
    member: str

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], Migrations]: ...
    def is_empty(self) -> bool: ...
    def lock(self) -> None: ...
    def restore(self, dump: Path, restored: str) -> dict[str, TableDigest]: ...
    def discard(self, restored: str) -> None: ...
    def swap(self, restored: str, former: str) -> None: ...


class SqliteStore:
    """One file; the platform must not run while it is swapped."""

    vendor, member = "sqlite", sqlite.NAME

    def __init__(self, path: Path) -> None:
        self.path = path

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], Migrations]:
        copy, tables = sqlite.dump(self.path, folder)
        return copy, tables, sqlite.migrations(copy)

    def is_empty(self) -> bool:
        return sqlite.is_empty(self.path)

    def lock(self) -> None:
        """Lock the data folder. Raises ServerUnavailable while the platform runs on it."""
        folder_lock.lock_folder(self.path.parent, patience=0)

    def restore(self, dump: Path, restored: str) -> dict[str, TableDigest]:
        target = self._named(restored)
        dump.rename(target)
        target.chmod(0o600)
        if not sqlite.is_whole(target):
            raise ValueError("The restored file fails SQLite's integrity check.")
        return sqlite.tables(target)

    def discard(self, restored: str) -> None:
        self._named(restored).unlink(missing_ok=True)

    def swap(self, restored: str, former: str) -> None:
        sqlite.swap(self._named(restored), self.path, self._named(former))

    def _named(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")


class PostgresStore:
    """One database of a server; its user may create databases."""

    vendor, member = "postgresql", postgres.NAME

    def __init__(self, server: postgres.PostgresServer) -> None:
        self.server = server

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], Migrations]:
        return self.server.dump(folder)

    def is_empty(self) -> bool:
        return self.server.is_empty()

    def lock(self) -> None:
        """Nothing to lock: the swap ends open sessions."""

    def restore(self, dump: Path, restored: str) -> dict[str, TableDigest]:
        self.server.restore(dump, self._named(restored))
        return self.server.tables(self._named(restored))

    def discard(self, restored: str) -> None:
        self.server.drop(self._named(restored))

    def swap(self, restored: str, former: str) -> None:
        self.server.swap(self._named(restored), self._named(former))

    def _named(self, ending: str) -> str:
        return f"{self.server.name[: 62 - len(ending)]}_{ending}"


def current_store() -> DatabaseStore:
    """The store of the database in the settings."""
    options = connection.settings_dict
    if connection.vendor == "postgresql":
        return PostgresStore(postgres.PostgresServer(options, settings.INHERITED_ENVIRONMENT()))
    return SqliteStore(Path(str(options["NAME"])).absolute())


def anchors_folder() -> Path:
    """The folder of the anchor files, which a back-up includes."""
    return Path(settings.AUDIT_ANCHORS)
