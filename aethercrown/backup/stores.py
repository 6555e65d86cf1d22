"""One interface to back up and restore a database, for SQLite and PostgreSQL."""

from pathlib import Path

from django.conf import settings
from django.db import connection

from aethercrown.backup.postgres import PostgresStore
from aethercrown.backup.sqlite import SqliteStore

# To both, `restored` and `former` are endings of the name of a file or a database.
DatabaseStore = SqliteStore | PostgresStore


def current_store() -> DatabaseStore:
    """The store of the database in the settings."""
    options = connection.settings_dict
    if connection.vendor == "postgresql":
        return PostgresStore(options, settings.INHERITED_ENVIRONMENT())
    return SqliteStore(Path(str(options["NAME"])).absolute())


def anchors_folder() -> Path:
    """The folder of the anchor files, which a back-up includes."""
    return Path(settings.AUDIT_ANCHORS)
