"""The base of every API view: envelope, scopes, rate limit and idempotency.

A feature's `api.py` uses from here: `Endpoint`, `StrictEndpoint` or `ReadOnlyViewSet` as a base,
`StrictSerializer` for what is nested in the body of a strict one, `reply` for an answer,
`Conflict`, `InvalidRequest` and `TooLarge` for errors; serializer fields are in `fields`, the
OpenAPI decorator is `openapi.documented`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from difflib import get_close_matches
from functools import partial
from typing import Any, ClassVar, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import Model
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.utils import timezone
from rest_framework import exceptions, viewsets
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from aethercrown import effects
from aethercrown.api import idempotency, throttling
from aethercrown.api.errors import (
    MAX_ERRORS,
    Conflict,
    InvalidRequest,
    TooLarge,
    Unavailable,
    failure,
    listed,
)
from aethercrown.api.pagination import Pages
from aethercrown.formatting import counted
from aethercrown.models import IdempotencyRecord

__all__ = [
    "Conflict",
    "Endpoint",
    "InvalidRequest",
    "Pages",
    "ReadOnlyViewSet",
    "StrictEndpoint",
    "StrictSerializer",
    "TooLarge",
    "Unavailable",
    "failure",
    "listed",
    "reply",
]

Row = TypeVar("Row", bound=Model)
ACCEPTED_STATUS = 202
# the headers of a replayed 202, read from its body; operations/jobs adds the address of the job
accepted_headers: list[Callable[[Mapping[str, Any]], Mapping[str, str]]] = []
NOT_STORED = {
    400,
    401,
    403,
    413,
    415,
    429,
}  # the caller corrects these and repeats the call with the same key


def reply(message: str, data: object, status: int = 200) -> Response:
    return Response({"success": True, "message": message, "data": data}, status=status)


class JSONNegotiation(BaseContentNegotiation):
    """Always JSON, whatever Accept asks for; never a 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        matching = (each for each in parsers if each.media_type == media_type(request))
        return next(matching, None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


def media_type(request: Request) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()


MAX_HINTS, MAX_HINTED_LENGTH = 20, 100  # unknown names of a body that get the nearest known


class Endpoint(APIView):
    """One API call; needs the read or write scope of `area`, or every one of `scopes`.

    A person with a session needs `permission_to_read`, and to write `permission_to_write` too;
    for `fresh_methods` the sign-in must be fresh, as they show or end secrets.
    A POST may carry an Idempotency-Key. Its answer is stored for a day; the values named in
    `secret_reply` are encrypted and stored for 15 minutes, after which a replay has null there.
    """

    area = ""
    scopes: tuple[str, ...] = ()
    permission_to_read = ""
    permission_to_write = "security.operate"
    fresh_methods: frozenset[str] = frozenset()
    secret_reply: ClassVar[frozenset[str]] = frozenset()
    in_one_transaction = True  # False if the work commits steps between calls to other systems
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    content_negotiation_class = JSONNegotiation

    def checked(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """The validated body. Raises with every bad field at once."""
        serializer = shape(data=self.request.data, context={"request": self.request})
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if wait := throttling.admit(self.request):  # before the key is looked up
            raise exceptions.Throttled(wait)
        super().initial(request, *args, **kwargs)
        if repeated := repeated_names(request.query_params):
            raise exceptions.ValidationError(repeated)
        if request.method in {"POST", "PUT", "PATCH"}:
            content = request.data  # a bad body is refused even if the view ignores it
            handler = getattr(self, "post", None)
            if handler and request.method == "POST" and idempotency.HEADER in request.headers:
                setattr(self, "post", partial(self.once, handler, content))  # noqa: B010 - as DRF's own viewsets do

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            throttling.note_failure(self.request)
        return super().handle_exception(exc)

    def once(
        self,
        handler: Callable[..., Response],
        content: Any,
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponseBase:
        """Run the handler once for each Idempotency-Key; a repeated call gets the first answer."""
        key = request.headers[idempotency.HEADER]
        if not idempotency.is_key(key):
            message = "must have 1 to 255 printable ASCII characters"
            raise InvalidRequest([(idempotency.HEADER, "invalid", message)])
        digest = idempotency.digest("POST", request.get_full_path(), content)
        row = idempotency.claim_or_wait(
            throttling.principal(request), key, digest, clock=timezone.now
        )
        if row.status is not None:
            return replay_response(row, idempotency.replay_body(row, timezone.now()))
        if row.effect is not None:
            handler = partial(self.answer_again, handler, row.effect)
        try:
            with self.together(), effects.recorded_by(partial(idempotency.record_effect, row)):
                response = self.attempt(handler, request, *args, **kwargs)
                if stored := is_final(response):
                    body = JSONRenderer().render(response.data).decode()
                    idempotency.store_response(row, response.status_code, body, self.secret_reply)
        except BaseException:
            with suppress(DatabaseError, InterfaceError):  # otherwise the lease ends it
                idempotency.release_key(row)
            raise
        if not stored:
            idempotency.release_key(row)
        return response

    def answer_again(
        self,
        handler: Callable[..., Response],
        effect: Mapping[str, Any],
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> Response:
        """Answer a repeat whose first answer was lost, or do the rest of the work."""
        found = self.answer_from(effect, request, *args, **kwargs)
        if found is None:
            return handler(request, *args, **kwargs)
        found[idempotency.REPLAYED] = "true"
        return found

    def answer_from(
        self, effect: Mapping[str, Any], request: Request, *args: Any, **kwargs: Any
    ) -> Response | None:
        """The answer, read from what was committed; None if the work is safe to repeat."""
        return None

    def together(self) -> AbstractContextManager[None]:
        return transaction.atomic() if self.in_one_transaction else nullcontext()

    def attempt(self, handler: Callable[..., Response], *args: Any, **kwargs: Any) -> Response:
        """The answer or the API error, with writes rolled back. Raises bugs and outages."""
        try:
            with self.together():
                return handler(*args, **kwargs)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - handle_exception raises what it does not know
            return self.handle_exception(error)


class StrictEndpoint(Endpoint):
    """Refuses query and body names that it does not know, each with the nearest known one."""

    query_names: tuple[str, ...] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if unknown := unknown_names(request.query_params, self.query_names):
            raise exceptions.ValidationError(unknown)

    def checked(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        unknown = unknown_names(self.request.data, shape().fields)
        try:
            values = super().checked(shape)
        except exceptions.ValidationError as error:
            known: Any = error.detail
            raise exceptions.ValidationError({**known, **unknown}) from error
        if unknown:
            raise exceptions.ValidationError(unknown)
        return values


class StrictSerializer(Serializer[Any]):
    """Refuses names that it does not know, beside its other errors."""

    def to_internal_value(self, data: Any) -> Any:
        body: Any = self.context  # one dictionary for all rows
        before = body.get("unknown_names", 0)
        unknown = unknown_names(data, self.fields, before)
        body["unknown_names"] = before + len(unknown)
        try:
            values = super().to_internal_value(data)
        except exceptions.ValidationError as error:
            problems: Any = error.detail
            raise exceptions.ValidationError({**problems, **unknown}) from error
        if unknown:
            raise exceptions.ValidationError(unknown)
        return values


class NoFieldsSerializer(Serializer[Any]):
    """The body of a call that takes nothing."""


def repeated_names(query: QueryDict) -> dict[str, Any]:
    """An error for each name that stands in the query more than once."""
    names = [name for name, values in query.lists() if len(values) > 1]
    error = exceptions.ErrorDetail("must stand only once", "repeated")
    return {name: [error] for name in names[:MAX_ERRORS]}


def unknown_names(given: object, known: Iterable[str], before: int = 0) -> dict[str, Any]:
    """An error for each name of the mapping `given` that is not in `known`; nothing of a list.

    `before` unknown names of the same body were found already. Looking for the nearest name is
    slow: only the first short names of a body get one. Names that no answer could list are counted.
    """
    names = list(known)
    unknown = sorted(set(given) - set(names)) if isinstance(given, Mapping) else []
    listed_names = unknown[: max(MAX_ERRORS - before, 0)]
    errors: dict[str, Any] = {}
    for place, name in enumerate(listed_names, before):
        is_searched = place < MAX_HINTS and len(name) <= MAX_HINTED_LENGTH
        nearest = get_close_matches(name, names, n=1, cutoff=0) if is_searched else []
        hint = f"; the nearest is {nearest[0]}" if nearest else ""
        errors[name] = [exceptions.ErrorDetail(f"is not known here{hint}", "unknown")]
    if more := len(unknown) - len(listed_names):
        message = f"has {counted(more, 'more unknown name')}"
        errors["non_field_errors"] = [exceptions.ErrorDetail(message, "unknown")]
    return errors


def is_final(response: Response) -> bool:
    """Whether a repeat gets this answer again, instead of asking for the outcome once more."""
    if getattr(response, "ask_again", False):
        return False
    return response.status_code < 500 and response.status_code not in NOT_STORED


def replay_response(row: IdempotencyRecord, body: str) -> HttpResponse:
    response = HttpResponse(body, status=row.status, content_type="application/json")
    response.headers[idempotency.REPLAYED] = "true"
    if row.status == ACCEPTED_STATUS:
        for headers_of in accepted_headers:
            for name, text in headers_of(json.loads(body)).items():
                response.headers[name] = text
    return response


class ReadOnlyViewSet(Endpoint, viewsets.ReadOnlyModelViewSet[Row]):
    """A list by cursor under `list_name`, and one row by its id.

    Needs `area`, `list_name`, `title` (of one row, for messages), an `ordering` without ties,
    `queryset`, `serializer_class`, and an `example` of one row for the OpenAPI document. Where a
    row of the list has other fields, `list_example`; `list_query` as in `documented`.
    """

    pagination_class = Pages
    list_name = "results"
    title = "row"
    ordering: str | tuple[str, ...] = ()
    example: ClassVar[Mapping[str, Any]] = {}
    list_example: ClassVar[Mapping[str, Any]] = {}
    list_query: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_serializer(self.get_object()).data
        return reply(f"The {self.title}", row)
