import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.http import addresses
from aethercrown.http.addresses import AddressRefused
from operations.health import targets
from operations.health.targets import HTTP, TCP, TLS
from tests.aethercrown.http.test_addresses import REFUSED

LOOPBACK = addresses.parse_networks("127.0.0.0/8")
FORMS = [each for each in REFUSED.split("\n") if each.strip()]


def leads(kind, target, allowed=()):
    """Where it leads; every name here resolves to loopback."""
    where = targets.parse_target(kind, target, allowed)
    plain = where.host[0].isdigit() or ":" in where.host
    addresses.check_allowed(where.host if plain else "127.0.0.1", allowed)
    return where


def test_there_are_at_least_sixty_forms():
    assert len(FORMS) >= 60


@pytest.mark.parametrize("url", FORMS)
def test_no_form_of_a_forbidden_url_is_taken(url):
    with pytest.raises(AddressRefused):
        leads(HTTP, url)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://user:secret@example.com/", "user name or password"),
        ("file:///etc/passwd", "only http or https"),
        ("gopher://example.com/", "only http or https"),
        ("http://169.254.169.254/latest/meta-data", "not a public address"),
        ("http://example.com:22/", "port is 22"),
        ("http://10.0.0.1/", "not a public address"),
    ],
)
def test_a_refusal_says_what_is_wrong(target, words):
    with pytest.raises(AddressRefused, match=words):
        targets.parse_target(HTTP, target)


@pytest.mark.parametrize(
    "target",
    ["", "example.com", "a:b@example.com:80", "example.com:0", "example.com:65536", "a b:80",
     "example.com:80/x", "http://example.com:80", "127.1:80", "0x7f.1:80", "2130706433:80",
     "[fe80::1]:80", "[::ffff:10.0.0.1]:443", "10.0.0.1:5432"],
)  # fmt: skip
def test_no_form_of_a_forbidden_port_is_taken(target):
    with pytest.raises(AddressRefused):
        leads(TCP, target)


@pytest.mark.parametrize(
    ("kind", "target", "host", "port"),
    [
        (HTTP, "https://example.com/a?b=c", "example.com", 443),
        (HTTP, "http://93.184.216.34:8080/", "93.184.216.34", 8080),
        (TCP, "db.example.com:5432", "db.example.com", 5432),
        (TCP, "[2606:2800:220:1::1]:22", "2606:2800:220:1::1", 22),
        (TLS, "Example.com", "example.com", 443),
        (TLS, "mail.example.com:993", "mail.example.com", 993),
    ],
)
def test_plain_public_targets_are_taken(kind, target, host, port):
    where = targets.parse_target(kind, target)
    assert (where.host, where.port) == (host, port)


def test_an_allowed_network_opens_its_addresses_and_any_port():
    where = leads(HTTP, "http://127.0.0.1:5000/", LOOPBACK)
    assert where.port == 5000
    assert leads(TCP, "127.0.0.1:5432", LOOPBACK).port == 5432
    with pytest.raises(AddressRefused):
        leads(HTTP, "http://10.0.0.1/", LOOPBACK)
    with pytest.raises(AddressRefused):
        leads(HTTP, "http://127.0.0.1:0/", LOOPBACK)


@pytest.mark.parametrize(
    "text",
    ["169.254.0.0/16", "169.254.169.254/32", "0.0.0.0/0", "10.0.0.0/7", "fe80::/10", "::/0",
     "8.8.8.0/24", "10.0.0.1/8", "nonsense", "224.0.0.0/4", "::ffff:10.0.0.0/104"],
)  # fmt: skip
def test_only_networks_within_private_ones_can_be_allowed(text):
    with pytest.raises(AddressRefused):
        addresses.parse_networks(text)


def test_several_networks_are_separated_by_blanks_or_commas():
    found = addresses.parse_networks(" 10.1.0.0/16, 192.168.1.0/24  fd12::/48\n")
    assert [str(each) for each in found] == ["10.1.0.0/16", "192.168.1.0/24", "fd12::/48"]
    assert addresses.parse_networks("") == ()


@pytest.mark.parametrize("address", [*sorted(addresses.NEVER_ALLOWED), "fd00:ec2::254%eth0"])
def test_metadata_of_clouds_stays_closed_in_an_allowed_network(address):
    allowed = addresses.parse_networks("100.64.0.0/10 fc00::/7")
    with pytest.raises(AddressRefused):
        addresses.check_allowed(address, allowed)


@given(st.ip_addresses())
def test_without_allowance_no_private_address_passes(address):
    try:
        addresses.check_allowed(str(address), ())
    except AddressRefused:
        return
    assert address.is_global


def test_a_query_is_masked():
    assert targets.masked("https://a.example/x?token=abc") == "https://a.example/x?***"
    assert targets.masked("db.example.com:5432") == "db.example.com:5432"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("3com.com", False),
        ("10.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_a_name_that_begins_with_a_digit_is_no_address(host, expected):
    assert targets.is_address(host) is expected
    assert targets.parse_target(
        HTTP, f"https://{host}/" if ":" not in host else f"https://[{host}]/"
    )
