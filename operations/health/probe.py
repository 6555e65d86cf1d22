"""Check external targets: an HTTP response, an open port, a certificate, each with a deadline.

All calls go through aethercrown.http.outbound, which checks addresses. Error texts are fixed
sentences without addresses, headers or bodies.
"""

import codecs
import re
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

from aethercrown.formatting import counted, date_text
from aethercrown.http import outbound
from aethercrown.http.addresses import Network, ParsedURL
from aethercrown.http.outbound import AddressRefused, OutboundClient, OutboundResponse, Unreachable
from operations.health import targets
from operations.health.state_machine import DEGRADED, HEALTHY, UNHEALTHY, Observation

DAY = timedelta(days=1)
MAX_BODY_BYTES = 1024 * 1024  # decoded
META_BYTES = 4096  # in which a page may name its encoding
CHARSET = re.compile(rb"charset\s*=[\s\"']*([A-Za-z0-9_:.-]+)", re.IGNORECASE)
NO_PAGE_ENCODINGS = frozenset({"idna", "punycode"})  # of names; a long text takes hours
DEGRADED_BELOW, UNHEALTHY_BELOW = (21.0, 4), (7.0, 12)  # days left, and parts of the lifetime
ERROR_TEXTS = {
    "dns": "The host name could not be resolved.",
    "refused": "The connection was refused.",
    "connect": "No connection could be made, or it broke off.",
    "tls": "The certificate is not valid for this name, or TLS failed.",
    "timeout": "There was no whole answer in time.",
    "protocol": "The answer is not proper HTTP.",
    "blocked": "The target leads to an address that may not be called.",
}


@dataclass(frozen=True, slots=True)
class ExpectedResponse:
    """Which HTTP response is healthy."""

    method: str = "GET"
    min_status: int = 200
    max_status: int = 399
    text: str = ""


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """The target of a component, as staff entered it."""

    kind: str
    target: str
    allowed: tuple[Network, ...] = ()
    expected: ExpectedResponse = ExpectedResponse()
    degraded_below_days: float | None = None  # that a certificate has left; None: by its lifetime
    unhealthy_below_days: float | None = None


def probe(target: ProbeTarget, seconds: float, client: OutboundClient | None = None) -> Observation:
    """Check a target within `seconds`; a failure is reported by its kind."""
    calls = (client or OutboundClient()).allowing(target.allowed)
    try:
        return PROBES[target.kind](target, seconds, calls)
    except AddressRefused:
        return failed("blocked")
    except Unreachable as error:
        return failed(kind_of(error), reason(error))


def failed(kind: str, words: str = "") -> Observation:
    return Observation(UNHEALTHY, error_kind=kind, error=words or ERROR_TEXTS[kind])


def kind_of(error: Unreachable) -> str:
    """The kind of failure; a refused connection has its own."""
    refused = isinstance(error.__cause__, ConnectionRefusedError)
    return "refused" if error.kind == "connect" and refused else error.kind


def reason(error: Unreachable) -> str:
    """The error text: what OpenSSL says of an invalid certificate, otherwise a fixed sentence."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate is refused: {cause.verify_message.partition(',')[0]}."
    return ERROR_TEXTS[kind_of(error)]


def probe_http(target: ProbeTarget, seconds: float, client: OutboundClient) -> Observation:
    """One request; redirects are not followed, and the body is read up to MAX_BODY_BYTES.

    What was read of a body that is longer, or that never ends, counts.
    """
    expected = target.expected
    targets.parse_target(targets.HTTP, target.target, target.allowed)
    answer = client.fetch(
        target.target,
        method=expected.method,
        plain_http=True,
        seconds=seconds,
        limit=MAX_BODY_BYTES,
        enough=partial(is_decided, expected.text),
    )
    if not expected.min_status <= answer.status <= expected.max_status:
        words = f"It answered {answer.status}, not {expected.min_status} to {expected.max_status}."
        seen = failed("status", words)
    else:
        seen = body_status(expected.text, answer)
    return with_certificate(seen, answer, target) if answer.certificate else seen


def with_certificate(
    seen: Observation, answer: OutboundResponse, target: ProbeTarget
) -> Observation:
    """The same with the certificate of an https URL: one that ends soon makes it degraded.

    Unhealthy only below days that staff have set, since the page still works.
    """
    begins, ends = lifetime(answer.certificate or {})
    limits = (target.degraded_below_days, target.unhealthy_below_days or 0.0)
    aging = certificate_status(begins, ends, datetime.now(UTC), limits)
    return replace(aging if seen.status == HEALTHY else seen, certificate=(begins, ends))


def is_decided(text: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the rest of the body can change nothing: the text is found, or none is wanted.

    Without a wanted text a body whose length was promised must come whole.
    """
    return contains(text, headers, body) if text else not has_length(headers)


