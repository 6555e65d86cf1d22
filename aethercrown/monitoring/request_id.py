"""Request ids, in the log, in every error and in the tasks that a request starts."""

import re
import uuid
from contextvars import ContextVar, Token

from django.http import HttpRequest, HttpResponseBase

from aethercrown.http.middleware import Middleware

HEADER = "X-Request-ID"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the current request or task; empty outside both."""
    return _current.get()


def enter(wanted: str | None) -> Token[str]:
    """Make the id `wanted` current if it is valid, or else a new one."""
    fit = wanted is not None and _ACCEPTABLE.fullmatch(wanted)
    return _current.set(wanted if wanted and fit else uuid.uuid4().hex)


def leave(token: Token[str]) -> None:
    """Restore the id that was current before `enter`."""
    _current.reset(token)


class RequestIdMiddleware(Middleware):
    """Returns the request's X-Request-ID, or a new one.

    The id stays current until the thread's next request, because Django logs errors after the last
    middleware has returned.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        enter(request.headers.get(HEADER))
        name = request_id()
        response = self.get_response(request)
        response.headers[HEADER] = name
        return response
