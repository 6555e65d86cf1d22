"""Django's migrate, without the limit on how long a statement may take."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")


class Command(migrate.Command):
    """A request's statements end after ten seconds; changing a large table takes longer.

    Waiting for a lock stays limited: whoever holds it is served meanwhile, and so is who comes
    after.
    """

    def handle(self, *args: Any, **options: Any) -> Any:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            return super().handle(*args, **options)
        _set_limits(connection, "SET {} = 0")
        told = super().handle(*args, **options)
        _set_limits(connection, "RESET {}")  # after a failure the process ends
        return told


def _set_limits(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        for limit in LIMITS:
            cursor.execute(statement.format(limit))
