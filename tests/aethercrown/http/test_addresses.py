from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.http import addresses
from aethercrown.http.addresses import AddressRefused

BOTH = frozenset({"http", "https"})


def guarded(url):
    """The address that would be called, or Refused; every name here resolves to loopback."""
    where = addresses.parse_url(url, BOTH)
    return addresses.check_address(
        where.host if ":" in where.host or where.host[0].isdigit() else "127.0.0.1"
    )


REFUSED = """
http://127.0.0.1/
http://127.1/
http://127.0.1/
http://2130706433/
http://0x7f000001/
http://0x7f.0.0.1/
http://0x7F.1/
http://0177.0.0.1/
http://017700000001/
http://127.0.0.01/
http://00000177.1/
http://127.0.0.1.nip.io/
http://0/
http://0.0.0.0:80/
http://1.1.1/
http://256.1.1.1/
http://1.1.1.1.1/
http://0x/
http://1.1.1.0x1/
http://10.0.0.1/
http://172.16.0.1/
http://172.31.255.255/
http://192.168.1.1/
http://100.64.0.1/
http://100.100.100.200/latest/meta-data/
http://169.254.169.254/latest/meta-data/
http://169.254.170.2/v2/credentials
http://168.63.129.16/machine
http://192.0.0.192/opc/v1
http://192.0.2.1/
http://192.88.99.1/
http://198.18.0.1/
http://198.51.100.1/
http://203.0.113.1/
http://224.0.0.1/
http://239.255.255.250/
http://240.0.0.1/
http://255.255.255.255/
http://[::]/
http://[::1]/
http://[0:0:0:0:0:0:0:1]/
http://[::ffff:127.0.0.1]/
http://[::ffff:7f00:1]/
http://[::ffff:169.254.169.254]/
http://[::ffff:10.0.0.1]:8000/
http://[::127.0.0.1]/
http://[::8.8.8.8]/
http://[64:ff9b::127.0.0.1]/
http://[64:ff9b::a9fe:a9fe]/
http://[64:ff9b:1::808:808]/
http://[2002:7f00:1::]/
http://[2002:a9fe:a9fe::1]/
http://[2002:c0a8:101::1]/
http://[2001:0:808:808::1]/
http://[2001:db8::1]/
http://[fd00:ec2::254]/
http://[fc00::1]/
http://[fe80::1]/
http://[fe80::1%25eth0]/
http://[fe80::1%eth0]/
http://[fec0::1]/
http://[ff02::1]/
http://[100::1]/
http://[3fff::1]/
http://[5f00::1]/
http://[::1]:22/
http://[2002:808:808::1]/
http://[1.1.1.1]/
http://[:::]/
http://[]/
http://localhost/
http://LOCALHOST/
http://localhost./
http://localhost.localdomain/
http://metadata.google.internal/
http://user@example.com/
http://user:pass@example.com/
http://example.com@127.0.0.1/
http://127.0.0.1@example.com/
http://example.com:80@127.0.0.1/
http://example.com#@127.0.0.1/
http://example.com?@127.0.0.1/\\
http://example.com\\@127.0.0.1/
http:\\\\127.0.0.1\\
http:/127.0.0.1/
http:127.0.0.1/
//127.0.0.1/
http:///127.0.0.1/
http://
http://%31%32%37.0.0.1/
http://127%2e0.0.1/
http://①②⑦.⓪.⓪.①/
http://127。0。0。1/
http://\uff11\uff12\uff17.0.0.1/
http://ⓛocalhost/
http://exa_mple.com/
http://-example.com/
http://example..com/
http://.example.com/
http://example.com:0/
http://example.com:22/
http://example.com:6379/
http://example.com:25/
http://example.com:65536/
http://example.com:99999999/
http://example.com:+80/
http://example.com:80:80/
http://example.com:/
ftp://example.com/
file:///etc/passwd
gopher://example.com:80/_x
dict://example.com:8000/
jar:http://example.com!/
data:text/plain,x
javascript:alert(1)
HTTP://example.com/
"""


