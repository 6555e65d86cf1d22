"""Triggers by which the database itself keeps what was said; the first audit migration calls this.

Before a later migration rebuilds one of the tables on SQLite, it takes the triggers off and puts
them on again.
"""

from collections.abc import Iterator
from typing import Any

TABLES = ("security_event", "security_anchor")
SAYING = "what was recorded is never changed or removed"
FUNCTION = f"""
CREATE FUNCTION security_keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{SAYING}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def guard(apps: Any, schema_editor: Any) -> None:
    """Let the database refuse to change or remove a row."""
    for statement in on(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def unguard(apps: Any, schema_editor: Any) -> None:
    for statement in off(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def on(vendor: str) -> Iterator[str]:
    if vendor == "postgresql":
        yield FUNCTION
    for table in TABLES:
        if vendor == "postgresql":
            yield (
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION security_keep()"
            )
        if vendor == "sqlite":
            for act in ("UPDATE", "DELETE"):
                yield (
                    f"CREATE TRIGGER {table}_kept_{act.lower()} BEFORE {act} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{SAYING}'); END"
                )


def off(vendor: str) -> Iterator[str]:
    for table in TABLES:
        if vendor == "postgresql":
            yield f"DROP TRIGGER IF EXISTS {table}_kept ON {table}"
        if vendor == "sqlite":
            for act in ("update", "delete"):
                yield f"DROP TRIGGER IF EXISTS {table}_kept_{act}"
    if vendor == "postgresql":
        yield "DROP FUNCTION IF EXISTS security_keep()"
