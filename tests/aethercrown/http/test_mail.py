"""Mail to a server on loopback, by the one address policy."""

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.core.mail import EmailMessage

from aethercrown.http import mail
from aethercrown.http.outbound import OutboundClient, Unreachable
from tests.aethercrown.http.test_outbound import certificate

__all__ = ["certificate"]
SESSION = {b"EHLO": b"250-here\r\n250 STARTTLS", b"MAIL": b"250 ok", b"RCPT": b"250 ok",
           b"DATA": b"354 go on", b"QUIT": b"221 bye", b"STAR": b"220 ready"}  # fmt: skip


class Talk:
    """One session of a server that takes a mail; `heard` are the lines that it got."""

    def __init__(self, line, context, heard):
        self.line, self.context, self.heard = line, context, heard

    def run(self):
        lines = self.line.makefile("rb")
        while word := self.hear(lines)[:4].upper():
            self.line.sendall(SESSION[word] + b"\r\n")
            if word == b"DATA":
                while self.hear(lines) != b".\r\n":
                    pass
                self.line.sendall(b"250 taken\r\n")
            if word == b"STAR":
                self.secure()
                lines = self.line.makefile("rb")

    def secure(self):
        self.line = self.context.wrap_socket(
            self.line, server_side=True, do_handshake_on_connect=False
        )
        self.line.do_handshake()

    def hear(self, lines):
        self.heard.append(lines.readline())
        return self.heard[-1]


@contextmanager
def mail_server(context=None, *, at_once=False):
    """A server that takes one mail; yields its port and the lines that it heard."""
    heard: list[bytes] = []

    def serve():
        line, _ = listener.accept()
        line.settimeout(5)
        talk = Talk(line, context, heard)
        with suppress(OSError):
            if at_once:
                talk.secure()
            talk.line.sendall(b"220 here\r\n")
            talk.run()
        talk.line.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join(5)


def sent(backend):
    return backend.send_messages(
        [EmailMessage("Hello", "Text", "a@example.org", ["b@example.org"])]
    )


def backend(port, **more):
    return mail.PinnedEmailBackend("127.0.0.1", port, "", "", timeout=5, **more)


def test_a_server_inside_takes_mail():
    with mail_server() as (port, heard):
        assert sent(backend(port, use_tls=False, use_ssl=False)) == 1
    assert b"Subject: Hello\r\n" in heard


@pytest.mark.parametrize("way", ["use_tls", "use_ssl"])
def test_with_tls_the_certificate_must_be_for_the_name(certificate, way):
    serving, trust = certificate
    client = OutboundClient(
        resolve=lambda *_: ["93.184.216.34"],
        connect=lambda address, seconds: socket.create_connection(("127.0.0.1", port), seconds),
    )

    class Backend(mail.PinnedEmailBackend):
        @property
        def connection_class(self) -> Any:
            return type("Here", (super().connection_class,), {"client": client})

    ways: Any = {"use_tls": False, "use_ssl": False, way: True}

    def to(host, port):
        made = Backend(host, port, "", "", timeout=5, **ways)
        made.__dict__["ssl_context"] = trust()
        return made

    with mail_server(serving, at_once=way == "use_ssl") as (port, heard):
        assert sent(to("shop.example.com", port)) == 1
    assert b"Subject: Hello\r\n" in heard
    with (
        mail_server(serving, at_once=way == "use_ssl") as (port, _),
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        sent(to("other.example.com", port))


@pytest.mark.parametrize("host", ["169.254.169.254", "100.100.100.200", "192.0.2.1"])
def test_metadata_and_link_local_addresses_take_no_mail(host):
    with pytest.raises(OSError, match="not a public address"):
        mail.dial(host, 25)


def test_a_name_that_is_not_resolved_is_an_error_of_the_line():
    def resolve(*_):
        raise Unreachable("dns", "mail.example.com could not be resolved.")

    with pytest.raises(OSError, match="could not be resolved"):
        mail.dial("mail.example.com", 25, OutboundClient(resolve=resolve))
