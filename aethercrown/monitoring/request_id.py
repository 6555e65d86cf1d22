"""Request ids: from the request to the log, every error and the tasks that it starts."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the request, or of the task, at work here; empty outside both."""
    return _current.get()


@contextmanager
def traced(wanted: str | None = None) -> Iterator[str]:
    """Work under the id `wanted`, if it is fit for a log line, or else under a new one."""
    token = enter(wanted)
    try:
        yield request_id()
    finally:
        leave(token)


def enter(wanted: str | None) -> Token[str]:
    fit = wanted is not None and _ACCEPTABLE.fullmatch(wanted)
    return _current.set(wanted if wanted and fit else uuid.uuid4().hex)


def leave(token: Token[str]) -> None:
    """Back to the id that was current before `enter`."""
    _current.reset(token)


class RequestIds:
    """Echo X-Request-ID, or make one.

    The id stays current until the thread's next request: Django logs a refusal only after the
    last middleware is left.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        enter(request.headers.get(HEADER))
        name = request_id()
        response = self.get_response(request)
        response.headers[HEADER] = name
        return response
