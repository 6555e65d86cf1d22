"""The one way out: HTTP calls that reach public hosts only, end in time and stay small.

The name is resolved once, every address it has must be public, and the connection goes to an
address that was checked, under the name that was asked for. Redirects are answers, not followed.
Nothing in the environment (proxies, .netrc) changes where a call goes.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse

from aethercrown.http import addresses
from aethercrown.http.addresses import AddressRefused, ParsedURL

__all__ = [
    "OutboundResponse",
    "OutboundClient",
    "AddressRefused",
    "ResponseTooLarge",
    "Unreachable",
    "fetch",
]

TIMEOUT_SECONDS = 5.0
MAX_TIMEOUT_SECONDS = 10.0
MAX_BODY_BYTES = 1024 * 1024  # bytes of a body, decoded
CHUNK_BYTES = 16 * 1024
ONLY_HTTPS = frozenset({"https"})
ALL_SCHEMES = frozenset({"http", "https"})
DEFAULTS = {"Accept-Encoding": "gzip", "User-Agent": "AetherCrown"}
Resolve = Callable[[str, int, float], list[str]]
Connect = Callable[[tuple[str, int], float], socket.socket]


class Unreachable(Exception):
    """No answer; `kind` is dns, connect, tls, timeout or protocol."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class ResponseTooLarge(Exception):
    """The answer's body is over the limit; what was read of it is gone, but for its status."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def resolve_host(
    host: str, port: int, seconds: float, lookup: Callable[..., list[Any]] = socket.getaddrinfo
) -> list[str]:
    """Every address of `host` by the system's resolver, which is not waited for any longer."""
    found: list[str] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            rows = lookup(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            failed.append(error)
        else:
            found.extend(dict.fromkeys(str(row[4][0]) for row in rows))

    thread = threading.Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed or not found:
        raise Unreachable("dns" if failed else "timeout", f"{host} could not be resolved.")
    return found


def open_socket(address: tuple[str, int], seconds: float) -> socket.socket:
    return socket.create_connection(address, seconds)


@lru_cache(maxsize=1)
def system_trust() -> ssl.SSLContext:
    """Certificates checked against the system's authorities; made once, for it is slow."""
    return ssl.create_default_context()


class DeadlineMixin:
    """Sockets whose every operation ends at `ends`, so that slow drips add up to no more."""

    ends: float = float("inf")
    clock: Callable[[], float] = time.monotonic

    def allow(self) -> None:
        left = self.ends - self.clock()
        if left <= 0:
            raise TimeoutError
        cast("socket.socket", self).settimeout(min(left, MAX_TIMEOUT_SECONDS))

    def recv_into(self, *args: Any) -> Any:
        self.allow()
        return super().recv_into(*args)  # type: ignore[misc]  # the socket's own

    def send(self, *args: Any) -> Any:
        self.allow()
        return super().send(*args)  # type: ignore[misc]  # the socket's own

    def sendall(self, *args: Any) -> Any:
        self.allow()
        return super().sendall(*args)  # type: ignore[misc]  # the socket's own


class DeadlineSocket(DeadlineMixin, socket.socket):
    """In the clear."""


class DeadlineTLSSocket(DeadlineMixin, ssl.SSLSocket):
    """Over TLS; the handshake has one deadline by itself."""


class PinnedHTTPConnection(HTTPConnection):
    """Goes where `dial` says, whatever the name would resolve to by now."""

    def __init__(self, where: ParsedURL, dial: Callable[[], DeadlineSocket]) -> None:
        super().__init__(where.host, where.port, timeout=MAX_TIMEOUT_SECONDS)
        self.dial = dial

    def _new_conn(self) -> socket.socket:
        return self.dial()


class PinnedHTTPSConnection(HTTPSConnection):
    """The same over TLS: SNI and certificate are those of the name."""

    def __init__(
        self, where: ParsedURL, dial: Callable[[], DeadlineSocket], context: ssl.SSLContext
    ) -> None:
        context.sslsocket_class = DeadlineTLSSocket
        super().__init__(where.host, where.port, timeout=MAX_TIMEOUT_SECONDS, ssl_context=context)
        self.dial = dial

    def _new_conn(self) -> socket.socket:
        self.dialled = self.dial()
        return self.dialled

    def connect(self) -> None:
        super().connect()
        secured = cast("DeadlineTLSSocket", self.sock)
        secured.ends, secured.clock = self.dialled.ends, self.dialled.clock


@dataclass(frozen=True, slots=True)
class OutboundClient:
    """How names are resolved and sockets made; the plain one uses the system's.

    `vet` refuses the addresses that may not be called, `ports` has those that may.
    """

    resolve: Resolve = resolve_host
    connect: Connect = open_socket
    vet: Callable[[str], object] = addresses.check_address
    ports: Container[int] = addresses.ALLOWED_PORTS
    clock: Callable[[], float] = time.monotonic
    trust: Callable[[], ssl.SSLContext] = field(default=system_trust)

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        plain_http: bool = False,
        seconds: float = TIMEOUT_SECONDS,
        limit: int = MAX_BODY_BYTES,
    ) -> OutboundResponse:
        """Call `url` and read its answer, all of it within `seconds` (at most 10).

        Refused where the URL or any of its addresses may not be called, Unreachable where no
        whole answer came, TooLarge where the body exceeds `limit` bytes.
        """
        began = self.clock()
        ends = began + min(seconds, MAX_TIMEOUT_SECONDS)
        where = addresses.parse_url(url, ALL_SCHEMES if plain_http else ONLY_HTTPS, self.ports)
        if any(name.lower() == "host" for name in headers or ()):
            raise AddressRefused("The header Host follows from the URL and cannot be given.")
        pinned = self.checked(where, ends)
        sent = {**DEFAULTS, **(headers or {})}
        with failures(where.host), closing(self.line(where, pinned, ends)) as line:
            line.request(method, where.target, body, sent, preload_content=False)
            with closing(line.getresponse()) as answer:
                whole = read(answer, limit)
        return OutboundResponse(answer.status, dict(answer.headers), whole, self.clock() - began)

    def checked(self, where: ParsedURL, ends: float) -> list[str]:
        """Every address of the place, each of them allowed."""
        try:
            found = [str(addresses.parse_address(where.host))]
        except AddressRefused:
            found = self.resolve(where.host, where.port, ends - self.clock())
        return [str(self.vet(each)) for each in found]

    def line(self, where: ParsedURL, pinned: list[str], ends: float) -> HTTPConnection:
        """A connection that will go to the first pinned address that takes it."""

        def dial() -> DeadlineSocket:
            return self.dialled(where.port, pinned, ends)

        if where.scheme == "http":
            return PinnedHTTPConnection(where, dial)
        return PinnedHTTPSConnection(where, dial, self.trust())

    def dialled(self, port: int, pinned: list[str], ends: float) -> DeadlineSocket:
        failed: OSError = TimeoutError()
        for address in pinned:
            left = ends - self.clock()
            if left <= 0:
                break
            try:
                made = self.connect((address, port), left)
            except OSError as error:
                failed = error
            else:
                timed = DeadlineSocket(made.family, made.type, made.proto, made.detach())
                timed.ends, timed.clock = ends, self.clock
                try:
                    timed.allow()
                except TimeoutError:
                    timed.close()
                    raise
                return timed
        raise failed


def read(answer: BaseHTTPResponse, limit: int) -> bytes:
    """The body, decoded; TooLarge as soon as it exceeds `limit`."""
    whole = bytearray()
    for chunk in answer.stream(CHUNK_BYTES, decode_content=True):
        whole += chunk
        if len(whole) > limit:
            words = f"The answer's body is over the limit of {limit} bytes."
            raise ResponseTooLarge(words, answer.status)
    return bytes(whole)


@contextmanager
def failures(host: str) -> Iterator[None]:
    """Whatever goes wrong on the line, as Unreachable with its kind."""
    try:
        yield
    except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
        raise Unreachable("timeout", f"{host} did not answer in time.") from error
    except (ssl.SSLError, urllib3.exceptions.SSLError) as error:
        raise Unreachable("tls", f"{host} shows no valid certificate for its name.") from error
    except OSError as error:
        raise Unreachable("connect", f"{host} takes no connection, or broke it off.") from error
    except (http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
        raise Unreachable("protocol", f"{host} does not speak HTTP properly.") from error


fetch = OutboundClient().fetch