@pytest.mark.parametrize(
    "url", [*REFUSED.split(), "", " ", "http://1.1.1.1/ x", "http://1.1.1.1/\n"]
)
def test_a_url_that_leads_inside_or_has_two_readings_is_refused(url):
    with pytest.raises(AddressRefused):
        guarded(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://1.1.1.1/\r\nHost: x",
        "http://1.1.1.1/\tx",
        "http://1.1.1.1/\0",
        "http://1.1.1.1\n/",
        "http://1.1.1.1\u2028/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 127 + "com/",
        "https://example.com/" + "a" * 2048,
    ],
)
def test_a_url_with_control_characters_or_without_measure_is_refused(url):
    with pytest.raises(AddressRefused):
        addresses.parse_url(url, BOTH)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://example.com", ("https", "example.com", 443, "/")),
        ("https://example.com?a=1", ("https", "example.com", 443, "/?a=1")),
        ("https://EXAMPLE.com:8443/a/b?c=d&e=f", ("https", "example.com", 8443, "/a/b?c=d&e=f")),
        ("http://example.com/", ("http", "example.com", 80, "/")),
        ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, "/")),
        ("https://1.1.1.1/", ("https", "1.1.1.1", 443, "/")),
        ("https://[2606:4700::1111]:9000/", ("https", "2606:4700::1111", 9000, "/")),
        ("https://1e100.net/", ("https", "1e100.net", 443, "/")),
        ("https://a.b-c.d0/x@y", ("https", "a.b-c.d0", 443, "/x@y")),
        ("https://3com.com/", ("https", "3com.com", 443, "/")),
        ("https://my_shop.example.com/", ("https", "my_shop.example.com", 443, "/")),
        ("https://example.com./a", ("https", "example.com", 443, "/a")),
        ("https://Bücher.example/", ("https", "xn--bcher-kva.example", 443, "/")),
        ("https://straße.example/", ("https", "xn--strae-oqa.example", 443, "/")),
        ("https://ex。example/", ("https", "ex.example", 443, "/")),
        ("https://a.com/Größe?ü%20x", ("https", "a.com", 443, "/Gr%C3%B6%C3%9Fe?%C3%BC%20x")),
    ],
)
def test_a_plain_url_comes_apart(url, parts):
    where = addresses.parse_url(url, BOTH)
    assert (where.scheme, where.host, where.port, where.target) == parts


def test_only_https_unless_told():
    with pytest.raises(AddressRefused, match="scheme is http: only https"):
        addresses.parse_url("http://example.com/")


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_a_public_address_passes(address):
    assert addresses.check_address(address) == ip_address(address)


def test_the_refusal_names_the_address():
    with pytest.raises(AddressRefused, match=r"10\.1\.2\.3 is not a public address"):
        addresses.check_address("10.1.2.3")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_passes_in_no_disguise_that_it_would_not_pass_in_itself(address):
    plain = passes(address)
    assert passes(IPv6Address(0xFFFF << 32 | int(address))) is plain
    assert passes(IPv6Address(int(IPv6Address("64:ff9b::")) | int(address))) is plain
    assert not passes(IPv6Address(0x2002 << 112 | int(address) << 80 | 1))
    assert not passes(IPv6Address(int(address)))


def passes(address):
    try:
        return addresses.check_address(str(address)) is not None
    except AddressRefused:
        return False


@given(st.ip_addresses())
def test_what_the_library_calls_not_global_never_passes(address):
    assert address.is_global or not passes(address)


@given(st.text(max_size=60))
def test_any_other_text_is_refused_and_nothing_else_is_raised(text):
    try:
        where = addresses.parse_url(f"http://{text}", BOTH)
    except AddressRefused:
        return
    assert where.host.isascii()


@given(st.integers(0, 2**32 - 1), st.sampled_from([str, hex, "0{:o}".format]))
def test_a_number_is_no_host_in_any_notation(number, notation):
    with pytest.raises(AddressRefused):
        addresses.parse_url(f"http://{notation(number)}/", BOTH)
    assert IPv4Address(number)


@pytest.mark.parametrize(
    ("url", "culprit"),
    [
        ("https://example.com/a b", "it has ' ' at character 22"),
        ("https://user@example.com/", "it has '@' at character 13"),
        ("https://-shop.example.com/", "its part '-shop'"),
        ("https://shop.example_1/", "its part 'example_1'"),
        ("https://exa..mple.com/", "its part ''"),
        ("https://b\u0378d.example/", "is no host name: Codepoint U+0378"),
        ("https://example.com/\ud800", "half of a character"),
    ],
)
def test_a_refusal_names_the_culprit(url, culprit):
    with pytest.raises(AddressRefused) as refusal:
        addresses.parse_url(url)
    assert culprit in str(refusal.value)
