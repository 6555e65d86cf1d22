"""Which targets may be checked: a URL, or a host and port, with a public address.

A component may allow private networks. Link-local addresses, where clouds serve their metadata,
and other special ranges are never allowed.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from aethercrown.http import addresses
from aethercrown.http.addresses import Address, AddressRefused, ParsedURL

HTTP, TCP, TLS = "http", "tcp", "tls"
MAX_LENGTH = 2048  # characters
ALL_PORTS = range(1, 65_536)
SCHEMES = frozenset({"http", "https"})
Network = IPv4Network | IPv6Network
ALLOWABLE_NETWORKS: tuple[Network, ...] = tuple(
    ip_network(each)
    for each in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
    )
)
NEVER_ALLOWED = frozenset(
    {"100.100.100.200", "fd00:ec2::254", "fd20:ce::254"}
)  # metadata of clouds
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:/@\[\]\s]+)(?::([0-9]{1,5}))?", re.ASCII)


def networks(text: str) -> tuple[Network, ...]:
    """Private networks in CIDR notation, separated by blanks or commas. Raises Refused."""
    words = re.split(r"[\s,]+", text.strip())
    return tuple(_network(each) for each in words if each)


def _network(word: str) -> Network:
    try:
        network = ip_network(word)
    except ValueError as error:
        raise AddressRefused(f"{word!r} is no network such as 10.1.0.0/16 or fd12::/48.") from error
    if not any(_inside(network, whole) for whole in ALLOWABLE_NETWORKS):
        raise AddressRefused(
            f"{word} is not within a private network (10/8, 172.16/12, 192.168/16, 127/8, "
            "100.64/10, ::1, fc00::/7) and cannot be allowed."
        )
    return network


def _inside(network: Network, whole: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(whole, IPv4Network) and network.subnet_of(whole)
    return isinstance(whole, IPv6Network) and network.subnet_of(whole)


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
        check(where.host, private)
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
    return addresses.parse_url(target, SCHEMES, ALL_PORTS if private else addresses.ALLOWED_PORTS)


def _host_port(target: str, default: int | None) -> ParsedURL:
    if "@" in target:
        raise AddressRefused("The target holds a user name or password: leave them out.")
    parts = _HOST_PORT.fullmatch(target)
    if parts is None:
        raise AddressRefused("The target is not of the form host:port.")
    port = int(parts[2]) if parts[2] else default
    if port is None or port not in ALL_PORTS:
        raise AddressRefused(f"The port is {parts[2] or 'missing'}: it must be from 1 to 65535.")
    return ParsedURL("https", addresses.normalise_host(parts[1]), port, "/")


def check(address: str, allowed: Iterable[Network]) -> Address:
    """The parsed address if it is public or in an allowed network. Raises Refused."""
    found = addresses.parse_address(address)
    inside = any(found in each for each in allowed if each.version == found.version)
    if inside and str(found) not in NEVER_ALLOWED:
        return found
    return addresses.check_address(address)


def masked(target: str) -> str:
    """The target without its query, which may hold secrets, for screens, logs and answers."""
    parts = urlsplit(target)
    return f"{target.partition('?')[0]}?***" if parts.query else target
