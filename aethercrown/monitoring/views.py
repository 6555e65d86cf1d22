"""What machines ask: alive (/healthz), ready (/readyz), and how it goes (/metrics)."""

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from aethercrown.api.endpoint import Endpoint
from aethercrown.backup import restore_tests
from aethercrown.monitoring.access_log import route

SECONDS = 2.0  # that one check may take
RETRY_AFTER = 5
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


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is touched."""
    return HttpResponse("alive", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where all that a request needs is there; else 503 with the names of what is not.

    With `warnings` where it serves, but somebody should look.
    """
    results = passed(CHECKS)
    ready = all(results.values())
    words = {name: "ok" if each else "failed" for name, each in results.items()}
    body: dict[str, object] = {"status": "ready" if ready else "not ready", "checks": words}
    if ready and (told := warnings()):
        body["warnings"] = told
    response = JsonResponse(body, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


def warnings() -> dict[str, str]:
    """What is no reason to send nobody here, in words."""
    fine = passed({name: check for name, (check, _words) in CAUTIONS.items()})
    return {name: words for name, (_check, words) in CAUTIONS.items() if not fine[name]}


def passed(checks: Mapping[str, Callable[[], bool]], seconds: float = SECONDS) -> dict[str, bool]:
    """Which checks pass, side by side; one that fails or takes over `seconds` does not."""
    results = dict.fromkeys(checks, False)

    def run(name: str, check: Callable[[], bool]) -> None:
        try:
            results[name] = check()
        except Exception:  # noqa: BLE001 - any failure at all means not ready
            results[name] = False
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=each, name="readiness", daemon=True)
        for each in checks.items()
    ]
    ends = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    return dict(results)


def database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() is not None


def broker() -> bool:
    if not settings.REDIS_URL:
        return True  # tasks run in the memory of this process
    limits = {"socket_connect_timeout": SECONDS / 2, "socket_timeout": SECONDS / 2}
    with redis.Redis.from_url(settings.REDIS_URL, **limits) as line:
        return bool(line.ping())


def schema() -> bool:
    """Whether every migration of this code is applied."""
    return latest_migrations() <= set(MigrationRecorder(connection).applied_migrations())


@lru_cache(maxsize=1)
def latest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


CHECKS: dict[str, Callable[[], bool]] = {"database": database, "broker": broker, "schema": schema}
CAUTIONS = {
    "trial_restore": (
        restore_tests.recent,
        (
            f"No back-up came back whole in {restore_tests.TOO_OLD.days} days: "
            "manage.py restore --check."
        ),
    )
}


class Scraper:
    """Holds METRICS_TOKEN."""

    id = "metrics"


class MetricsToken(BaseAuthentication):
    """`Authorization: Bearer <METRICS_TOKEN>`, where that setting is given."""

    def authenticate(self, request: Request) -> tuple[None, Scraper] | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        wanted = settings.METRICS_TOKEN
        if not wanted or scheme.lower() != "bearer":
            return None
        same = hmac.compare_digest(given.strip().encode(), wanted.encode())
        return (None, Scraper()) if same else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="metrics"'


class Metrics(Endpoint):
    """For Prometheus; opened by METRICS_TOKEN, a key with operational:read, or a staff session."""

    area = "operational"
    schema = None  # no part of the contract

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [MetricsToken(), *super().get_authenticators()]

    def check_permissions(self, request: Request) -> None:
        if not isinstance(request.auth, Scraper):
            super().check_permissions(request)

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


class Counted:
    """Counts and times every request by its route; never by its path, of which there is no end."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        name = route(request)
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, name, f"{response.status_code // 100}xx").inc()
        DURATION.labels(name).observe(time.perf_counter() - began)
        return response
