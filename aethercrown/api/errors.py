"""What a caller is told when something is refused: one envelope for every failure.

`failure` answers for the API's views (settings name it); the functions at the end answer where no
view is reached: an unknown path, a strange host, a bug. Outside /api they give pages.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisDown
from redis.exceptions import TimeoutError as RedisSlow
from rest_framework import exceptions, status
from rest_framework.fields import get_error_detail
from rest_framework.response import Response

from aethercrown.monitoring.request_id import request_id

MOST_LISTED = 1_000  # entries of `errors`; a bad file of 10,000 rows must not answer with megabytes
MOST_SPOKEN = 5  # entries named in `message`
LONGEST_STEP = 80  # characters of one name in a path
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
    """The body is refused field by field; takes what `listed` gives: field, code, message."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid"

    def __init__(self, problems: Iterable[tuple[str, str, str]]) -> None:
        super().__init__()
        self.problems = [
            {"field": field, "code": code, "message": message} for field, code, message in problems
        ]


class Conflict(exceptions.APIException):
    """The state of things forbids the step."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The state of things forbids this step."
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """A body or a list is longer than its limit; the message names the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    """A service that the call needs is down; `wait` is the number of seconds to come back after."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "A needed service is down; try again shortly."
    default_code = "unavailable"
    wait = 5


Kinds = type[Exception] | tuple[type[Exception], ...]
# what an exception that is none of DRF's means to the caller; the first that fits
MEANINGS: tuple[tuple[Kinds, Callable[[], exceptions.APIException]], ...] = (
    ((Http404, ObjectDoesNotExist), exceptions.NotFound),
    (PermissionDenied, exceptions.PermissionDenied),
    (RequestDataTooBig, TooLarge),
    (SuspiciousOperation, partial(exceptions.ParseError, WORDS[400][1])),
    (DataError, partial(exceptions.ParseError, "A value is too large to be stored.")),
)


def failure(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to an exception of a view; None for a bug, which becomes a 500 further out."""
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
    """The refusal that an exception means; None where it means a bug of ours."""
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
    """A database or broker that is down, busy or too slow; a wrong query on SQLite is none."""
    if isinstance(error, OperationalError):
        name = getattr(error.__cause__, "sqlite_errorname", None)
        return name is None or name.startswith(SQLITE_BUSY)
    return isinstance(error, InterfaceError | BrokerError | RedisDown | RedisSlow)


def body(errors: Iterable[dict[str, str]]) -> dict[str, Any]:
    """The envelope; a long list of errors is cut, and its last entry says by how much."""
    entries = iter(errors)
    kept = list(islice(entries, MOST_LISTED))
    left_out = sum(1 for _ in entries)
    message = "; ".join(spoken(each) for each in kept[:MOST_SPOKEN])
    if (more := len(kept) + left_out - MOST_SPOKEN) > 0:
        message += f"; and {more:,} more"
    if left_out:
        kept.append({"field": "", "code": "more", "message": f"and {left_out:,} more"})
    return {
        "success": False,
        "message": message,
        "data": None,
        "errors": kept,
        "request_id": request_id(),
    }


def spoken(entry: Mapping[str, str]) -> str:
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
    """One step further down: a place in brackets, a name after a dot; a caller's name, cut."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    if len(name) > LONGEST_STEP or not name.isascii():
        name = name[:LONGEST_STEP].encode(errors="replace").decode()
    return f"{path}.{name}" if path else name


def refused(status_code: int, code: str, message: str, field: str = "") -> JsonResponse:
    """The envelope for where no view is reached."""
    return JsonResponse(
        body([{"field": field, "code": code, "message": message}]), status=status_code
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400) or defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug; or an outage met outside a view, such as a session that cannot be read."""
    if not is_outage(sys.exc_info()[1]):
        return answer(request, 500) or defaults.server_error(request)
    response = refused(503, Unavailable.default_code, Unavailable.default_detail)
    response["Retry-After"] = str(Unavailable.wait)
    return response


def answer(request: HttpRequest, status_code: int) -> JsonResponse | None:
    """The envelope for a path under /api; nothing elsewhere."""
    if not request.path_info.startswith(API):
        return None
    return refused(status_code, *WORDS[status_code])
