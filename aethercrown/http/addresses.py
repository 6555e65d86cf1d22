"""Which addresses and URLs may be called: protection against server-side request forgery (SSRF).

A URL must be unambiguous and its host public, or in a private network that staff allow for this
destination. Link-local addresses, where clouds serve their metadata, and other special ranges are
never allowed. Special ranges after the IANA registries of RFC 6890.
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import quote

import idna

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MAX_URL_LENGTH = 2048
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
ALL_PORTS = range(1, 65_536)
ALLOWED_PORTS = frozenset({80, 443, *range(8000, 10_000)})
# In addition to what the standard library calls private: its list differs between versions.
BLOCKED_NETWORKS: tuple[Network, ...] = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT
        "168.63.129.16/32",  # a cloud's host agent, on a public address
        "169.254.0.0/16",  # link-local, metadata services
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",
        "224.0.0.0/3",
        "::/96",  # IPv4-compatible, unspecified, loopback
        "64:ff9b:1::/48",  # a site's own NAT64
        "100::/64",
        "2001::/23",  # Teredo and other special uses
        "2001:db8::/32",
        "2002::/16",  # 6to4, given up by RFC 7526
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
NAT64 = IPv6Network("64:ff9b::/96")
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
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|(?:[A-Za-z0-9._-]|[^\x00-\xa0]){1,253})"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:[/?](?:[!-~]|[^\x00-\xa0])*)?)",
    re.ASCII,
)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_INNER_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0@#\\]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)


class AddressRefused(ValueError):
    """The URL, or an address of its host, may not be called."""


@dataclass(frozen=True, slots=True)
class ParsedURL:
    """The parts of a URL; `host` without brackets, in lower case; `target` begins with /."""

    scheme: str
    host: str
    port: int
    target: str


def parse_url(
    url: str, schemes: frozenset[str] = frozenset({"https"}), ports: Container[int] = ALLOWED_PORTS
) -> ParsedURL:
    """Parse an unambiguous URL. Raises AddressRefused with the reason.

    Letters beyond ASCII are encoded: in the host after IDNA 2008, in the path as UTF-8.
    Of numeric hosts only dotted quads are accepted: decimal, octal, hex and short forms, which some
    programs decode, are refused.
    """
    if len(url) > MAX_URL_LENGTH:
        raise AddressRefused(f"The URL has {len(url)} characters: at most {MAX_URL_LENGTH}.")
    parts = _URL.fullmatch(url)
    if parts is None or set("#\\") & set(url):
        raise AddressRefused(
            "The URL is not of the form https://host[:port]/path?query, without user name, "
            f"backslash, blank or fragment{_culprit(url)}."
        )
    if parts["scheme"] not in schemes:
        raise AddressRefused(
            f"The scheme is {parts['scheme']}: only {' or '.join(sorted(schemes))}."
        )
    port = int(parts["port"] or (443 if parts["scheme"] == "https" else 80))
    if port not in ports or not 0 < port < 65_536:
        allowed = "80, 443 and 8000 to 9999" if ports is ALLOWED_PORTS else "1 to 65535"
        raise AddressRefused(f"The port is {port}: only {allowed}.")
    rest = _encoded(parts["rest"])
    target = rest if rest.startswith("/") else f"/{rest}"
    return ParsedURL(parts["scheme"], normalise_host(parts["host"]), port, target)


def _culprit(url: str) -> str:
    """The first character that no URL has, in words."""
    found = _FORBIDDEN.search(url)
    return f": it has {found[0]!r} at character {found.start() + 1}" if found else ""


def _encoded(rest: str) -> str:
    try:
        return quote(rest, safe=_PRINTABLE)
    except UnicodeEncodeError as error:
        raise AddressRefused("The URL has half of a character in its path.") from error


def normalise_host(name: str) -> str:
    """A host's name or address in its plain form; AddressRefused if it is ambiguous.

    Names may have underscores but in their last part, letters beyond ASCII, and a dot at the end.
    """
    if name.startswith("[") and ":" in name:
        return str(parse_address(name[1:-1]))
    plain = (name if name.isascii() else _as_ascii(name)).removesuffix(".")
    *inner, last = plain.split(".")
    if _NUMBER.fullmatch(last):
        return str(parse_address(plain))
    for label, pattern in (*((each, _INNER_LABEL) for each in inner), (last, _LABEL)):
        if not pattern.fullmatch(label):
            part = f": its part {label!r}" if len(plain) > len(label) else ""
            raise AddressRefused(f"The host {name!r} is no host name{part}.")
    return plain.lower()


def _as_ascii(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressRefused(f"The host {name!r} is no host name: {error}.") from error


def plain_host(host: str) -> str:
    """A folder of a Unix socket, an address or a name. Raises AddressRefused, also for several."""
    if host.startswith("/") and "," not in host:
        return host
    return normalise_host(f"[{host}]" if ":" in host else host)


def parse_address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise AddressRefused(f"The host {text!r} is no plain address.") from error


def check_address(address: str) -> Address:
    """The address, if it may be called; Refused names the one that may not."""
    found = parse_address(address)
    inner = embedded_ipv4(found)
    if not is_public(found) or not (inner is None or is_public(inner)):
        raise AddressRefused(f"{address} is not a public address.")
    return found


def parse_networks(text: str) -> tuple[Network, ...]:
    """Private networks in CIDR notation, separated by blanks or commas. Raises AddressRefused."""
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


def check_allowed(address: str, allowed: Iterable[Network]) -> Address:
    """The address if it is public or in an allowed network. Raises AddressRefused."""
    found = parse_address(address)
    inside = any(found in each for each in allowed if each.version == found.version)
    if inside and str(found).partition("%")[0] not in NEVER_ALLOWED:  # without an IPv6 scope
        return found
    return check_address(address)


def check_host_allowed(host: str, allowed: Iterable[Network]) -> None:
    """Raise AddressRefused for a host that is an address which may not be called; names pass."""
    bare = host.strip("[]")
    try:
        ip_address(bare)
    except ValueError:
        return
    check_allowed(bare, allowed)


def embedded_ipv4(address: Address) -> IPv4Address | None:
    """The IPv4 address embedded in an IPv6 one: mapped, or NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def is_public(address: Address) -> bool:
    """Whether `address` itself is public; an IPv4-mapped one counts as IPv6."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return True  # the embedded IPv4 address decides
    inside = any(
        address in network for network in BLOCKED_NETWORKS if network.version == address.version
    )
    return not inside and address.is_global and not address.is_multicast
