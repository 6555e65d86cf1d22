"""Mail by SMTP under the same address rules as HTTP: resolved once, checked, pinned, a deadline.

The server is named in the environment only, so it may be in a private network; link-local addresses
and the metadata services of clouds are refused as everywhere.
"""

import smtplib
import ssl
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

from aethercrown.http import addresses
from aethercrown.http.addresses import AddressRefused, ParsedURL
from aethercrown.http.outbound import (
    DeadlineSocket,
    DeadlineTLSSocket,
    OutboundClient,
    Unreachable,
)

DEADLINE_SECONDS = 60.0  # of one connection, whatever is sent on it
CLIENT = OutboundClient().allowing(addresses.ALLOWABLE_NETWORKS)


def dial(host: str, port: int, client: OutboundClient = CLIENT) -> DeadlineSocket:
    """A connection to a checked address of `host`. Raises OSError, as smtplib expects."""
    ends = client.clock() + DEADLINE_SECONDS
    try:
        pinned = client.checked(ParsedURL("smtp", host.lower(), port, ""), ends)
    except (AddressRefused, Unreachable) as error:
        raise OSError(str(error)) from error
    return client.dialled(port, pinned, ends)


class PinnedSMTP(smtplib.SMTP):
    """Connects through `dial`; the certificate is checked for the name."""

    client = CLIENT
    dialled: DeadlineSocket

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        self.dialled = dial(host, port, self.client)
        return self.dialled

    def starttls(self, *, context: ssl.SSLContext | None = None) -> Any:  # type: ignore[override]  # Django passes the context alone
        context = context or ssl.create_default_context()
        context.sslsocket_class = DeadlineTLSSocket
        answer = super().starttls(context=context)
        if isinstance(self.sock, DeadlineTLSSocket):
            self.sock.ends, self.sock.clock = self.dialled.ends, self.dialled.clock
        return answer


class PinnedSMTPOverTLS(PinnedSMTP):
    """With TLS from the first byte."""

    default_port = smtplib.SMTP_SSL_PORT

    def __init__(self, host: str, port: int, *, context: ssl.SSLContext, **more: Any) -> None:
        context.sslsocket_class = DeadlineTLSSocket
        self.context = context
        super().__init__(host, port, **more)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        dialled = super()._get_socket(host, port, timeout)
        dialled.settimeout(timeout)
        secured: Any = self.context.wrap_socket(dialled, server_hostname=host)
        secured.ends, secured.clock = dialled.ends, dialled.clock
        return secured


class PinnedEmailBackend(EmailBackend):
    """Django's own, with pinned connections."""

    @property
    def connection_class(self) -> Any:
        return PinnedSMTPOverTLS if self.use_ssl else PinnedSMTP
