"""The API's own reference: the OpenAPI document, and Swagger UI over it, from this server alone."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import Endpoint


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document; the same for everybody, and made once."""
    generator: Any = SchemaGenerator
    made = generator().get_schema(request=None, public=True)
    plain: dict[str, Any] = json.loads(JSONRenderer().render(made))
    return plain


class Schema(Endpoint):
    """The OpenAPI document, without an envelope."""

    permission_classes = spectacular_settings.SERVE_PERMISSIONS
    schema = None

    def get(self, request: Request) -> Response:
        return Response(document())


class Docs(Endpoint):
    """Swagger UI; it loads the document with the reader's session."""

    permission_classes = spectacular_settings.SERVE_PERMISSIONS
    schema = None

    def get(self, request: Request) -> HttpResponse:
        return render(request, "api/docs.html")
