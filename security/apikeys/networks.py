"""Networks from which a key may be used, in CIDR form; none means from anywhere. Pure."""

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

MAX_NETWORKS = 100  # of one key
Network = IPv4Network | IPv6Network


class InvalidNetwork(ValueError):
    """A word is no network, or there are too many."""


def normalize(text: str) -> str:
    """Networks separated by commas, spaces or lines, in canonical form, one a line.

    An address counts as a network of one. Raises InvalidNetwork, which names each wrong word.
    """
    words = text.replace(",", " ").split()
    if len(words) > MAX_NETWORKS:
        raise InvalidNetwork(f"{len(words)} networks given: at most {MAX_NETWORKS} are allowed.")
    wrong = [word for word in words if network(word) is None]
    if wrong:
        raise InvalidNetwork(
            f"No network or address: {', '.join(word[:50] for word in wrong)}. Write 203.0.113.7, "
            "198.51.100.0/24 or 2001:db8::/32."
        )
    return "\n".join(dict.fromkeys(str(network(word)) for word in words))


def network(word: str) -> Network | None:
    try:
        return ip_network(word)
    except ValueError:
        return None


@lru_cache(maxsize=4096)  # a caller mostly comes from the same address again
def allows(text: str, address: str) -> bool:
    """Whether a key with the networks `text`, from `normalize`, may be used from `address`."""
    if not text:
        return True
    networks = [ip_network(each) for each in text.split()]
    return any(
        at in each for at in forms(address) for each in networks if each.version == at.version
    )


def forms(address: str) -> Iterator[IPv4Address | IPv6Address]:
    """The address, and the IPv4 address mapped in it; nothing where it is invalid."""
    try:
        at = ip_address(address)
    except ValueError:
        return
    yield at
    if isinstance(at, IPv6Address) and at.ipv4_mapped is not None:
        yield at.ipv4_mapped
