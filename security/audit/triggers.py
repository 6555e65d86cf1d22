"""Database triggers that refuse to change events and anchors; a migration installs them.

A later migration that rebuilds one of the tables on SQLite drops and creates the triggers again.
"""

from collections.abc import Iterator
from typing import Any

TABLES = ("security_event", "security_anchor")
ERROR_MESSAGE = "what was recorded is never changed or removed"
FUNCTION = f"""
CREATE FUNCTION security_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{ERROR_MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def install(apps: Any, schema_editor: Any) -> None:
    """Let the database refuse to change or remove a row."""
    for statement in create_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def remove(apps: Any, schema_editor: Any) -> None:
    for statement in drop_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def create_statements(vendor: str) -> Iterator[str]:
    if vendor == "postgresql":
        yield FUNCTION
    for table in TABLES:
        if vendor == "postgresql":
            yield (
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION security_refuse_change()"
            )
        if vendor == "sqlite":
            for act in ("UPDATE", "DELETE"):
                yield (
                    f"CREATE TRIGGER {table}_kept_{act.lower()} BEFORE {act} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{ERROR_MESSAGE}'); END"
                )


def drop_statements(vendor: str) -> Iterator[str]:
    for table in TABLES:
        if vendor == "postgresql":
            yield f"DROP TRIGGER IF EXISTS {table}_kept ON {table}"
        if vendor == "sqlite":
            for act in ("update", "delete"):
                yield f"DROP TRIGGER IF EXISTS {table}_kept_{act}"
    if vendor == "postgresql":
        yield "DROP FUNCTION IF EXISTS security_refuse_change()"
