"""One interface to back up and restore a database, for SQLite and PostgreSQL."""

from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import connection

from aethercrown.backup.manifest import TableDigest
from aethercrown.backup.postgres import PostgresStore
from aethercrown.backup.sqlite import SqliteStore


class DatabaseStore(Protocol):
    """`restored` and `former` are endings of the name of a file or a database."""

    vendor: str
    member: str

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], dict[str, list[str]]]: ...
    def is_empty(self) -> bool: ...
    def lock(self) -> None: ...
    def restore(self, dump: Path, restored: str) -> dict[str, TableDigest]: ...
    def discard(self, restored: str) -> None: ...
    def swap(self, restored: str, former: str) -> None: ...


def current_store() -> DatabaseStore:
    """The store of the database in the settings."""
    options = connection.settings_dict
    if connection.vendor == "postgresql":
        return PostgresStore(options, settings.INHERITED_ENVIRONMENT())
    return SqliteStore(Path(str(options["NAME"])).absolute())


def anchors_folder() -> Path:
    """The folder of the anchor files, which a back-up includes."""
    return Path(settings.AUDIT_ANCHORS)
