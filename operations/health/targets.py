"""Which targets may be checked: a URL, or a host and port, with a public address.

A component may allow private networks. Link-local addresses, where clouds serve their metadata,
and other special ranges are never allowed.
"""

import re
from collections.abc import Iterable

from aethercrown.http import addresses
from aethercrown.http.addresses import AddressRefused, Network, ParsedURL, check_allowed
from aethercrown.monitoring.redaction import mask_address

HTTP, TCP, TLS = "http", "tcp", "tls"
MAX_LENGTH = 2048  # characters
SCHEMES = frozenset({"http", "https"})
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:/@\[\]\s]+)(?::([0-9]{1,5}))?", re.ASCII)


def parse_target(kind: str, target: str, allowed: Iterable[Network] = ()) -> ParsedURL:
    """The parsed target, before its host is resolved. Raises Refused.

    HTTP may use the ports 80, 443 and 8000 to 9999, others only with allowed networks.
    """
    private = tuple(allowed)
    if kind == HTTP:
        where = _url(target, private)
    else:
        where = _host_port(target, default=443 if kind == TLS else None)
    if is_address(where.host):
        check_allowed(where.host, private)
    return where


def is_address(host: str) -> bool:
    """Whether a host is an IP address; a name may begin with a digit, as 3com.com does."""
    return ":" in host or host.rpartition(".")[2].isdigit()


def _url(target: str, private: tuple[Network, ...]) -> ParsedURL:
    scheme, found, rest = target.partition("://")
    if found and scheme.lower() not in SCHEMES:
        raise AddressRefused(f"The scheme is {scheme[:20]!r}: only http or https.")
    if "@" in rest.partition("/")[0]:
        raise AddressRefused("The URL holds a user name or password: leave them out.")
    return addresses.parse_url(
        target, SCHEMES, addresses.ALL_PORTS if private else addresses.ALLOWED_PORTS
    )


def _host_port(target: str, default: int | None) -> ParsedURL:
    if "@" in target:
        raise AddressRefused("The target holds a user name or password: leave them out.")
    parts = _HOST_PORT.fullmatch(target)
    if parts is None:
        raise AddressRefused("The target is not of the form host:port.")
    port = int(parts[2]) if parts[2] else default
    if port is None or port not in addresses.ALL_PORTS:
        raise AddressRefused(f"The port is {parts[2] or 'missing'}: it must be from 1 to 65535.")
    return ParsedURL("https", addresses.normalise_host(parts[1]), port, "/")


def masked(target: str) -> str:
    """The target without its password and query, which may hold secrets."""
    return mask_address(target, hide_path=False)
