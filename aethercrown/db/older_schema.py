"""A database made before the tables got their present names: no migration upgrades it.

The first migrations were replaced by new ones once, before the first release. Under the same
names `0001_initial`, so that Django alone would take the old tables for the new ones.
"""

from collections.abc import Collection
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

REPLACED = ("aethercrown", "0001_stored_reply")  # recorded by every database of the old form
INSTRUCTION = (
    "The database was made by an earlier version, whose tables have other names, and cannot be "
    "upgraded: start with a new DATA_DIR (or, with DATABASE_URL, an empty database)."
)


def is_older(recorded: Collection[tuple[str, str]]) -> bool:
    """Whether the recorded migrations, (app, name) each, are those of the old form."""
    return REPLACED in recorded


@register(Tags.database)
def refuse_older_schema(
    app_configs: Any, databases: Collection[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """Run by `migrate` before it changes anything."""
    recorded = (
        MigrationRecorder(connections[alias]).applied_migrations() for alias in databases or ()
    )
    if any(is_older(each) for each in recorded):
        return [Error(INSTRUCTION, id="aethercrown.E009")]
    return []
