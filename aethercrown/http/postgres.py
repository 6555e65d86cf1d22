"""Connections to PostgreSQL servers elsewhere, under the same address rules as HTTP.

The name is resolved once, every address is checked, and libpq is pinned to checked ones under the
original name. A server proves itself first: by its certificate, unless its terms say otherwise, and
by SCRAM, so that a password never leaves in clear text or as MD5. One deadline covers everything.
"""

import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer
from typing import Any

import psycopg

from aethercrown.http.addresses import AddressRefused, Network, ParsedURL
from aethercrown.http.outbound import REFUSED, TIMED_OUT, OutboundClient, Unreachable

VERIFY_FULL, VERIFY_CA, NO_TLS = "verify-full", "verify-ca", "disable"
DEADLINE_SECONDS = 10.0
MAX_ADDRESSES = 3  # of one name that are tried
Connect = Callable[..., "psycopg.Connection[Any]"]
# What libpq and servers say where a login is refused, or where nothing was sent.
REFUSALS = (
    *("authentication failed", "does not exist", "not permitted to log in", "pg_hba.conf"),
    *("authentication method requirement", "channel binding", "certificate", "SSL error"),
    *("does not support SSL", "Connection refused"),
)


class DatabaseRefused(Exception):
    """The server refused, or may not be called: nothing was changed there."""


class DatabaseUnreachable(Exception):
    """No clear answer: what was asked may have been done. The text says why, plainly."""


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """One database. `host` is a name, an address, or the folder of a Unix socket.

    `networks` are the private networks that staff allow for it; `ca_certificate` is in PEM, empty
    for the system's authorities.
    """

    host: str
    port: int
    dbname: str
    tls: str = VERIFY_FULL
    ca_certificate: str = ""
    networks: tuple[Network, ...] = ()

    @property
    def is_socket(self) -> bool:
        return self.host.startswith("/")


@contextmanager
def connected(
    server: DatabaseServer,
    role: str,
    password: str,
    *,
    seconds: float = DEADLINE_SECONDS,
    client: OutboundClient | None = None,
    connect: Connect = psycopg.connect,
) -> Iterator["psycopg.Connection[Any]"]:
    """A connection that ends after `seconds`. Raises DatabaseRefused and DatabaseUnreachable."""
    calls = client or OutboundClient()
    ends = calls.clock() + seconds
    try:
        place = _place(server, calls, ends)
        with (
            _trusted(server) as trust,
            connect(
                **place,
                **trust,
                dbname=server.dbname,
                user=role,
                password=password,
                options=f"-c statement_timeout={int(seconds)}s -c lock_timeout=5s",
                autocommit=True,
                application_name="aethercrown-rotation",
                require_auth="scram-sha-256",
                gssencmode="disable",
            ) as connection,
            _deadline(connection, ends - calls.clock()),
        ):
            yield connection
    except (psycopg.Error, AddressRefused, Unreachable) as error:
        raise _classify(error) from error


def _place(server: DatabaseServer, client: OutboundClient, ends: float) -> dict[str, Any]:
    """Where libpq connects: the folder of a socket, or checked addresses under the name."""
    if server.is_socket:
        return {"host": server.host, "port": server.port, "connect_timeout": _each(ends, client)}
    where = ParsedURL("postgresql", server.host, server.port, "")
    pinned = client.allowing(server.networks).checked(where, ends)[:MAX_ADDRESSES]
    hosts = ",".join([server.host] * len(pinned))
    return {
        "host": hosts,
        "hostaddr": ",".join(pinned),
        "port": server.port,
        "connect_timeout": _each(ends, client, len(pinned)),
    }


def _each(ends: float, client: OutboundClient, addresses: int = 1) -> int:
    """The seconds for each address, tried one after the other in half of the time; 2 at least."""
    return max(2, int((ends - client.clock()) / 2 / addresses))


@contextmanager
def _trusted(server: DatabaseServer) -> Iterator[dict[str, str]]:
    """How the server must prove itself; a certificate of its own is read by libpq from a file."""
    if server.is_socket or server.tls == NO_TLS:
        yield {"sslmode": "disable", "channel_binding": "disable"}
        return
    bound = {"sslmode": server.tls, "channel_binding": "require"}
    if not server.ca_certificate:
        yield {**bound, "sslmode": VERIFY_FULL, "sslrootcert": "system"}
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(server.ca_certificate)
        file.flush()
        yield {**bound, "sslrootcert": file.name}


@contextmanager
def _deadline(connection: "psycopg.Connection[Any]", seconds: float) -> Iterator[None]:
    """Cut the line after `seconds`: a server that keeps silent holds nobody."""
    timer = Timer(max(0.0, seconds), _cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: "psycopg.Connection[Any]") -> None:
    with suppress(OSError, psycopg.Error):
        line = socket.socket(fileno=connection.fileno())
        try:
            line.shutdown(socket.SHUT_RDWR)
        finally:
            line.detach()


def _classify(error: Exception) -> Exception:
    if isinstance(error, Unreachable):
        return DatabaseUnreachable(TIMED_OUT if error.kind == "timeout" else REFUSED)
    is_line = isinstance(error, psycopg.OperationalError)
    if not is_line or any(each in str(error) for each in REFUSALS):
        return DatabaseRefused(REFUSED)
    return DatabaseUnreachable(TIMED_OUT)
