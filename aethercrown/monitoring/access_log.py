"""One log line a request, written by a thread beside the requests; counts and times by route.

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
from prometheus_client import Counter, Histogram

from aethercrown.background import PeriodicThread
from aethercrown.http.middleware import Middleware
from aethercrown.monitoring import logs, request_id

PROBES = frozenset({"healthz", "readyz", "metrics"})  # asked every few seconds
WRITE_SECONDS = 0.25
MAX_QUEUED = 10_000  # events
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUESTS = Counter(
    "aethercrown_requests", "Requests answered.", ["method", "route", "status_class"]
)
DURATION = Histogram(
    "aethercrown_request_seconds",
    "Time to answer, by route.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
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
    """Logs method, route, status, milliseconds, and key or person of each request; no address.

    Counts and times it by its route, which has few values, unlike its path.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        name, seconds = route(request), time.perf_counter() - began
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, name, f"{response.status_code // 100}xx").inc()
        DURATION.labels(name).observe(seconds)
        level = logging.DEBUG if name in PROBES else logging.INFO
        if log.isEnabledFor(level):
            note(
                level,
                {
                    "method": request.method,
                    "route": name,
                    "status": response.status_code,
                    "ms": round(seconds * 1000, 1),
                    "key_id": getattr(getattr(request, "credential", None), "id", None),
                    "user_id": getattr(getattr(request, "_cached_user", None), "pk", None),
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
