"""The OpenAPI document: every response in its envelope, every call with an example.

A feature decorates its methods with `@documented(...)`. The list and detail calls of a
`ReadOnlyViewSet` are described by its `example` and `title`.
"""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, TypeVar

from drf_spectacular.drainage import warn
from drf_spectacular.openapi import AutoSchema
from rest_framework.serializers import Serializer

from aethercrown.api import fields, idempotency
from aethercrown.monitoring.request_id import HEADER as REQUEST_ID

Handler = TypeVar("Handler", bound=Callable[..., Any])
Shape = type[Serializer[Any]]
Fragment = dict[str, Any]
JSON = "application/json"
TEXT: Fragment = {"type": "string"}


def object_schema(**properties: Fragment) -> Fragment:
    """An object that has every one of `properties`."""
    return {"type": "object", "required": [*properties], "properties": properties}


FIELD: Fragment = {**TEXT, "description": "The path, such as `rows[2].spend`; empty for the whole."}
ERROR_SCHEMA = object_schema(field=FIELD, code=TEXT, message=TEXT)
FAILURE_SCHEMA = object_schema(
    success={"const": False},
    message={**TEXT, "description": "What went wrong, for a person."},
    data={"type": "null"},
    errors={"type": "array", "items": ERROR_SCHEMA},
    request_id=TEXT,
)
SECURITY: list[Fragment] = [{"bearer": []}, {"header": []}, {"session": []}]
SECURITY_SCHEMES: Fragment = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "A staff session; to write, with the header X-CSRFToken.",
    },
}
# error responses of every call: description, and field, code, message of the example
REFUSALS = {
    400: ("Malformed or invalid", "total_budget", "min_value", "must be 0 or more"),
    401: ("No or unknown credentials", "", "not_authenticated", "The API key is unknown."),
    403: ("Credentials without the scope", "", "permission_denied", "The key lacks the scope."),
    404: ("Unknown id", "", "not_found", "Not found."),
    409: ("Conflict", "", "conflict", "The present state does not allow this."),
    413: ("Over a limit", "rows", "too_large", "has 10,001 entries; at most 10,000 are taken"),
    415: ("Not JSON", "", "unsupported_media_type", "Unsupported media type in request."),
    429: ("Too often", "", "throttled", "Request was throttled. Expected available in 1 second."),
    503: ("A needed service is down", "", "unavailable", "A needed service is down."),
}
WAITING = {429, 503}
RETRY_AFTER: Fragment = {
    "description": "Seconds to come back after.",
    "schema": {"type": "integer", "minimum": 1},
}
TRACE: Fragment = {
    "description": "The request's own id, or a new one; it is in the logs too.",
    "schema": TEXT,
}
KEY: Fragment = {
    "name": idempotency.HEADER,
    "in": "header",
    "description": "The same key and body replays the first answer; kept for 24 hours.",
    "schema": {**TEXT, "minLength": 1, "maxLength": 255},
}
PREFER: Fragment = {
    "name": "Prefer",
    "in": "header",
    "description": "`respond-async` (RFC 7240): answer 202 with a job to poll.",
    "schema": {**TEXT, "enum": ["respond-async"]},
}
LIMIT: Fragment = {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}


def query_parameter(name: str, schema: Fragment, **more: str) -> Fragment:
    return {"name": name, "in": "query", **more, "schema": schema}


