"""The platform's database as backing up sees it: a snapshot out, a restored one beside, a swap."""

from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import connection

from aethercrown.backup import postgres, sqlite
from aethercrown.backup.manifest import TableDigest
from aethercrown.embedded import lock

Migrations = dict[str, list[str]]


class DatabaseStore(Protocol):
    """`beside` and `aside` name a file or a database, in words that a person can use."""

    vendor: str
    member: str

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], Migrations]: ...
    def is_empty(self) -> bool: ...
    def hold(self) -> None: ...
    def restore(self, dump: Path, beside: str) -> dict[str, TableDigest]: ...
    def discard(self, beside: str) -> None: ...
    def swap(self, beside: str, aside: str) -> None: ...


class SqliteStore:
    """One file; nothing else may run while it is swapped."""

    vendor, member = "sqlite", sqlite.NAME

    def __init__(self, path: Path) -> None:
        self.path = path

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], Migrations]:
        copy, tables = sqlite.dump(self.path, folder)
        return copy, tables, sqlite.migrations(copy)

    def is_empty(self) -> bool:
        return sqlite.is_empty(self.path)

    def hold(self) -> None:
        """Unavailable while the platform runs on this folder."""
        lock.lock_folder(self.path.parent, patience=0)

    def restore(self, dump: Path, beside: str) -> dict[str, TableDigest]:
        target = self._named(beside)
        dump.rename(target)
        target.chmod(0o600)
        if not sqlite.is_whole(target):
            raise ValueError("SQLite finds the restored file damaged.")
        return sqlite.tables(target)

    def discard(self, beside: str) -> None:
        self._named(beside).unlink(missing_ok=True)

    def swap(self, beside: str, aside: str) -> None:
        sqlite.swap(self._named(beside), self.path, self._named(aside))

    def _named(self, mark: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{mark}")


class PostgresStore:
    """One database of a server on which the user may make databases."""

    vendor, member = "postgresql", postgres.NAME

    def __init__(self, server: postgres.PostgresServer) -> None:
        self.server = server

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], Migrations]:
        return self.server.dump(folder)

    def is_empty(self) -> bool:
        return self.server.is_empty()

    def hold(self) -> None:
        """Sessions that are open are ended by the swap."""

    def restore(self, dump: Path, beside: str) -> dict[str, TableDigest]:
        self.server.restore(dump, self._named(beside))
        return self.server.tables(self._named(beside))

    def discard(self, beside: str) -> None:
        self.server.drop(self._named(beside))

    def swap(self, beside: str, aside: str) -> None:
        self.server.swap(self._named(beside), self._named(aside))

    def _named(self, mark: str) -> str:
        return f"{self.server.name[: 62 - len(mark)]}_{mark}"


def here() -> DatabaseStore:
    """The store of the database that the settings name."""
    given = connection.settings_dict
    if connection.vendor == "postgresql":
        return PostgresStore(postgres.PostgresServer(given, settings.INHERITED_ENVIRONMENT()))
    return SqliteStore(Path(str(given["NAME"])).absolute())


def folder() -> Path:
    """Where anchors stand; they go along, so that a new machine knows what was anchored."""
    return Path(settings.AUDIT_ANCHORS)
