"""Peers of the API's list of tasks: a bare Django view and a bare ModelViewSet of DRF.

Both read the same table in the same process model, without middleware, authentication, throttle,
log or metrics, over a connection that each thread keeps. The view uses `values()` and orjson (the
standard json where that is not installed); the ModelViewSet, a ModelSerializer and pages by cursor.
Neither reads what a task depends on. They were written before the API was made faster.
"""

import importlib
import importlib.util
import json
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

FIELDS = (
    *("task_id", "task_type", "priority", "estimated_duration", "status", "created_at"),
    *("started_at", "completed_at", "worker__name", "planned_start", "planned_worker", "ready_at"),
    *("lease_until", "attempt", "error"),
)
PAGE = 50
HAS_ORJSON = importlib.util.find_spec("orjson") is not None


def application() -> Any:
    """A WSGI application that serves the peers alone: /view and /drf."""
    settings.ROOT_URLCONF = __name__
    settings.REST_FRAMEWORK = {
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    }
    database = settings.DATABASES["default"]
    database["CONN_MAX_AGE"] = None
    database["CONN_HEALTH_CHECKS"] = False
    kind = "sqlite3" if "sqlite" in database["ENGINE"] else "postgresql"
    database["ENGINE"] = f"django.db.backends.{kind}"
    django.setup(set_prefix=False)
    settings.MIDDLEWARE = []  # only now: an installed app insists on its own
    return WSGIHandler()


def view(request: HttpRequest) -> HttpResponse:
    """The newest tasks."""
    models = importlib.import_module("operations.scheduling.models")
    limit = int(request.GET.get("limit", PAGE))
    rows = models.Task.objects.order_by("-created_at", "-pk").values(*FIELDS)[:limit]
    return HttpResponse(dumps({"tasks": list(rows)}), content_type="application/json")


def dumps(value: Any) -> bytes:
    if HAS_ORJSON:
        packed: bytes = importlib.import_module("orjson").dumps(value)
        return packed
    return json.dumps(value, default=str).encode()


def viewset() -> Any:
    """The least that DRF's documentation asks for."""
    from rest_framework.pagination import CursorPagination  # noqa: PLC0415 - once Django is set up
    from rest_framework.serializers import CharField, ModelSerializer  # noqa: PLC0415
    from rest_framework.viewsets import ModelViewSet  # noqa: PLC0415

    models = importlib.import_module("operations.scheduling.models")

    class Pages(CursorPagination):
        page_size = PAGE
        page_size_query_param = "limit"
        ordering = "-created_at"

    class Serializer(ModelSerializer):
        worker__name = CharField(source="worker.name", default=None)

        class Meta:
            model = models.Task
            fields = FIELDS

    class Tasks(ModelViewSet):
        queryset = models.Task.objects.select_related("worker")
        serializer_class = Serializer
        pagination_class = Pages

    return Tasks.as_view({"get": "list"})


class Lazily:
    """The ModelViewSet, made at the first request: only then are the models loaded."""

    made: Any = None

    def __call__(self, request: HttpRequest) -> Any:
        self.made = self.made or viewset()
        return self.made(request)


urlpatterns = [path("view", view), path("drf", Lazily())]
