"""API errors: one envelope for every failure.

`failure` is the exception handler of the API's views. The functions at the end handle requests that
reach no view (unknown path, unknown host, server error); outside /api they return HTML pages.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    JsonResponse,
)
from django.template.loader import get_template
from django.views import defaults
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisDown
from redis.exceptions import TimeoutError as RedisSlow
from rest_framework import exceptions, status
from rest_framework.fields import get_error_detail
from rest_framework.response import Response

from aethercrown.monitoring.request_id import request_id

MAX_ERRORS = 1_000  # entries of `errors`; a bad file of 10,000 rows must not answer with megabytes
MAX_IN_MESSAGE = 5  # entries named in `message`
MAX_NAME_LENGTH = 80  # characters of one name in a path
API = "/api/"
SQLITE_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL")
WORDS = {
    400: ("bad_request", "The request is malformed."),
    403: ("permission_denied", "This is not allowed."),
    404: ("not_found", "There is nothing at this address."),
    500: ("server_error", "Something went wrong on our side; the request id finds it in the logs."),
}

log = logging.getLogger(__name__)


class InvalidRequest(exceptions.APIException):
    """400 with the bad fields, each as (field, code, message)."""

    status_code: int = status.HTTP_400_BAD_REQUEST
    default_code = "invalid"

    def __init__(self, problems: Iterable[tuple[str, str, str]]) -> None:
        super().__init__()
        self.problems = [
            {"field": field, "code": code, "message": message} for field, code, message in problems
        ]


class Conflict(exceptions.APIException):
    """409: the present state does not allow this."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The present state does not allow this."
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """413: a body or a list is over its limit; the message states the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    """503: a needed service is down; `wait` is sent as Retry-After, in seconds."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "A needed service is down; try again shortly."
    default_code = "unavailable"
    wait = 5


Kinds = type[Exception] | tuple[type[Exception], ...]
# the API error for exceptions that are not DRF's; the first match counts
MEANINGS: tuple[tuple[Kinds, Callable[[], exceptions.APIException]], ...] = (
    ((Http404, ObjectDoesNotExist), exceptions.NotFound),
    (PermissionDenied, exceptions.PermissionDenied),
    (RequestDataTooBig, TooLarge),
    (SuspiciousOperation, partial(exceptions.ParseError, WORDS[400][1])),
    (DataError, partial(exceptions.ParseError, "A value is too large to be stored.")),
)


def failure(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The response to an exception of a view; None for a bug, which becomes a 500."""
    refusal = as_refusal(error)
    if refusal is None:
        return None
    problems = refusal.problems if isinstance(refusal, InvalidRequest) else None
    response = Response(
        body(problems or listed(refusal.get_full_details())), status=refusal.status_code
    )
    if header := getattr(refusal, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(refusal, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


def as_refusal(error: Exception) -> exceptions.APIException | None:
    """The API error for an exception; None for a bug."""
    if isinstance(error, exceptions.APIException):
        return error
    if is_outage(error):
        log.warning("A needed service is down: %s", error)
        return Unavailable()
    if isinstance(error, ValidationError):
        return exceptions.ValidationError(get_error_detail(error))
    for kinds, refusal in MEANINGS:
        if isinstance(error, kinds):
            return refusal()
    return None


def is_outage(error: BaseException | None) -> bool:
    """Whether a database or broker is down, busy or too slow; a wrong query on SQLite is not."""
    if isinstance(error, OperationalError):
        name = getattr(error.__cause__, "sqlite_errorname", None)
        return name is None or name.startswith(SQLITE_BUSY)
    return isinstance(error, InterfaceError | BrokerError | RedisDown | RedisSlow)


def body(errors: Iterable[dict[str, str]]) -> dict[str, Any]:
    """The envelope; a long list of errors is cut, and its last entry says how many are left out."""
    entries = iter(errors)
    shown = list(islice(entries, MAX_ERRORS))
    left_out = sum(1 for _ in entries)
    message = "; ".join(describe(each) for each in shown[:MAX_IN_MESSAGE])
    if (more := len(shown) + left_out - MAX_IN_MESSAGE) > 0:
        message += f"; and {more:,} more"
    if left_out:
        shown.append({"field": "", "code": "more", "message": f"and {left_out:,} more"})
    return {
        "success": False,
        "message": message,
        "data": None,
        "errors": shown,
        "request_id": request_id(),
    }


def describe(entry: Mapping[str, str]) -> str:
    return f"{entry['field']}: {entry['message']}".removeprefix(": ")


def listed(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flatten nested details to one entry a bad field, such as `historical_data[2].spend`."""
    if isinstance(details, list):
        for place, each in enumerate(details):
            leaf = isinstance(each, dict) and isinstance(each.get("message"), str)
            yield from listed(each, path if leaf else f"{path}[{place}]")
    elif isinstance(details.get("message"), str):
        yield {"field": path, "code": details["code"], "message": details["message"]}
    else:
        for name, each in details.items():
            yield from listed(each, path if name == "non_field_errors" else joined(path, name))


def joined(path: str, name: str | int) -> str:
    """Append an index in brackets or a name after a dot; names are cut to MAX_NAME_LENGTH."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    if len(name) > MAX_NAME_LENGTH or not name.isascii():
        name = name[:MAX_NAME_LENGTH].encode(errors="replace").decode()
    return f"{path}.{name}" if path else name


def refused(status_code: int, code: str, message: str, field: str = "") -> JsonResponse:
    """The error envelope outside a view."""
    return JsonResponse(
        body([{"field": field, "code": code, "message": message}]), status=status_code
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Our own BadRequest says what is wrong with the address; of others nothing is shown."""
    reason = str(exception) if type(exception) is BadRequest else ""
    page = get_template("400.html").render({"reason": reason})
    return answer(request, 400) or HttpResponseBadRequest(page)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for a bug; 503 for an outage outside a view, such as a session that cannot be read."""
    if not is_outage(sys.exc_info()[1]):
        return answer(request, 500) or defaults.server_error(request)
    response = refused(503, Unavailable.default_code, Unavailable.default_detail)
    response["Retry-After"] = str(Unavailable.wait)
    return response


def answer(request: HttpRequest, status_code: int) -> JsonResponse | None:
    """The envelope for a path under /api; None elsewhere."""
    if not request.path_info.startswith(API):
        return None
    return refused(status_code, *WORDS[status_code])
