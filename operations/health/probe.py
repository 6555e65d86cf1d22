"""Looks at the outside: an HTTP answer, an open port, a certificate; all within their time.

Goes out by aethercrown.http.outbound alone, and so to checked addresses only. What an error says is
one of a few fixed sentences: never an address, a header or a body.
"""

import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from aethercrown.http import outbound
from aethercrown.http.addresses import PORTS, Place
from aethercrown.http.outbound import Client, Refused, TooLarge, Unreachable
from operations.health import targets
from operations.health.state_machine import DEGRADED, HEALTHY, UNHEALTHY, Observation
from operations.health.targets import Network

BODY = 64 * 1024  # bytes of a page that are read, decoded
SOON_DAYS, LATE_DAYS = 21, 7  # of a certificate left: degraded below the one, down below the other
WORDS = {
    "dns": "The host name could not be resolved.",
    "refused": "The connection was refused.",
    "connect": "No connection could be made, or it broke off.",
    "tls": "The certificate is not valid for this name, or TLS failed.",
    "timeout": "There was no whole answer in time.",
    "protocol": "The answer is not proper HTTP.",
    "blocked": "The target leads to an address that may not be called.",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which HTTP answer is a healthy one."""

    method: str = "GET"
    lowest: int = 200
    highest: int = 399
    text: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One component's target as staff entered it."""

    kind: str
    target: str
    allowed: tuple[Network, ...] = ()
    wanted: Wanted = Wanted()


def look(target: Target, seconds: float, client: Client | None = None) -> Observation:
    """What is there, within `seconds`; any failure becomes its kind."""
    vet = partial(targets.check, allowed=target.allowed)
    ports = targets.ALL_PORTS if target.allowed else PORTS
    calls = replace(client or Client(), vet=vet, ports=ports)
    try:
        return LOOKS[target.kind](target, seconds, calls)
    except Refused:
        return failed("blocked")
    except Unreachable as error:
        return failed(kind_of(error), reason(error))


def failed(kind: str, words: str = "") -> Observation:
    return Observation(UNHEALTHY, kind=kind, error=words or WORDS[kind])


def kind_of(error: Unreachable) -> str:
    """The kind, with a refused connection told from one that fails otherwise."""
    refused = isinstance(error.__cause__, ConnectionRefusedError)
    return "refused" if error.kind == "connect" and refused else error.kind


def reason(error: Unreachable) -> str:
    """What OpenSSL says is wrong with a certificate, where it is that."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate is refused: {cause.verify_message.partition(',')[0]}."
    return WORDS[error.kind] if error.kind != "connect" else WORDS[kind_of(error)]


def http(target: Target, seconds: float, client: Client) -> Observation:
    """One request; a redirect is an answer, and the body is read up to 64 KiB."""
    wanted = target.wanted
    targets.place(targets.HTTP, target.target, target.allowed)
    try:
        answer = client.fetch(
            target.target, method=wanted.method, plain_http=True, seconds=seconds, limit=BODY
        )
    except TooLarge as error:
        status, body = error.status, b""
    else:
        status, body = answer.status, answer.body
    if not wanted.lowest <= status <= wanted.highest:
        words = f"It answered {status}, not {wanted.lowest} to {wanted.highest}."
        return failed("status", words)
    if wanted.text and wanted.text.encode() not in body:
        return failed("text", "The expected text is not in the first 64 KiB.")
    return Observation(HEALTHY)


def tcp(target: Target, seconds: float, client: Client) -> Observation:
    """A connection, closed at once."""
    where = targets.place(targets.TCP, target.target, target.allowed)
    ends = client.clock() + seconds
    pinned = client.checked(where, ends)
    with outbound.failures(where.host):
        client.dialled(where.port, pinned, ends).close()
    return Observation(HEALTHY)


def tls(target: Target, seconds: float, client: Client) -> Observation:
    """A handshake, and how long the certificate is valid still."""
    where = targets.place(targets.TLS, target.target, target.allowed)
    return expiry(certificate(where, seconds, client), datetime.now(UTC))


def certificate(where: Place, seconds: float, client: Client) -> datetime:
    """Until when the certificate shown is valid; Unreachable where it is not now."""
    ends = client.clock() + seconds
    pinned = client.checked(where, ends)
    with outbound.failures(where.host), closing(client.line(where, pinned, ends)) as line:
        line.connect()
        shown: Any = cast("ssl.SSLSocket", line.sock).getpeercert()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)


def expiry(until: datetime, now: datetime) -> Observation:
    days = (until - now).days
    words = f"The certificate ends on {until:%Y-%m-%d}, in {days} days."
    if days < LATE_DAYS:
        return Observation(UNHEALTHY, kind="expiry", error=words)
    return Observation(DEGRADED if days < SOON_DAYS else HEALTHY, error=words * (days < SOON_DAYS))


LOOKS = {targets.HTTP: http, targets.TCP: tcp, targets.TLS: tls}


def hosts(every: Sequence[Target]) -> list[str]:
    """The host of each target, to see whether several fail at once."""
    return [targets.place(each.kind, each.target, each.allowed).host for each in every]
