"""Passwords of a PostgreSQL database, for two alternating roles, so that old and new both work.

The new password is set for the role that is not in use; the application connects as the current
role. A third role, the administrator, changes passwords. Without one, each role changes the
other's password, which needs CREATEROLE with the ADMIN option. The server is sent a
SCRAM-SHA-256 verifier (RFC 5802, RFC 7677), never the password, which so stays out of its logs.
A server that asks for a password in clear text or by MD5 is refused.
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
from security.rotation.rotators.generated import allow_only, text

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 10
FIELDS = ("host", "port", "dbname", "roles", "admin_role", "admin_key", "sslmode")
Connect = Callable[..., "psycopg.Connection[Any]"]


class DatabasePassword(Rotator):
    """Sets the password of the idle role and tests it with a new connection."""

    name = "database_password"
    title = "PostgreSQL password, two alternating roles"
    needs_value = True
    required_action = (
        "If the application stores the password itself, give it the new role and value."
    )

    def __init__(self, connect: Connect = psycopg.connect) -> None:
        self.connect = connect

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, *FIELDS)
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
                raise InvalidConfig("config.admin_role", "must be different from the two roles.")
            text(config, "admin_key")
        port = config.get("port", 5432)
        if type(port) is not int or not 0 < port < 65_536:
            raise InvalidConfig("config.port", "must be a number from 1 to 65535.")

    def initial_detail(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"role": config["roles"][0]}

    def generate(self, context: RotationContext) -> NewSecret:
        first, second = context.config["roles"]
        in_use = context.current_detail.get("role", second)
        return NewSecret(
            super().generate(context).value, {"role": second if in_use == first else first}
        )

    def set(self, context: RotationContext) -> None:
        def change(connection: psycopg.Connection[Any]) -> sql.Composable:
            encrypted = connection.pgconn.encrypt_password(
                context.value.encode(), context.detail["role"].encode(), b"scram-sha-256"
            )
            return sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(encrypted.decode()))

        self._alter(context, change)

    def test(self, context: RotationContext) -> None:
        role = context.detail["role"]
        with self._connected(context, role, context.value) as connection:
            found = connection.execute("SELECT current_user").fetchone()
        if found != (role,):
            raise TargetRefused(f"The connection is {found}'s, and should be {role}'s.")

    def undo(self, context: RotationContext) -> None:
        self.revoke(context)

    def revoke(self, context: RotationContext) -> None:
        """Disable login of the role unless it is the current one; `set` enables it again."""
        if context.detail["role"] != context.current_detail.get("role"):
            self._alter(context, lambda _: sql.SQL("NOLOGIN PASSWORD NULL"))

    def _alter(
        self,
        context: RotationContext,
        change: Callable[["psycopg.Connection[Any]"], sql.Composable],
    ) -> None:
        role, password = self._administrator(context)
        target = sql.SQL("ALTER ROLE {} ").format(sql.Identifier(context.detail["role"]))
        with self._connected(context, role, password) as connection:
            connection.execute(target + change(connection))

    def _administrator(self, context: RotationContext) -> tuple[str, str]:
        """The role that changes passwords, and its own password."""
        if "admin_role" in context.config:
            return context.config["admin_role"], context.secret_of(context.config["admin_key"])
        if context.current is None:
            raise TargetRefused("There is no current password, and no administrator to set one.")
        return context.current_detail["role"], context.current

    @contextmanager
    def _connected(
        self, context: RotationContext, role: str, password: str
    ) -> Iterator["psycopg.Connection[Any]"]:
        """A new connection for one statement, with timeouts."""
        options = {
            name: context.config[name] for name in ("port", "sslmode") if name in context.config
        }
        try:
            with self.connect(
                host=context.config["host"],
                dbname=context.config["dbname"],
                user=role,
                password=password,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                options=f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c lock_timeout=5s",
                autocommit=True,
                application_name="aethercrown-rotation",
                require_auth="scram-sha-256",
                **options,
            ) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise _classify(error, role) from None
        except psycopg.Error as error:  # the server refused the statement
            raise TargetRefused(f"PostgreSQL refused {role}: {_first_line(error)}") from None


def _classify(error: psycopg.OperationalError, role: str) -> Exception:
    """TargetRefused for a refused login, OutcomeUnknown for a lost or silent connection."""
    message = _first_line(error)
    refusals = (
        *("authentication failed", "does not exist", "not permitted to log in", "pg_hba.conf"),
        "authentication method requirement",
    )
    if any(each in str(error) for each in refusals):
        return TargetRefused(f"PostgreSQL refused {role}: {message}")
    return OutcomeUnknown(f"PostgreSQL did not answer {role}: {message}")


def _first_line(error: psycopg.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
