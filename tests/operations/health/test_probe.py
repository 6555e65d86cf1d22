import gzip
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from aethercrown.http import addresses
from aethercrown.http.outbound import OutboundClient, Unreachable
from operations.health import probe, targets
from operations.health.probe import ExpectedResponse, ProbeTarget
from operations.health.state_machine import DEGRADED, HEALTHY, UNHEALTHY
from tests.aethercrown.http.test_outbound import (
    OK,
    OUTSIDE,
    bodied,
    client,
    drip,
    saying,
    server,
    silent,
)
from tests.operations.health import certificates

NAME = "shop.example.com"
LOOPBACK = addresses.parse_networks("127.0.0.0/8")


def seen(port, target=f"http://{NAME}/", kind=targets.HTTP, seconds=2.0, trust=None, **expected):
    calls = client(port, **({"trust": trust} if trust else {}))
    return probe.probe(
        ProbeTarget(kind, target, expected=ExpectedResponse(**expected)), seconds, calls
    )


def test_an_answer_is_healthy():
    with server(saying(OK)) as port:
        assert seen(port).status == HEALTHY


@pytest.mark.parametrize("talk", [silent, drip])
def test_a_hung_and_a_dripping_server_time_out(talk):
    with server(talk) as port:
        found = seen(port, seconds=0.3)
    assert (found.status, found.error_kind) == (UNHEALTHY, "timeout")


def test_a_closed_port_differs_from_a_connection_that_breaks_off():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert seen(port).error_kind == "refused"
    assert "refused" in seen(port).error
    with server(lambda line: line.recv(10)) as port:
        assert seen(port).error_kind in {"connect", "protocol"}


def test_a_name_that_nobody_has_says_so():
    def resolve(host, port, seconds):
        raise Unreachable("dns", f"{host} could not be resolved.")

    found = probe.probe(
        ProbeTarget(targets.HTTP, f"http://{NAME}/"), 1, OutboundClient(resolve=resolve)
    )
    assert (found.error_kind, found.error) == ("dns", "The host name could not be resolved.")


def test_no_error_names_the_host():
    with server(silent) as port:
        assert NAME not in seen(port, seconds=0.1).error


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_a_name_that_leads_inside_is_blocked_at_each_look(inside):
    found = probe.probe(
        ProbeTarget(targets.HTTP, f"http://{NAME}/"), 1, client(1, [OUTSIDE, inside])
    )
    assert (found.status, found.error_kind) == (UNHEALTHY, "blocked")


def test_a_stored_target_that_may_not_be_called_is_blocked():
    assert probe.probe(ProbeTarget(targets.HTTP, "file:///etc/passwd"), 1).error_kind == "blocked"
    assert probe.probe(ProbeTarget(targets.TCP, "10.0.0.1:22"), 1).error_kind == "blocked"


def test_an_allowed_network_is_reached_on_any_port():
    with server(saying(OK)) as port:
        target = ProbeTarget(targets.HTTP, f"http://127.0.0.1:{port}/", LOOPBACK)
        assert probe.probe(target, 2).status == HEALTHY
    with server(lambda line: None) as port:
        assert (
            probe.probe(ProbeTarget(targets.TCP, f"127.0.0.1:{port}", LOOPBACK), 2).status
            == HEALTHY
        )


def test_the_status_must_be_among_those_expected():
    failing = b"HTTP/1.1 503 Gone\r\nContent-Length: 0\r\n\r\n"
    with server(saying(failing)) as port:
        found = seen(port)
        assert (found.error_kind, found.error) == ("status", "It answered 503, not 200 to 399.")
        assert seen(port, min_status=500, max_status=599).status == HEALTHY


def test_a_redirect_is_an_answer_and_is_not_followed():
    heard: list[bytes] = []
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with server(saying(moved, heard=heard)) as port:
        assert seen(port).status == HEALTHY
        assert seen(port, min_status=301, max_status=302).status == HEALTHY
        found = seen(port, text="Welcome")
    assert (found.error_kind, len(heard)) == ("text", 3)
    assert found.error == "It answered 302, a redirect, without the text."