PAGING = [
    query_parameter("cursor", TEXT, description="Where the page starts: in `next` or `previous`."),
    query_parameter("limit", LIMIT, description="Rows on a page."),
]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The 202 of a call that starts a job where the caller sent `Prefer: respond-async`."""

    answer: Shape
    example: Mapping[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class Call:
    """The description of one call; it decorates the method of an Endpoint that answers it.

    `request` and `answer` are serializers (`answer` also a JSON Schema) of the body and of `data`;
    the examples are plain values that fit them. `query` has a JSON Schema for each query parameter.
    `repeated` is the status if nothing new was created; `list_name` is set for a list by cursor;
    `accepted` for a call that can start a job.
    The method's docstring becomes the description, and error responses are the same everywhere.
    """

    summary: str
    _: KW_ONLY
    request: Shape | None = None
    answer: Shape | Fragment | None = None
    example_request: Mapping[str, Any] | None = None
    example_answer: Any = None
    message: str = "Done"
    status: int = 200
    query: Mapping[str, Fragment] = field(default_factory=dict)
    list_name: str = ""
    repeated: int | None = None
    accepted: Accepted | None = None

    def __call__(self, handler: Handler) -> Handler:
        handler.documented_call = self  # type: ignore[attr-defined]  # a function takes attributes
        return handler


documented = Call


class EnvelopeSchema(AutoSchema):
    """Reads `documented`; adds the envelope, the error responses and the headers."""

    def call(self) -> Call | None:
        """The description of the present call; warns, which the tests forbid, if there is none."""
        view: Any = self.view
        action = getattr(view, "action", None) or self.method.lower()
        call: Call | None = getattr(getattr(view, action, None), "documented_call", None)
        if call is None and action in {"list", "retrieve"} and getattr(view, "example", None):
            return list_call(view) if action == "list" else detail_call(view)
        if call is None:
            warn(f"{type(view).__name__}.{action} lacks @documented or an example")
        return call

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """The class's name without its own "Request", which the library appends to requests."""
        return type(serializer).__name__.replace("RequestSerializer", "Serializer")

    def get_operation_id(self) -> str:
        by = [f"by_{name}" for name in self.path_names()]
        return "_".join([self.method.lower(), *self._tokenize_path(), *by])

    def path_names(self) -> list[str]:
        return [each[1:-1] for each in self.path.split("/") if each.startswith("{")]

    def get_summary(self) -> str | None:
        call = self.call()
        return call.summary if call else None

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "area", "") or "platform"]

    def get_auth(self) -> list[Fragment]:
        return SECURITY

    def _get_parameters(self) -> list[Fragment]:
        call = self.call()
        resolved: Any = self._resolve_path_parameters  # untyped, as all of the library is
        parameters: list[Fragment] = resolved(self.path_names())
        parameters += [query_parameter(*each) for each in (call.query if call else {}).items()]
        if call and call.list_name:
            parameters += PAGING
        if call and call.accepted:
            parameters.append(PREFER)
        return [*parameters, KEY] if self.method == "POST" else parameters

    def _get_request_body(self, direction: str = "request") -> Fragment | None:
        call = self.call()
        if call is None or call.request is None:
            return None
        content: Fragment = {"schema": self.resolve_serializer(call.request, "request").ref}
        if call.example_request is not None:
            content["examples"] = {"example": {"value": call.example_request}}
        return {"required": True, "content": {JSON: content}}

    def _get_response_bodies(self, direction: str = "response") -> Fragment:
        call = self.call()
        refusals = {str(code): error_response(code) for code in REFUSALS}
        if call is None:
            return refusals
        codes = [each for each in (call.status, call.repeated) if each]
        found = {str(each): self.success_response(call) for each in codes}
        if later := call.accepted:
            as_call = replace(call, answer=later.answer, example_answer=later.example)
            found["202"] = self.success_response(replace(as_call, message=later.message))
        return {**found, **refusals}

    def success_response(self, call: Call) -> Fragment:
        example = {"success": True, "message": call.message, "data": call.example_answer}
        envelope = object_schema(success={"const": True}, message=TEXT, data=self.data_schema(call))
        content: Fragment = {"schema": envelope}
        if call.example_answer is not None or call.answer is None:
            content["examples"] = {"example": {"value": example}}
        headers = {REQUEST_ID: TRACE}
        if self.method == "POST":
            headers[idempotency.REPLAYED] = {
                "description": "`true` where this is the first answer to the same key and body.",
                "schema": {"const": "true"},
            }
        return {"description": call.summary, "headers": headers, "content": {JSON: content}}

    def data_schema(self, call: Call) -> Fragment:
        """The schema of `data`."""
        if call.answer is None:
            return {"type": "null"}
        if isinstance(call.answer, dict):
            return call.answer
        shape: Fragment = self.resolve_serializer(call.answer, "response").ref
        if not call.list_name:
            return shape
        link = {"type": ["string", "null"], "format": "uri"}
        rows = {"type": "array", "items": shape}
        return object_schema(**{call.list_name: rows}, next=link, previous=link)

    def _map_serializer_field(
        self,
        field: Any,
        direction: str,
        bypass_extensions: bool = False,  # noqa: FBT001, FBT002 - as the parent has it
    ) -> Fragment:
        if isinstance(field, fields.Scalar):
            kinds = ["number", "string", "boolean"]
            return {"type": [*kinds, "null"] if field.allow_null else kinds}
        mapped: Any = super()._map_serializer_field
        schema: Fragment = mapped(field, direction, bypass_extensions)
        if isinstance(field, fields.Identifier) and direction == "request":
            schema["type"] = ["string", "integer"]
        elif isinstance(field, fields.ItemList):
            schema["maxItems"] = field.most
        elif isinstance(field, fields.ValueMap):
            schema["maxProperties"] = field.most
        return schema


def list_call(view: Any) -> Call:
    """The list of a ReadOnlyViewSet."""
    row = view.list_example or view.example
    page = {view.list_name: [row], "next": None, "previous": None}
    words = view.list_name.replace("_", " ")
    return Call(
        f"List the {words}",
        answer=view.serializer_class,
        example_answer=page,
        message=f"1 {view.title}",
        query=view.list_query,
        list_name=view.list_name,
    )


def detail_call(view: Any) -> Call:
    """One row of a ReadOnlyViewSet."""
    return Call(
        f"Show one {view.title}",
        answer=view.serializer_class,
        example_answer=view.example,
        message=f"The {view.title}",
    )


def error_response(status: int) -> Fragment:
    words, path, code, message = REFUSALS[status]
    example = {
        "success": False,
        "message": f"{path}: {message}".removeprefix(": "),
        "data": None,
        "errors": [{"field": path, "code": code, "message": message}],
        "request_id": "0f8fad5bd9cb469fa16570867728950e",
    }
    content = {
        "schema": {"$ref": "#/components/schemas/Failure"},
        "examples": {"example": {"value": example}},
    }
    waiting = {"Retry-After": RETRY_AFTER} if status in WAITING else {}
    headers = {REQUEST_ID: TRACE, **waiting}
    return {"description": words, "headers": headers, "content": {JSON: content}}


def complete(result: Fragment, generator: Any, request: Any, public: bool) -> Fragment:  # noqa: FBT001 - drf-spectacular calls it so
    """Add the shared components; a post-processing hook in the settings."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Failure"] = FAILURE_SCHEMA
    components["securitySchemes"] = SECURITY_SCHEMES
    return result
