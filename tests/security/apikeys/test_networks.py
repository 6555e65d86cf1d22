from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.apikeys import networks

addresses = st.ip_addresses(v=4)


def test_networks_are_kept_in_plain_form_one_a_line_each_once():
    text = networks.normalize("198.51.100.0/24, 203.0.113.7\n2001:DB8::/32  203.0.113.7/32")
    assert text == "198.51.100.0/24\n203.0.113.7/32\n2001:db8::/32"
    assert networks.normalize(text) == text
    assert networks.normalize(" \n") == ""


@pytest.mark.parametrize(
    "word", ["10.0.0.1/24", "010.0.0.1", "localhost", "10.0.0.0/33", "::g", "*"]
)
def test_what_is_no_network_is_named(word):
    with pytest.raises(networks.InvalidNetwork) as refused:
        networks.normalize(f"10.0.0.0/8 {word}")
    assert word in str(refused.value)
    assert "10.0.0.0/8," not in str(refused.value)


def test_too_many_networks_are_refused_with_the_numbers():
    with pytest.raises(networks.InvalidNetwork, match="101 networks given: at most 100"):
        networks.normalize(" ".join(f"10.0.0.{number}" for number in range(101)))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("198.51.100.9", True),
        ("::ffff:198.51.100.9", True),
        ("198.51.101.9", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
        ("unknown", False),
        ("198.51.100.9, 10.0.0.1", False),
    ],
)
def test_an_address_inside_is_let_in_and_any_other_is_not(address, allowed):
    text = networks.normalize("198.51.100.0/24 2001:db8::/32")
    assert networks.allows(text, address) is allowed


def test_without_networks_a_key_is_used_from_anywhere():
    assert networks.allows("", "")


@given(addresses, st.integers(0, 32), addresses)
def test_a_network_holds_exactly_the_addresses_that_share_its_first_bits(at, length, other):
    text = networks.normalize(str(IPv4Network((at, length), strict=False)))
    shared = int(at) >> (32 - length) == int(IPv4Address(other)) >> (32 - length)
    assert networks.allows(text, str(other)) is shared
    assert networks.allows(text, str(at))