def test_the_text_must_stand_in_the_answer():
    with server(saying(bodied(b"all is well"))) as port:
        assert seen(port, text="is well").status == HEALTHY
        assert seen(port, text="is bad").error_kind == "text"


@pytest.mark.parametrize("length", [65_537, 2_000_000])
def test_what_was_read_of_a_long_body_counts(length):
    page = b"All is well" + bytes(length)
    with server(saying(bodied(page))) as port:
        assert seen(port, text="is well").status == HEALTHY
        assert seen(port).status == HEALTHY
    bomb = bodied(gzip.compress(page), b"Content-Encoding: gzip")
    with server(saying(bomb)) as port:
        assert seen(port, text="is well").status == HEALTHY


def test_a_text_that_is_not_in_what_was_read_is_no_outage():
    with server(saying(bodied(bytes(2_000_000)))) as port:
        found = seen(port, text="is well")
    assert (found.status, found.error_kind) == (DEGRADED, "cut")
    with server(saying(bodied(bytes(20)))) as port:
        assert (seen(port, text="is well").status) == UNHEALTHY


def endless(line):
    """A stream of events."""
    saying(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")(line)
    while True:
        line.sendall(b"data: all is well\n")
        threading.Event().wait(0.02)


def endless_chunks(line):
    saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")(line)
    while True:
        line.sendall(b"4\r\nwell\r\n")
        threading.Event().wait(0.02)


@pytest.mark.parametrize("talk", [endless, endless_chunks])
def test_what_was_read_of_an_endless_answer_counts(talk):
    with server(talk) as port:
        assert seen(port, text="well").status == HEALTHY
        assert seen(port).status == HEALTHY
        found = seen(port, text="is bad", seconds=0.3)
    assert (found.status, found.error_kind) == (DEGRADED, "cut")


def test_a_body_that_breaks_off_is_a_failure():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi"
    with server(saying(head)) as port:
        assert seen(port).error_kind == "connect"
        assert seen(port, text="hi").status == HEALTHY


@pytest.mark.parametrize(
    ("page", "header"),
    [
        ("Größe".encode("latin-1"), b"Content-Type: text/html; charset=ISO-8859-1"),
        ('<meta charset="iso-8859-1">Größe'.encode("latin-1"), b"Content-Type: text/html"),
        ("Größe".encode(), b"Content-Type: text/html"),
        ("Größe".encode(), b"Content-Type: text/html; charset=martian"),
        ("Größe".encode(), b"Content-Type: text/html; charset=hex"),
        ("Größe".encode(), b"Content-Type: text/html; charset=undefined"),
        ("Größe".encode(), b"Content-Type: text/html; charset=-Punycode"),
    ],
)
def test_a_text_is_found_in_the_encoding_of_its_page(page, header):
    with server(saying(bodied(page, header))) as port:
        assert seen(port, text="Größe").status == HEALTHY


def test_a_head_request_needs_no_body():
    heard: list[bytes] = []
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
    with server(saying(head, heard=heard)) as port:
        assert seen(port, method="HEAD").status == HEALTHY
    assert heard[0].startswith(b"HEAD / ")


def test_an_answer_that_is_no_http_is_a_fault_of_the_protocol():
    with server(saying(b"SSH-2.0-OpenSSH\r\n\r\n")) as port:
        assert seen(port).error_kind == "protocol"


def test_an_open_port_is_healthy_and_a_closed_one_refused():
    with server(silent) as port:
        assert seen(port, f"{NAME}:5432", targets.TCP).status == HEALTHY
    assert seen(port, f"{NAME}:5432", targets.TCP).error_kind == "refused"


@pytest.mark.parametrize(
    ("days", "status", "error_kind"),
    [(60, HEALTHY, ""), (14, DEGRADED, ""), (3, UNHEALTHY, "expiry"), (-1, UNHEALTHY, "tls")],
)
def test_a_certificate_is_judged_by_the_days_it_has_left(tmp_path, days, status, error_kind):
    serving, trust = certificates.made(tmp_path, days)
    with server(silent, serving) as port:
        found = seen(port, f"{NAME}:443", targets.TLS, trust=trust)
    assert (found.status, found.error_kind) == (status, error_kind)
    if days < 0:
        assert "expired" in found.error
    else:
        assert found.certificate[1] - found.certificate[0] == timedelta(days=90 + days, hours=1)


def test_a_certificate_that_is_not_yet_valid_is_refused_and_says_so(tmp_path):
    serving, trust = certificates.made(tmp_path, 60, begins=1)
    with server(saying(OK), serving) as port:
        for target, kind in ((f"{NAME}:443", targets.TLS), (f"https://{NAME}/", targets.HTTP)):
            found = seen(port, target, kind, trust=trust)
            assert (found.status, found.error_kind) == (UNHEALTHY, "tls")
            assert found.error == "The certificate is refused: certificate is not yet valid."


@pytest.mark.parametrize(
    ("days", "limits", "status"),
    [
        (60, (None, None), HEALTHY),
        (14, (None, None), DEGRADED),
        (3, (None, None), DEGRADED),  # the page works
        (3, (None, 5.0), UNHEALTHY),
    ],
)
def test_a_page_whose_certificate_ends_soon_is_degraded(tmp_path, days, limits, status):
    serving, trust = certificates.made(tmp_path, days)
    with server(saying(OK), serving) as port:
        target = ProbeTarget(
            targets.HTTP,
            f"https://{NAME}/",
            degraded_below_days=limits[0],
            unhealthy_below_days=limits[1],
        )
        found = probe.probe(target, 2.0, client(port, trust=trust))
        text = seen(port, f"https://{NAME}/", trust=trust, text="nowhere")
    assert found.status == status
    assert ("expires on" in found.error) is (status != HEALTHY)
    assert (text.error_kind, text.certificate) == ("text", found.certificate)


def test_a_certificate_of_another_name_or_from_nobody_known_is_refused(tmp_path):
    serving, trust = certificates.made(tmp_path, 60)
    with server(saying(OK), serving) as port:
        other = seen(port, "https://other.example.com/", trust=trust)
        unknown = seen(port, f"https://{NAME}/")
        good = seen(port, f"https://{NAME}/", trust=trust)
        assert (good.status, good.certificate is not None) == (HEALTHY, True)
    assert (other.error_kind, unknown.error_kind) == ("tls", "tls")
    assert "ostname mismatch" in other.error
    assert "self" in unknown.error


def test_tls_that_stalls_times_out_and_without_tls_it_fails(tmp_path):
    _, trust = certificates.made(tmp_path, 60)
    with server(silent) as port:
        assert seen(port, f"{NAME}:443", targets.TLS, 0.3, trust).error_kind == "timeout"
    with server(saying(OK)) as port:
        assert seen(port, f"{NAME}:443", targets.TLS, 1, trust).error_kind in {
            "tls",
            "connect",
            "timeout",
        }


def test_days_are_counted_from_now():
    now = datetime(2026, 11, 20, tzinfo=UTC)
    year = now - timedelta(days=340)
    near, short = (
        probe.certificate_status(year, now + timedelta(days=left), now) for left in (20, 6)
    )
    assert probe.certificate_status(year, now + timedelta(days=21), now).error == ""
    assert "10 Dec 2026, in 20 days" in near.error
    assert short.status == UNHEALTHY


@pytest.mark.parametrize(
    ("lifetime", "left", "limits", "status"),
    [
        (6, 5.9, (None, None), HEALTHY),  # just renewed
        (6, 1.4, (None, None), DEGRADED),
        (6, 0.4, (None, None), UNHEALTHY),
        (45, 20, (None, None), HEALTHY),
        (45, 11, (None, None), DEGRADED),
        (365, 22, (None, None), HEALTHY),
        (365, 20, (None, None), DEGRADED),
        (365, 6.9, (None, None), UNHEALTHY),
        (365, 29, (30.0, None), DEGRADED),
        (365, 13, (30.0, 14.0), UNHEALTHY),
        (6, 1.0, (0.0, 0.0), HEALTHY),
    ],
)
def test_a_certificate_is_judged_by_a_share_of_its_lifetime(lifetime, left, limits, status):
    now = datetime(2026, 11, 20, tzinfo=UTC)
    ends = now + timedelta(days=left)
    begins = ends - timedelta(days=lifetime)
    assert probe.certificate_status(begins, ends, now, limits).status == status
