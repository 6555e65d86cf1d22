"""One log line a request, written by a thread beside the requests.

A request leaves its event in a queue; every WRITE_SECONDS one thread redacts, renders and writes
what has gathered. A process that ends cleanly writes the rest first. A full queue is written by
the request that finds it full, so the queue stays bounded and no line is dropped.
"""

import logging
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from aethercrown.background import PeriodicThread
from aethercrown.http.middleware import Middleware
from aethercrown.monitoring import logs, request_id

PROBES = frozenset({"healthz", "readyz", "metrics"})  # asked every few seconds
WRITE_SECONDS = 0.25
MAX_QUEUED = 10_000  # events
log = logging.getLogger("aethercrown.access")
queue: deque[dict[str, Any]] = deque()


def write_queued() -> None:
    """Write every event that is in the queue now."""
    events = []
    while queue:
        try:
            events.append(queue.popleft())
        except IndexError:  # another thread took the last one
            break
    logs.write(events)


writer = PeriodicThread(write_queued, WRITE_SECONDS, "access log", final_call=True)


class AccessLog(Middleware):
    """Logs method, route, status, milliseconds and key of each request; never the address."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        name = route(request)
        level = logging.DEBUG if name in PROBES else logging.INFO
        if log.isEnabledFor(level):
            note(
                level,
                {
                    "method": request.method,
                    "route": name,
                    "status": response.status_code,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                    "key_id": getattr(getattr(request, "credential", None), "id", None),
                },
            )
        return response


def note(level: int, fields: dict[str, Any]) -> None:
    """Queue one line; outside a web server, which has no thread for it, write it at once."""
    if not writer.is_running():
        log.log(level, "request", extra=fields)
        return
    fields |= {
        "event": "request",
        "request_id": request_id.request_id(),
        "logger": log.name,
        "level": logging.getLevelName(level).lower(),
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    queue.append(fields)
    if len(queue) >= MAX_QUEUED:
        write_queued()


def route(request: HttpRequest) -> str:
    """The name or the pattern of what answered, which is one of a few; `unmatched` for none."""
    match = request.resolver_match
    return (match.view_name or match.route) if match else "unmatched"
