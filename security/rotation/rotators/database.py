"""Passwords of a PostgreSQL database, for two alternating roles, so that old and new both work.

The new password is set for the role that is not in use; the application connects as the current
role. A third role, the administrator, changes passwords. Without one, each role changes the
other's password, which needs CREATEROLE with the ADMIN option. The server is sent a
SCRAM-SHA-256 verifier (RFC 5802, RFC 7677), never the password, which so stays out of its logs.
Staff bind this key, and the administrator's, to the server's host and port; nothing is sent before
that, nor before the server has proved itself (aethercrown.http.postgres).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
from psycopg import sql

from aethercrown.http import postgres
from aethercrown.http.addresses import AddressRefused, plain_host
from aethercrown.http.postgres import DatabaseServer
from security.rotation.registry import (
    DATABASE,
    PLAIN,
    WRONG_ANSWER,
    BindingTerms,
    InvalidConfig,
    NewSecret,
    OutcomeUnknown,
    RotationContext,
    Rotator,
    TargetAddress,
    TargetRefused,
)
from security.rotation.rotators.generated import allow_only, text

DEFAULT_PORT = 5432
FIELDS = ("host", "port", "dbname", "roles", "admin_role", "admin_key")
Connected = Callable[[DatabaseServer, str, str], AbstractContextManager["psycopg.Connection[Any]"]]


class DatabasePassword(Rotator):
    """Sets the password of the idle role and tests it with a new connection."""

    name = "database_password"
    title = "PostgreSQL password, two alternating roles"
    needs_value = True
    required_action = (
        "If the application stores the password itself, give it the new role and value."
    )

    def __init__(self, connected: Connected = postgres.connected) -> None:
        self.connected = connected

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, *FIELDS)
        text(config, "dbname")
        check_host(text(config, "host"))
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
        port = config.get("port", DEFAULT_PORT)
        if type(port) is not int or not 0 < port < 65_536:
            raise InvalidConfig("config.port", "must be a number from 1 to 65535.")

    def claims(self, config: Mapping[str, Any]) -> frozenset[str]:
        """Each of its two roles on that server, of whatever database: roles belong to a server."""
        try:
            where = address(config)
        except (TargetRefused, KeyError):  # stored by an earlier version, or unreadable
            return frozenset()
        return frozenset(role_at(role, where) for role in config.get("roles", ()))

    def initial_detail(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"role": config["roles"][0]}

    def generate(self, context: RotationContext) -> NewSecret:
        first, second = context.config["roles"]
        in_use = context.current_detail.get("role", second)
        return NewSecret(
            super().generate(context).value, {"role": second if in_use == first else first}
        )

    def uses(self, key_id: str, config: Mapping[str, Any]) -> tuple[tuple[str, TargetAddress], ...]:
        where = address(config)
        of_others = ((config["admin_key"], where),) if "admin_key" in config else ()
        return ((key_id, where), *of_others)

    def set(self, context: RotationContext) -> None:
        def change(connection: psycopg.Connection[Any]) -> sql.Composable:
            encrypted = connection.pgconn.encrypt_password(
                context.value.encode(), context.detail["role"].encode(), b"scram-sha-256"
            )
            return sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(encrypted.decode()))

        self._alter(context, change)

    def test(self, context: RotationContext) -> None:
        role, terms = context.detail["role"], context.terms(address(context.config))
        with self._connected(context, role, context.value, terms) as connection:
            found = connection.execute("SELECT current_user").fetchone()
        if found != (role,):
            raise TargetRefused(WRONG_ANSWER)

    def undo(self, context: RotationContext) -> None:
        self.revoke(context)

    def revoke(self, context: RotationContext) -> None:
        """Disable login of the role unless it is the current one; `set` enables it again.

        A role that was dropped has ended already.
        """

        def close(connection: psycopg.Connection[Any]) -> sql.Composable | None:
            named = "SELECT 1 FROM pg_roles WHERE rolname = %s"
            found = connection.execute(named, [context.detail["role"]]).fetchone()
            return sql.SQL("NOLOGIN PASSWORD NULL") if found else None

        if context.detail["role"] != context.current_detail.get("role"):
            self._alter(context, close)

    def described(self, context: RotationContext) -> str:
        return role_at(context.detail.get("role"), address(context.config))

    def _alter(
        self,
        context: RotationContext,
        change: Callable[["psycopg.Connection[Any]"], sql.Composable | None],
    ) -> None:
        """Change the context's role as `change` says; None changes nothing."""
        role, password, terms = self._administrator(context)
        target = sql.SQL("ALTER ROLE {} ").format(sql.Identifier(context.detail["role"]))
        with self._connected(context, role, password, terms) as connection:
            if (change_of_role := change(connection)) is not None:
                connection.execute(target + change_of_role)

    def _administrator(self, context: RotationContext) -> tuple[str, str, BindingTerms]:
        """The role that changes passwords, its password, and the terms of using that.

        Where that password is rotated here too, the role is the one of its two that has it now.
        """
        where = address(context.config)
        terms = context.terms(where)
        if "admin_role" in context.config:
            bound = context.secret_of(context.config["admin_key"], where)
            role = bound.detail.get("role", context.config["admin_role"])
            return role, bound.value, bound.terms
        if context.current is None:
            raise TargetRefused("There is no current password, and no administrator to set one.")
        return context.current_detail["role"], context.current, terms

    @contextmanager
    def _connected(
        self, context: RotationContext, role: str, password: str, terms: BindingTerms
    ) -> Iterator["psycopg.Connection[Any]"]:
        """A new connection for one statement, on the binding's terms."""
        where = address(context.config)
        server = DatabaseServer(
            where.host, where.port, context.config["dbname"],
            terms.tls, terms.ca_certificate, terms.networks,
        )  # fmt: skip
        try:
            with self.connected(server, role, password) as connection:
                yield connection
        except postgres.DatabaseRefused as error:
            raise TargetRefused(PLAIN[str(error)]) from error
        except postgres.DatabaseUnreachable as error:
            raise OutcomeUnknown(PLAIN[str(error)]) from error


def role_at(role: object, where: TargetAddress) -> str:
    return f"role {role} at {where}"


def address(config: Mapping[str, Any]) -> TargetAddress:
    """Where the configured server is; its port is the default one if none is given."""
    try:
        return TargetAddress(DATABASE, plain_host(config["host"]), config.get("port", DEFAULT_PORT))
    except AddressRefused as error:  # stored by an earlier version
        raise TargetRefused(str(error)) from error


def check_host(host: str) -> None:
    """Raise InvalidConfig for several hosts, or a host that is no name, address or folder."""
    try:
        plain_host(host)
    except AddressRefused as error:
        raise InvalidConfig("config.host", str(error)) from error