def has_length(headers: Mapping[str, str]) -> bool:
    return any(name.lower() == "content-length" for name in headers)


def contains(text: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the text is in the body, in the encoding of its header or its meta element."""
    kinds = [value for name, value in headers.items() if name.lower() == "content-type"]
    named = CHARSET.search(" ".join(kinds).encode()) or CHARSET.search(body[:META_BYTES])
    return text in decoded(body, named[1].decode() if named else "utf-8")


def decoded(body: bytes, encoding: str) -> str:
    """The text of a body; as UTF-8 where the encoding that it names is none of a page."""
    try:
        if codecs.lookup(encoding).name not in NO_PAGE_ENCODINGS:
            return body.decode(encoding, "replace")
    except (LookupError, UnicodeError):
        pass
    return body.decode(errors="replace")


def body_status(text: str, answer: OutboundResponse) -> Observation:
    """What the body says, of an answer with the expected status."""
    if text and contains(text, answer.headers, answer.body):
        return Observation(HEALTHY)
    if answer.cut == "connect" or (answer.cut == "timeout" and has_length(answer.headers)):
        return failed(answer.cut)
    if not text:
        return Observation(HEALTHY)
    if answer.cut:
        words = "The expected text is not in what was read; the answer goes on."
        return Observation(DEGRADED, error_kind="cut", error=words)
    if 300 <= answer.status < 400:
        return failed("text", f"It answered {answer.status}, a redirect, without the text.")
    return failed("text", "The expected text is not in the answer.")


def probe_tcp(target: ProbeTarget, seconds: float, client: OutboundClient) -> Observation:
    """Open a connection and close it."""
    where = targets.parse_target(targets.TCP, target.target, target.allowed)
    ends = client.clock() + seconds
    pinned = client.checked(where, ends)
    with outbound.failures(where.host):
        client.dialled(where.port, pinned, ends).close()
    return Observation(HEALTHY)


def probe_tls(target: ProbeTarget, seconds: float, client: OutboundClient) -> Observation:
    """A TLS handshake, and how long the certificate is still valid."""
    where = targets.parse_target(targets.TLS, target.target, target.allowed)
    begins, ends = certificate_lifetime(where, seconds, client)
    limits = (target.degraded_below_days, target.unhealthy_below_days)
    seen = certificate_status(begins, ends, datetime.now(UTC), limits)
    return replace(seen, certificate=(begins, ends))


def certificate_lifetime(
    where: ParsedURL, seconds: float, client: OutboundClient
) -> tuple[datetime, datetime]:
    """From when to when the presented certificate is valid. Raises Unreachable if not now."""
    ends = client.clock() + seconds
    pinned = client.checked(where, ends)
    with outbound.failures(where.host), closing(client.line(where, pinned, ends)) as line:
        line.connect()
        shown = cast("Mapping[str, Any]", outbound.certificate_of(line))
    return lifetime(shown)


def lifetime(shown: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """From when to when a certificate is valid."""
    begins, until = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(shown[name]), UTC)
        for name in ("notBefore", "notAfter")
    )
    return begins, until


def certificate_status(
    begins: datetime,
    ends: datetime,
    now: datetime,
    limits: tuple[float | None, float | None] = (None, None),
) -> Observation:
    """What is left, against `limits` in days, or a share of the lifetime where there are none.

    A certificate of six days that is renewed each third is healthy all the time, and one of a
    year is degraded for its last three weeks.
    """
    lifetime, left = (ends - begins) / DAY, (ends - now) / DAY
    degraded, unhealthy = (
        min(most, lifetime / part) if given is None else given
        for given, (most, part) in zip(limits, (DEGRADED_BELOW, UNHEALTHY_BELOW), strict=True)
    )
    words = f"The certificate expires on {date_text(ends)}, in {counted(int(left), 'day')}."
    if left < unhealthy:
        return Observation(UNHEALTHY, error_kind="expiry", error=words)
    return Observation(DEGRADED, error=words) if left < degraded else Observation(HEALTHY)


PROBES = {targets.HTTP: probe_http, targets.TCP: probe_tcp, targets.TLS: probe_tls}
