"""From where a key may be used: networks and addresses in CIDR form; none means from anywhere."""

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

MOST = 100  # networks of one key
Network = IPv4Network | IPv6Network


class Unreadable(ValueError):
    """Something that is no network, or too many of them."""


def listed(text: str) -> str:
    """Networks given with commas, spaces or lines between, in their plain form, one a line.

    An address counts as the network of itself alone. Unreadable names each word that is neither.
    """
    words = text.replace(",", " ").split()
    if len(words) > MOST:
        raise Unreadable(f"{len(words)} networks were given: at most {MOST} are kept.")
    wrong = [word for word in words if network(word) is None]
    if wrong:
        raise Unreadable(
            f"No network or address: {', '.join(word[:50] for word in wrong)}. Write 203.0.113.7, "
            "198.51.100.0/24 or 2001:db8::/32."
        )
    return "\n".join(dict.fromkeys(str(network(word)) for word in words))


def network(word: str) -> Network | None:
    try:
        return ip_network(word)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def allows(text: str, address: str) -> bool:
    """Whether a key with the networks `text`, as `listed` wrote them, may be used from `address`.

    Remembered for the latest pairs: a caller mostly comes again from where it was.
    """
    if not text:
        return True
    networks = [ip_network(each) for each in text.split()]
    return any(
        at in each for at in forms(address) for each in networks if each.version == at.version
    )


def forms(address: str) -> Iterator[IPv4Address | IPv6Address]:
    """The address, and the IPv4 one that it stands for; nothing where it is none."""
    try:
        at = ip_address(address)
    except ValueError:
        return
    yield at
    if isinstance(at, IPv6Address) and at.ipv4_mapped is not None:
        yield at.ipv4_mapped
