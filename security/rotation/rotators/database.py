"""Passwords of a PostgreSQL database: two roles in turn, so that old and new work together.

The new password goes to the role that is not in use; the application connects by whichever is
current. A third role, the administrator, changes passwords; without one, each role changes the
other's, for which it needs CREATEROLE with the ADMIN option.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from security.rotation.registry import (
    InvalidConfig,
    NewSecret,
    OutcomeUnknown,
    RotationContext,
    Rotator,
    TargetRefused,
)
from security.rotation.rotators.generated import only, text
from security.rotation.rotators.scram import verifier

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 10
FIELDS = ("host", "port", "dbname", "roles", "admin_role", "admin_key", "sslmode")
Connect = Callable[..., "psycopg.Connection[Any]"]


class DatabasePassword(Rotator):
    """Sets the idle role's password and tests it by a new connection."""

    name = "database_password"
    title = "PostgreSQL password, two roles in turn"
    needs_value = True

    def __init__(self, connect: Connect = psycopg.connect) -> None:
        self.connect = connect

    def check(self, config: Mapping[str, Any]) -> None:
        only(config, *FIELDS)
        for name in ("host", "dbname"):
            text(config, name)
        roles = config.get("roles")
        if not (isinstance(roles, list) and len(roles) == 2 and len(set(map(str, roles))) == 2):
            raise InvalidConfig(
                "config.roles", "must name two different roles, such as app_a, app_b."
            )
        if not all(isinstance(role, str) and role for role in roles):
            raise InvalidConfig("config.roles", "must hold two texts.")
        if "admin_role" in config or "admin_key" in config:
            if text(config, "admin_role") in roles:
                raise InvalidConfig("config.admin_role", "must be another role than the two.")
            text(config, "admin_key")
        port = config.get("port", 5432)
        if type(port) is not int or not 0 < port < 65_536:
            raise InvalidConfig("config.port", "must be a number from 1 to 65535.")

    def first(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"role": config["roles"][0]}

    def generate(self, held: RotationContext) -> NewSecret:
        first, second = held.config["roles"]
        in_use = held.current_detail.get("role", second)
        return NewSecret(
            super().generate(held).value, {"role": second if in_use == first else first}
        )

    def set(self, held: RotationContext) -> None:
        self._alter(held, sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(verifier(held.value))))

    def test(self, held: RotationContext) -> None:
        role = held.detail["role"]
        with self._connected(held, role, held.value) as connection:
            found = connection.execute("SELECT current_user").fetchone()
        if found != (role,):
            raise TargetRefused(f"The connection is {found}'s, and should be {role}'s.")

    def undo(self, held: RotationContext) -> None:
        self.revoke(held)

    def revoke(self, held: RotationContext) -> None:
        """Close the role, unless it is the current one; its next turn opens it again."""
        if held.detail["role"] != held.current_detail.get("role"):
            self._alter(held, sql.SQL("NOLOGIN PASSWORD NULL"))

    def next_step(self) -> str:
        return "Where the application keeps the password itself: give it the new role and value."

    def _alter(self, held: RotationContext, change: sql.Composable) -> None:
        role, password = self._altering(held)
        statement = sql.SQL("ALTER ROLE {} ").format(sql.Identifier(held.detail["role"])) + change
        with self._connected(held, role, password) as connection:
            connection.execute(statement)

    def _altering(self, held: RotationContext) -> tuple[str, str]:
        """Who changes passwords, and by which of its own."""
        if "admin_role" in held.config:
            return held.config["admin_role"], held.secret_of(held.config["admin_key"])
        if held.current is None:
            raise TargetRefused("There is no current password, and no administrator to set one.")
        return held.current_detail["role"], held.current

    @contextmanager
    def _connected(
        self, held: RotationContext, role: str, password: str
    ) -> Iterator["psycopg.Connection[Any]"]:
        """A new connection for one statement, within its deadlines."""
        given = {name: held.config[name] for name in ("port", "sslmode") if name in held.config}
        try:
            with self.connect(
                host=held.config["host"],
                dbname=held.config["dbname"],
                user=role,
                password=password,
                connect_timeout=CONNECT_SECONDS,
                options=f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=5s",
                autocommit=True,
                application_name="aethercrown-rotation",
                **given,
            ) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise _meaning(error, role) from None
        except psycopg.Error as error:  # the server understood, and said no
            raise TargetRefused(f"PostgreSQL refused {role}: {_first_line(error)}") from None


def _meaning(error: psycopg.OperationalError, role: str) -> Exception:
    """A refused sign-in is clear; a broken or silent line is not."""
    words = _first_line(error)
    clear = ("authentication failed", "does not exist", "not permitted to log in", "pg_hba.conf")
    if any(each in str(error) for each in clear):
        return TargetRefused(f"PostgreSQL refused {role}: {words}")
    return OutcomeUnknown(f"PostgreSQL did not answer {role}: {words}")


def _first_line(error: psycopg.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
