"""Gunicorn's threaded worker, with a thread of its own for /healthz and /readyz.

The other threads may all be busy: with calculations, slow clients, or callers that wait. A request
is taken for a probe if its first bytes say so and it has arrived whole. A connection is given to a
thread only once bytes have arrived on it, so that an idle one holds none.
"""

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]  # no types
from gunicorn.http.errors import LimitRequestLine  # type: ignore[import-untyped]  # no types
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]  # no types

PROBES = tuple(
    f"{method} {path} ".encode() for method in ("GET", "HEAD") for path in ("/healthz", "/readyz")
)
PEEKED_BYTES = 4_096
ADDRESS_TOO_LONG = (
    "An address has at most 8,000 characters here, and a search at most 200. "
    "Go back and shorten what was entered."
)
SWITCH_SECONDS = 0.001  # how long a calculation keeps the interpreter from the other threads


def is_probe(connection: socket.socket) -> bool:
    """Whether a whole request for a probe waits on the connection."""
    try:
        first: bytes = connection.recv(PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return first.startswith(PROBES) and first.endswith(b"\r\n\r\n")


class ProbeWorker(ThreadWorker):  # type: ignore[misc]  # its base has no types
    """Answers probes in a thread of their own."""

    def init_process(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self.usual_pool = ThreadPoolExecutor(self.cfg.threads, "request")
        self.probe_pool = ThreadPoolExecutor(1, "probe")
        super().init_process()

    def get_thread_pool(self) -> Any:
        return self.usual_pool

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; it waits in the poller for its first bytes."""
        try:
            client, address = listener.accept()
        except OSError:  # it was closed meanwhile, or another process took it
            return
        self.nr_conns += 1
        connection = TConn(self.cfg, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(connection)
        self.poller.register(
            client, EVENT_READ, partial(self.on_pending_socket_readable, connection)
        )

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """As gunicorn's; of an address that is too long, what to do about it."""
        if not isinstance(exc, LimitRequestLine):
            super().handle_error(req, client, addr, exc)
            return
        with suppress(OSError):  # the caller has gone
            util.write_error(client, 414, "This address is too long", ADDRESS_TOO_LONG)

    def enqueue_req(self, conn: Any) -> None:
        """Give the request to the probes' thread or to the others."""
        probe = not self.cfg.is_ssl and is_probe(conn.sock)
        self.tpool = self.probe_pool if probe else self.usual_pool
        super().enqueue_req(conn)
        self.tpool = self.usual_pool
