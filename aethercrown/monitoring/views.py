"""Probes and metrics: /healthz (liveness), /readyz (readiness) and /metrics (Prometheus)."""

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from aethercrown.api.endpoint import Endpoint
from aethercrown.monitoring import readiness

RETRY_AFTER_SECONDS = 5


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers; nothing else is checked."""
    return HttpResponse("alive", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: 200 if every check passes, else 503 with the checks that failed.

    A ready answer may have `warnings`. The checks ran in threads beside the requests.
    """
    found = readiness.monitor.current()
    ready = all(found.checks.values())
    words = {name: "ok" if each else "failed" for name, each in found.checks.items()}
    body: dict[str, object] = {"status": "ready" if ready else "not ready", "checks": words}
    if ready and found.warnings:
        body["warnings"] = found.warnings
    response = JsonResponse(body, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


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
    permission_to_read = "operations.view_component"
    schema = None  # no part of the contract

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [MetricsToken(), *super().get_authenticators()]

    def check_permissions(self, request: Request) -> None:
        if not isinstance(request.auth, MetricsCredential):
            super().check_permissions(request)

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
