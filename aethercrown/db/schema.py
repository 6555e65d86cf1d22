"""Whether the database has the tables of this version.

A database made before the tables got their present names cannot be upgraded: the first migrations
were replaced by new ones once, before the first release, under the same names `0001_initial`, so
that Django alone would take the old tables for the new ones.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

REPLACED = ("aethercrown", "0001_stored_reply")  # recorded by every database of the old form
INSTRUCTION = (
    "The database was made by an earlier version, whose tables have other names, and cannot be "
    "upgraded: start with a new DATA_DIR (or, with DATABASE_URL, an empty database)."
)
NOT_MIGRATED = "The database lacks tables of this version: run ./manage.py migrate first."


def problem() -> str:
    """One sentence where the database is not of this version; empty where it is."""
    if is_older(MigrationRecorder(connection).applied_migrations()):
        return INSTRUCTION
    return NOT_MIGRATED if missing_migrations() else ""


def missing_migrations() -> list[tuple[str, str]]:
    """The newest migration, as (app, name), of each app that lacks it."""
    return sorted(latest_migrations() - set(MigrationRecorder(connection).applied_migrations()))


@lru_cache(maxsize=1)
def latest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


@lru_cache(maxsize=64)
def past_columns(app: str, name: str) -> tuple[frozenset[str], ...]:
    """The sets of columns that a model has had, one after another; the last are the present ones.

    `name` is in lower case. Read from the migrations, in about a second.
    """
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    state = ProjectState()
    found: dict[frozenset[str], None] = {}
    for node in graph.forwards_plan(graph.leaf_nodes(app)[0]):
        state = graph.nodes[node].mutate_state(state, preserve=False)
        if (app, name) in state.models:
            fields = state.models[app, name].fields
            found[frozenset(_column(each, fields[each]) for each in fields)] = None
    return tuple(found)


def _column(name: str, field: Any) -> str:
    return f"{name}_id" if field.many_to_one or field.one_to_one else name


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
