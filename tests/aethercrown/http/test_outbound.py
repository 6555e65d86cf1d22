import gzip
import ipaddress
import re
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aethercrown.http import addresses, outbound
from aethercrown.http.outbound import AddressRefused, OutboundClient, ResponseTooLarge, Unreachable

APPS = ("aethercrown", "operations", "security", "revenue", "marketing", "enterprise", "dashboards")
OUTSIDE = "93.184.216.34"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhi"


@contextmanager
def server(talk, context=None):
    """A server on loopback; `talk(line)` answers each connection, over TLS where given."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve():
        while not over.is_set():
            try:
                line, _ = listener.accept()
                line.settimeout(10)
                with context.wrap_socket(line, server_side=True) if context else line as talking:
                    talk(talking)
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def saying(*pieces, heard=None):
    def talk(line):
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(65536)
        if wanted := re.search(rb"Content-Length: (\d+)", head):
            while len(head.partition(b"\r\n\r\n")[2]) < int(wanted[1]):
                head += line.recv(65536)
        if heard is not None:
            heard.append(head)
        for piece in pieces:
            line.sendall(piece)

    return talk


def client(port, found=(OUTSIDE,), dialled=None, **rest):
    """Every public address leads to the server on loopback."""

    def connect(address, seconds):
        if dialled is not None:
            dialled.append(address)
        return socket.create_connection(("127.0.0.1", port), seconds)

    return OutboundClient(resolve=lambda host, port, seconds: list(found), connect=connect, **rest)


def fetched(port, url="http://shop.example.com/a?b=c", **options):
    return client(port).fetch(url, plain_http=True, **options)


def test_no_other_module_of_ours_calls_out():
    """The clients that outbound stands for; who starts servers of ours may ask them by socket."""
    clients = re.compile(
        r"^\s*(?:import|from) (?:requests|httpx|aiohttp|urllib3|urllib\.request|http\.client|ftplib"
        r"|smtplib|telnetlib|xmlrpc)\b",
        re.MULTILINE,
    )
    ours = Path(outbound.__file__).parents[2]
    callers = {
        path.relative_to(ours).as_posix()
        for app in APPS
        for path in (ours / app).rglob("*.py")
        if clients.search(path.read_text(encoding="utf-8"))
    }
    exceptions_only = {"operations/messaging/services/deliver.py"}  # names those of smtplib
    assert callers - {"aethercrown/embedded/start.py"} - exceptions_only == {
        "aethercrown/http/outbound.py",
        "aethercrown/http/mail.py",
    }


def test_an_answer_comes_whole_from_the_address_that_was_checked():
    heard: list[bytes] = []
    dialled: list[tuple[str, int]] = []
    with server(saying(OK, heard=heard)) as port:
        calls = client(port, dialled=dialled)
        answer = calls.fetch(
            "http://shop.example.com:8080/a?b=c",
            plain_http=True,
            method="POST",
            headers={"X-Signature": "s"},
            body=b"{}",
        )
    assert (answer.status, answer.body, answer.headers["X-A"]) == (200, b"hi", "b")
    assert answer.seconds >= 0
    assert dialled == [(OUTSIDE, 8080)]
    assert heard[0].startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"\r\nHost: shop.example.com:8080\r\n" in heard[0]


def test_a_redirect_is_an_answer_and_is_not_followed():
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    heard: list[bytes] = []
    with server(saying(moved, heard=heard)) as port:
        assert fetched(port).status == 302
    assert len(heard) == 1


def test_the_name_is_resolved_once_so_that_it_cannot_change_between_check_and_call():
    asked = []

    def resolve(host, port, seconds):
        asked.append(host)
        return [OUTSIDE] if len(asked) == 1 else ["127.0.0.1"]

    with server(saying(OK)) as port:
        calls = OutboundClient(resolve=resolve, connect=client(port).connect)
        calls.fetch("http://shop.example.com/", plain_http=True)
    assert asked == ["shop.example.com"]


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254", "fe80::1%1"])
def test_one_address_inside_among_public_ones_refuses_the_call(inside):
    dialled: list[tuple[str, int]] = []
    calls = client(1, [OUTSIDE, inside], dialled)
    with pytest.raises(AddressRefused, match=inside.partition("%")[0]):
        calls.fetch("https://shop.example.com/")
    assert dialled == []


def test_an_address_in_the_url_is_checked_without_asking_anyone():
    def resolve(host, port, seconds):
        raise AssertionError

    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        OutboundClient(resolve=resolve).fetch("https://169.254.169.254/latest/meta-data")
    with server(saying(OK)) as port:
        calls = OutboundClient(resolve=resolve, connect=client(port).connect)
        assert calls.fetch(f"http://{OUTSIDE}/", plain_http=True).status == 200


def test_a_destination_inside_is_called_where_its_networks_are_allowed():
    with server(saying(OK)) as port:
        url = f"http://127.0.0.1:{port}/"
        inside = addresses.parse_networks("127.0.0.0/8")
        assert outbound.fetch(url, plain_http=True, allowed=inside).body == b"hi"
        for other in ((), addresses.parse_networks("10.0.0.0/8")):
            with pytest.raises(AddressRefused):
                outbound.fetch(url, plain_http=True, allowed=other)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AddressRefused("10.0.0.1 is not a public address."), "refused"),
        (Unreachable("dns", "x"), "refused"),
        (Unreachable("connect", "x"), "refused"),
        (Unreachable("tls", "x"), "refused"),
        (Unreachable("timeout", "x"), "timed out"),
        (Unreachable("protocol", "x"), "wrong answer"),
        (ResponseTooLarge("x", 200), "wrong answer"),
    ],
)
def test_a_caller_hears_no_more_than_one_of_three_outcomes(error, words):
    assert outbound.outcome(error) == words


def test_http_needs_leave_and_the_host_header_cannot_be_given():
    with pytest.raises(AddressRefused, match="scheme"):
        client(1).fetch("http://shop.example.com/")
    with pytest.raises(AddressRefused, match="Host"):
        client(1).fetch("https://shop.example.com/", headers={"host": "inside"})


def test_the_next_address_is_tried_when_the_first_takes_no_connection():
    with server(saying(OK)) as port:
        inner = client(port).connect

        def connect(address, seconds):
            if address[0] == "1.1.1.1":
                raise ConnectionRefusedError
            return inner(address, seconds)

        calls = OutboundClient(resolve=lambda *_: ["1.1.1.1", OUTSIDE], connect=connect)
        assert calls.fetch("http://shop.example.com/", plain_http=True).status == 200


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    with server(saying(OK)) as port:
        assert fetched(port).status == 200


def kind_of(call):
    with pytest.raises(Unreachable) as caught:
        call()
    return caught.value.kind


def drip(line):
    saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")(line)
    while True:
        line.sendall(b"x")
        threading.Event().wait(0.02)


def drip_head(line):
    while True:
        line.sendall(b"H")
        threading.Event().wait(0.02)


def silent(line):
    line.recv(65536)
    line.recv(65536)


@pytest.mark.parametrize("talk", [drip, drip_head, silent])
def test_silence_and_slow_drips_end_at_the_deadline(talk):
    with server(talk) as port:
        assert kind_of(lambda: fetched(port, seconds=0.2)) == "timeout"


def test_a_body_that_nobody_reads_ends_at_the_deadline():
    over = threading.Event()
    with server(lambda line: over.wait(10)) as port:
        assert kind_of(
            lambda: fetched(port, method="PUT", body=bytes(30_000_000), seconds=0.2)
        ) == ("timeout")
        over.set()


def test_a_deadline_passed_before_the_call_dials_nobody():
    ticks = iter([0.0, 1.0, 99.0])
    calls = OutboundClient(
        resolve=lambda *_: [OUTSIDE], connect=client(1).connect, clock=lambda: next(ticks)
    )
    assert kind_of(lambda: calls.fetch("https://shop.example.com/")) == "timeout"


def test_a_deadline_passed_while_dialling_ends_the_call():
    ticks = iter([0.0, 1.0, 2.0, 99.0])
    with server(silent) as port:
        inner = client(port)
        calls = OutboundClient(
            resolve=inner.resolve, connect=inner.connect, clock=lambda: next(ticks)
        )
        assert kind_of(lambda: calls.fetch("https://shop.example.com/")) == "timeout"


def test_a_refused_connection_says_so():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert kind_of(lambda: fetched(port)) == "connect"


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_an_answer_that_is_no_http_is_no_answer(said):
    with server(saying(said)) as port:
        assert kind_of(lambda: fetched(port)) == "protocol"


def test_a_line_that_breaks_is_no_answer():
    with server(lambda line: line.recv(10)) as port:
        assert kind_of(lambda: fetched(port)) in {"connect", "protocol"}


def bodied(body, *headers):
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def test_a_body_up_to_the_limit_comes_and_one_byte_more_does_not():
    with server(saying(bodied(b"x" * 1000))) as port:
        assert len(fetched(port, limit=1000).body) == 1000
        with pytest.raises(ResponseTooLarge, match="999 bytes"):
            fetched(port, limit=999)


def test_a_compressed_body_is_measured_decoded():
    bomb = gzip.compress(bytes(20_000_000))
    assert len(bomb) < 100_000
    squeezed = b"Content-Encoding: gzip"
    with (
        server(saying(bodied(bomb, squeezed))) as port,
        pytest.raises(ResponseTooLarge, match="1048576"),
    ):
        fetched(port)
    small = gzip.compress(b"hello")
    with server(saying(bodied(small, squeezed))) as port:
        assert fetched(port).body == b"hello"


def test_a_chunked_body_without_end_is_cut_at_the_limit():
    def flood(line):
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")(line)
        while True:
            line.sendall(b"4000\r\n" + bytes(0x4000) + b"\r\n")

    with server(flood) as port, pytest.raises(ResponseTooLarge):
        fetched(port)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of its own for shop.example.com, and a context of each side."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.com")])
    now = datetime.now(UTC)
    names = [x509.DNSName("shop.example.com"), x509.IPAddress(ipaddress.ip_address(OUTSIDE))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    trusting = ssl.create_default_context(cadata=pem.decode())
    return serving, lambda: trusting


def test_tls_goes_to_the_pinned_address_under_the_name_asked_for(certificate):
    serving, trust = certificate
    named = []
    serving.sni_callback = lambda line, name, context: named.append(name)
    with server(saying(OK), serving) as port:
        calls = client(port, trust=trust)
        assert calls.fetch("https://shop.example.com/", body=b"x" * 100_000).body == b"hi"
        assert calls.fetch(f"https://{OUTSIDE}/").body == b"hi"
    assert named[0] == "shop.example.com"


def test_a_certificate_for_another_name_or_from_nobody_known_is_refused(certificate):
    serving, trust = certificate
    serving.sni_callback = None
    with server(saying(OK), serving) as port:
        other = client(port, trust=trust)
        assert kind_of(lambda: other.fetch("https://other.example.com/")) == "tls"
        assert kind_of(lambda: client(port).fetch("https://shop.example.com/")) == "tls"


def test_a_server_without_tls_or_one_that_stalls_it_is_no_answer(certificate):
    with server(lambda line: line.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")) as port:
        assert kind_of(lambda: client(port).fetch("https://shop.example.com/")) in {
            "tls",
            "connect",
        }
    with server(silent) as port:
        calls = client(port)
        assert kind_of(lambda: calls.fetch("https://shop.example.com/", seconds=0.2)) == "timeout"


def test_a_slow_drip_over_tls_ends_at_the_deadline(certificate):
    serving, trust = certificate
    with server(drip, serving) as port:
        calls = client(port, trust=trust)
        assert kind_of(lambda: calls.fetch("https://shop.example.com/", seconds=0.3)) == "timeout"


def test_a_name_of_this_machine_is_resolved_and_refused():
    with pytest.raises(AddressRefused, match=r"not a public address"):
        outbound.fetch("https://localhost/")


def test_a_socket_of_the_system_goes_where_it_is_sent():
    with socket.create_server(("127.0.0.1", 0)) as free:
        where = free.getsockname()
        with socket.create_connection(where, 1) as made:
            assert made.getpeername() == where


def test_a_name_that_nobody_has_says_so():
    assert kind_of(lambda: outbound.resolve_host("no-such-host.invalid", 443, 5)) in {
        "dns",
        "timeout",
    }


def test_a_resolver_that_hangs_is_not_waited_for():
    over = threading.Event()

    def hang(host, port, type):  # noqa: A002 - as getaddrinfo names it
        over.wait(10)
        return []

    assert kind_of(lambda: outbound.resolve_host("localhost", 443, 0.05, hang)) == "timeout"
    over.set()
