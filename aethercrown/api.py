"""The envelope of every API answer, its errors and its pages."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, pagination, status
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler


class Conflict(exceptions.APIException):
    """The state of things forbids the step."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Endpoint(APIView):
    """One call of the contract; `area` names the pair of scopes that opens it."""

    area = ""


class Pages(pagination.CursorPagination):
    """Lists by cursor."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500


def reply(message: str, data: object, status: int = 200) -> Response:
    return Response({"success": True, "message": message, "data": data}, status=status)


def failure(error: Exception, context: dict[str, Any]) -> Response | None:
    """Put what was refused into the envelope; settings name it as EXCEPTION_HANDLER."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    response = exception_handler(error, context)
    if response is not None and isinstance(error, exceptions.APIException):
        errors = list(listed(error.get_full_details()))
        message = "; ".join(f"{each['field']}: {each['message']}".lstrip(": ") for each in errors)
        response.data = {"success": False, "message": message, "data": None, "errors": errors}
    return response


def listed(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flatten nested details to one entry a bad field, such as `historical_data[2].spend`."""
    if isinstance(details, list):
        for place, each in enumerate(details):
            leaf = isinstance(each.get("message"), str)
            yield from listed(each, path if leaf else f"{path}[{place}]")
    elif isinstance(details.get("message"), str):
        yield {"field": path, "code": details["code"], "message": details["message"]}
    else:
        for name, each in details.items():
            step = f"[{name}]" if isinstance(name, int) else f".{name}"
            whole = name == "non_field_errors"
            yield from listed(each, path if whole else f"{path}{step}".lstrip("."))
