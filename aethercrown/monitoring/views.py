"""Probes and metrics: /healthz (liveness), /readyz (readiness) and /metrics (Prometheus)."""

import hmac
import threading
import time
from collections.abc import Callable, Mapping

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from aethercrown.api.endpoint import Endpoint
from aethercrown.backup import last_restore_test
from aethercrown.db import schema

CHECK_TIMEOUT_SECONDS = 2.0  # that one check may take
RETRY_AFTER_SECONDS = 5


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers; nothing else is checked."""
    return HttpResponse("alive", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: 200 if every check passes, else 503 with the checks that failed.

    A ready answer may have `warnings`.
    """
    results = run_checks(CHECKS)
    ready = all(results.values())
    words = {name: "ok" if each else "failed" for name, each in results.items()}
    body: dict[str, object] = {"status": "ready" if ready else "not ready", "checks": words}
    if ready and (found := warnings()):
        body["warnings"] = found
    response = JsonResponse(body, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def warnings() -> dict[str, str]:
    """The warnings of checks that do not make the process unready."""
    fine = run_checks({name: check for name, (check, _words) in WARNING_CHECKS.items()})
    return {name: words for name, (_check, words) in WARNING_CHECKS.items() if not fine[name]}


def run_checks(
    checks: Mapping[str, Callable[[], bool]], seconds: float = CHECK_TIMEOUT_SECONDS
) -> dict[str, bool]:
    """Run the checks in parallel; one that raises or takes over `seconds` has failed."""
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
        return True  # tasks stay in this process's memory
    limits = {
        "socket_connect_timeout": CHECK_TIMEOUT_SECONDS / 2,
        "socket_timeout": CHECK_TIMEOUT_SECONDS / 2,
    }
    with redis.Redis.from_url(settings.REDIS_URL, **limits) as line:
        return bool(line.ping())


CHECKS: dict[str, Callable[[], bool]] = {
    "database": database,
    "broker": broker,
    "schema": lambda: not schema.missing_migrations(),
}
WARNING_CHECKS = {
    "trial_restore": (
        last_restore_test.recent,
        (
            f"No back-up came back whole in {last_restore_test.MAX_AGE.days} days: "
            "manage.py restore --check."
        ),
    )
}


class MetricsCredential:
    """The credential of a request with METRICS_TOKEN."""

    id = "metrics"


class MetricsToken(BaseAuthentication):
    """`Authorization: Bearer <METRICS_TOKEN>`, if that setting is set."""

    def authenticate(self, request: Request) -> tuple[None, MetricsCredential] | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        wanted = settings.METRICS_TOKEN
        if not wanted or scheme.lower() != "bearer":
            return None
        same = hmac.compare_digest(given.strip().encode(), wanted.encode())
        return (None, MetricsCredential()) if same else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="metrics"'


class Metrics(Endpoint):
    """Prometheus metrics, for METRICS_TOKEN, a key with operational:read or a staff session."""

    area = "operational"
    schema = None  # no part of the contract

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [MetricsToken(), *super().get_authenticators()]

    def check_permissions(self, request: Request) -> None:
        if not isinstance(request.auth, MetricsCredential):
            super().check_permissions(request)

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
