"""The HTTP client for outside calls: checked hosts only, with a deadline and a size limit.

The name is resolved once, all its addresses must be public or in networks that staff allow, and the
connection is pinned to a checked address under the original name. Redirects are returned, not
followed. Environment settings (proxies, .netrc) are ignored.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse

from aethercrown.http import addresses
from aethercrown.http.addresses import AddressRefused, Network, ParsedURL

__all__ = [
    "AddressRefused",
    "OutboundClient",
    "OutboundResponse",
    "ResponseTooLarge",
    "Unreachable",
    "fetch",
    "outcome",
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
Enough = Callable[[Mapping[str, str], bytes], bool]


class Unreachable(Exception):
    """No response; `kind` is dns, connect, tls, timeout or protocol."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class ResponseTooLarge(Exception):
    """The response body is over the limit; only its status is known."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cut: str = ""  # why the body is not whole: enough, limit, timeout or connect
    certificate: Mapping[str, Any] | None = None  # as ssl.SSLSocket.getpeercert gives it


def resolve_host(
    host: str, port: int, seconds: float, lookup: Callable[..., list[Any]] = socket.getaddrinfo
) -> list[str]:
    """Every address of `host`, by the system's resolver within `seconds`."""
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


@lru_cache(maxsize=1)
def system_trust() -> ssl.SSLContext:
    """Verification against the system's certificate authorities; cached, as loading is slow."""
    return ssl.create_default_context()


class DeadlineMixin:
    """A socket whose operations share one deadline, `ends`, however slowly data arrives."""

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
    """Without TLS."""


class DeadlineTLSSocket(DeadlineMixin, ssl.SSLSocket):
    """With TLS; the handshake has its own deadline."""


class PinnedHTTPConnection(HTTPConnection):
    """Connects through `dial` and does not resolve the name again."""

    def __init__(self, where: ParsedURL, dial: Callable[[], DeadlineSocket]) -> None:
        super().__init__(where.host, where.port, timeout=MAX_TIMEOUT_SECONDS)
        self.dial = dial

    def _new_conn(self) -> socket.socket:
        return self.dial()


class PinnedHTTPSConnection(HTTPSConnection):
    """The same with TLS: SNI and certificate check use the name."""

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
    """An HTTP client with replaceable resolver and sockets; the default uses the system's.

    `vet` refuses addresses that may not be called; `ports` are the allowed ones.
    """

    resolve: Resolve = resolve_host
    connect: Connect = socket.create_connection
    vet: Callable[[str], object] = addresses.check_address
    ports: Container[int] = addresses.ALLOWED_PORTS
    clock: Callable[[], float] = time.monotonic
    trust: Callable[[], ssl.SSLContext] = field(default=system_trust)

    def allowing(self, networks: tuple[Network, ...]) -> "OutboundClient":
        """The same client for a destination that may be in these private networks, on any port."""
        if not networks:
            return self
        vet = partial(addresses.check_allowed, allowed=networks)
        return replace(self, vet=vet, ports=addresses.ALL_PORTS)

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
        enough: Enough | None = None,
        allowed: tuple[Network, ...] = (),
    ) -> OutboundResponse:
        """Call `url`, perhaps in `allowed` networks; read the response within `seconds` (<= 10).

        Raises AddressRefused, Unreachable if no complete response came, and ResponseTooLarge if the
        body exceeds `limit` bytes. With `enough` (of the headers and what has been read of the
        body) what was read counts: neither is raised once the headers have come.
        """
        client = self.allowing(allowed)
        began = self.clock()
        ends = began + min(seconds, MAX_TIMEOUT_SECONDS)
        where = addresses.parse_url(url, ALL_SCHEMES if plain_http else ONLY_HTTPS, client.ports)
        if any(name.lower() == "host" for name in headers or ()):
            raise AddressRefused("The header Host follows from the URL and cannot be given.")
        pinned = client.checked(where, ends)
        sent = {**DEFAULTS, **(headers or {})}
        with failures(where.host), closing(self.line(where, pinned, ends)) as line:
            line.request(method, where.target, body, sent, preload_content=False)
            shown = certificate_of(line)
            with closing(line.getresponse()) as answer:
                found = read(answer, limit) if enough is None else read_some(answer, limit, enough)
        seconds = self.clock() - began
        return OutboundResponse(
            answer.status, dict(answer.headers), found[0], seconds, found[1], shown
        )

    def checked(self, where: ParsedURL, ends: float) -> list[str]:
        """Every address of the host, each checked."""
        try:
            found = [str(addresses.parse_address(where.host))]
        except AddressRefused:
            found = self.resolve(where.host, where.port, ends - self.clock())
        return [str(self.vet(each)) for each in found]

    def line(self, where: ParsedURL, pinned: list[str], ends: float) -> HTTPConnection:
        """A connection to the first pinned address that accepts it."""

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


def certificate_of(line: HTTPConnection) -> Mapping[str, Any] | None:
    """The verified certificate that the other side showed; None without TLS."""
    secured: Any = line.sock
    return secured.getpeercert() if isinstance(secured, ssl.SSLSocket) else None


def read(answer: BaseHTTPResponse, limit: int) -> tuple[bytes, str]:
    """The decoded body, which is not cut. Raises ResponseTooLarge as soon as it exceeds `limit`."""
    whole = bytearray()
    for chunk in answer.stream(CHUNK_BYTES, decode_content=True):
        whole += chunk
        if len(whole) > limit:
            words = f"The answer's body is over the limit of {limit} bytes."
            raise ResponseTooLarge(words, answer.status)
    return bytes(whole), ""


def read_some(answer: BaseHTTPResponse, limit: int, enough: Enough) -> tuple[bytes, str]:
    """What was read of the decoded body, at most `limit` bytes, and why it was cut, if it was."""
    some, headers = bytearray(), answer.headers
    try:
        for chunk in arriving(answer):
            some += chunk
            if enough(headers, bytes(some[:limit])):
                return bytes(some[:limit]), "enough"
            if len(some) > limit:
                return bytes(some[:limit]), "limit"
    except (TimeoutError, urllib3.exceptions.TimeoutError):
        return bytes(some), "timeout"
    except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError):
        return bytes(some), "connect"
    return bytes(some), ""


def arriving(answer: BaseHTTPResponse) -> Iterator[bytes]:
    """The decoded body as it arrives; `stream` waits until a block is full. First nothing."""
    yield b""
    if answer.chunked:
        yield from answer.stream(CHUNK_BYTES, decode_content=True)
    else:
        while chunk := answer.read1(CHUNK_BYTES, decode_content=True):
            yield chunk


@contextmanager
def failures(host: str) -> Iterator[None]:
    """Turn connection errors into Unreachable with their kind."""
    try:
        yield
    except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
        raise Unreachable("timeout", f"{host} did not answer in time.") from error
    except (ssl.SSLError, urllib3.exceptions.SSLError) as error:
        raise Unreachable("tls", f"{host} has no valid certificate for its name.") from error
    except OSError as error:
        raise Unreachable("connect", f"{host} refused or closed the connection.") from error
    except (http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
        raise Unreachable("protocol", f"{host} did not send a valid HTTP response.") from error


REFUSED, TIMED_OUT, WRONG_ANSWER = "refused", "timed out", "wrong answer"


def outcome(error: Exception) -> str:
    """All that a caller hears of a failed call: which hosts and ports exist is not told."""
    kind = error.kind if isinstance(error, Unreachable) else ""
    if kind == "timeout":
        return TIMED_OUT
    return WRONG_ANSWER if kind == "protocol" or isinstance(error, ResponseTooLarge) else REFUSED


fetch = OutboundClient().fetch
