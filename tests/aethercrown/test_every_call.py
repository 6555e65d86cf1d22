"""What holds for every call that the product has, now and later: a walk over all of them."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aethercrown.api.body_limits import MAX_BODY_BYTES
from aethercrown.api.endpoint import Endpoint
from aethercrown.api.reference import Docs, Schema
from tests.aethercrown import documents
from tests.aethercrown.documents import Fragment, Operation

DOCUMENT, _ = documents.generated()
EVERY = list(documents.operations(DOCUMENT))
WRITES = [each for each in EVERY if each.method != "get"]
BODIES = [each for each in WRITES if documents.request_schema(each)]
AREAS = ("content", "optimization")
EXAMPLES = max(30, 400 // len(BODIES))  # bodies made up for each call
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patient(settings):
    settings.API_BURST = 1_000_000


def filled(operation: Operation) -> str:
    """The path with ids that nothing has."""
    path = operation.path
    for each in operation.content.get("parameters", []):
        if each["in"] == "path":
            whole = each["schema"].get("type") == "integer"
            path = path.replace(f"{{{each['name']}}}", "987654321" if whole else "no-such-id")
    return path


def refused(answer: Any, *statuses: int) -> None:
    content = answer.json()
    assert answer.status_code in statuses, content
    assert content["success"] is False
    assert content["data"] is None
    assert content["errors"]
    assert content["message"]
    assert content["request_id"] == answer["X-Request-ID"]


def patterns(resolver: URLResolver, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for each in resolver.url_patterns:
        path = prefix + str(each.pattern)
        found += patterns(each, path) if isinstance(each, URLResolver) else [(path, each)]
    return found


def faults(calls: Iterable[Any], check: Callable[[Any], None]) -> dict[str, str]:
    """What `check` finds wrong, by call: one test walks over all of them with one key."""
    found = {}
    for each in calls:
        try:
            check(each)
        except AssertionError as error:
            found[str(each)] = str(error)
    return found


def test_every_view_is_an_endpoint_that_names_its_scope():
    def names_it(found):
        path, pattern = found
        view = pattern.callback.cls
        assert issubclass(view, Endpoint)
        assert view in {Schema, Docs} or view.area or view.scopes
        assert not path.endswith("/")

    views = [each for each in patterns(get_resolver()) if each[0].startswith("api/")]
    assert len(views) > 50
    assert faults(views, names_it) == {}


def test_a_stranger_is_turned_away(stranger):
    def turned_away(operation):
        refused(stranger.generic(operation.method.upper(), filled(operation)), 401)

    assert faults(EVERY, turned_away) == {}


def test_a_key_of_another_area_is_turned_away(make_caller):
    callers = {each: make_caller(f"{each}:read", f"{each}:write") for each in AREAS}

    def turned_away(operation):
        other = "content" if "optimization" in operation.path else "optimization"
        refused(callers[other].generic(operation.method.upper(), filled(operation)), 403)

    assert faults(EVERY, turned_away) == {}


def test_a_wrong_method_is_refused(caller):
    def is_refused(operation):
        known = DOCUMENT["paths"][operation.path]
        wrong = next(each for each in ("delete", "put", "get") if each not in known)
        refused(caller.generic(wrong.upper(), filled(operation)), 405)

    assert faults(EVERY, is_refused) == {}


def test_an_unknown_query_name_is_refused(caller):
    def is_refused(operation):
        method, path = operation.method.upper(), filled(operation)
        answer = caller.generic(method, f"{path}?no_such_name=1", "{}", "application/json")
        refused(answer, 400)
        assert [each["field"] for each in answer.json()["errors"]] == ["no_such_name"]

    assert faults(EVERY, is_refused) == {}


def test_the_path_with_a_slash_is_nothing(caller):
    def is_nothing(operation):
        refused(caller.generic(operation.method.upper(), f"{filled(operation)}/"), 404)

    assert faults(EVERY, is_nothing) == {}


BAD_BODIES = {
    "cut": ("{", "application/json", 400),
    "nan": ('{"a": NaN}', "application/json", 400),
    "huge": ('{"a": 1e999}', "application/json", 400),
    "null": ('{"a": "\\u0000"}', "application/json", 400),
    "deep": ('{"a":' * 30 + "1" + "}" * 30, "application/json", 400),
    "list": ("[1, 2]", "application/json", 400),
    "bytes": (b"\xff\xfe", "application/json", 400),
    "text": ("a=1", "text/plain", 415),
    "xml": ("<a/>", "application/xml", 415),
    "large": (b" " * (MAX_BODY_BYTES + 1), "application/json", 413),
}
# All of them on the first two calls, and one on each other: one parser serves every call.
SENT = [
    (operation, name)
    for place, operation in enumerate(WRITES)
    for name in (BAD_BODIES if place < 2 else [[*BAD_BODIES][place % len(BAD_BODIES)]])
]


def test_a_bad_body_is_the_callers_mistake(caller):
    def is_refused(sent):
        operation, name = sent
        body, kind, status = BAD_BODIES[name]
        refused(caller.send(filled(operation), body, content_type=kind), status)

    assert faults(SENT, is_refused) == {}


def test_an_unknown_id_is_missing(caller):
    def is_missing(operation):
        body = documents.request_schema(operation)
        example = documents.example(body) if body else {}
        method, text = operation.method.upper(), documents.dumped(example)
        refused(caller.generic(method, filled(operation), text, "application/json"), 404)

    assert faults([each for each in EVERY if "{" in each.path], is_missing) == {}


def fitting(schema: Fragment, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema of the document, with something else here and there."""
    if "$ref" in schema:
        return fitting(DOCUMENT["components"]["schemas"][schema["$ref"].split("/")[-1]], depth)
    if "allOf" in schema:
        return fitting(schema["allOf"][0], depth)
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | ODD
    kinds = schema.get("type", "object")
    known = [
        KINDS[each](schema, depth + 1) for each in ([kinds] if isinstance(kinds, str) else kinds)
    ]
    return st.one_of(*known, *known, *known, ODD)


def an_object(schema: Fragment, depth: int) -> st.SearchStrategy[Any]:
    if free := schema.get("additionalProperties"):
        names = st.sampled_from(["search", "social", "Ünïcode", ""])
        inner = fitting(free, depth) if isinstance(free, dict) else ODD
        return st.dictionaries(names, inner, max_size=3)
    inside = {name: fitting(each, depth) for name, each in schema.get("properties", {}).items()}
    needed = {name: inside[name] for name in schema.get("required", [])}
    return st.fixed_dictionaries(
        needed, optional={name: each for name, each in inside.items() if name not in needed}
    )


def a_list(schema: Fragment, depth: int) -> st.SearchStrategy[Any]:
    return st.lists(fitting(schema["items"], depth), max_size=6)


def a_string(schema: Fragment, _depth: int) -> st.SearchStrategy[Any]:
    by_format = {"date": st.dates().map(str), "date-time": st.datetimes().map(lambda t: f"{t}Z")}
    words = st.sampled_from(["search", "social", "USD", "EUR", "a" * 300]) | st.text(max_size=9)
    return by_format.get(schema.get("format", ""), words)


numbers = st.floats(-10, 1e6) | st.floats(allow_nan=False, allow_infinity=False)
cents = st.integers(0, 10**8).map(lambda each: each / 100)
KINDS: dict[str, Any] = {
    "object": an_object,
    "array": a_list,
    "string": a_string,
    "number": lambda _schema, _depth: cents | numbers,
    "integer": lambda _schema, _depth: st.integers(0, 50) | st.integers(-(10**20), 10**20),
    "boolean": lambda _schema, _depth: st.booleans(),
    "null": lambda _schema, _depth: st.none(),
}
ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.none())


@pytest.mark.parametrize("operation", BODIES, ids=str)
def test_no_body_whatever_is_our_failure(operation, caller):
    schema = (documents.request_schema(operation) or {})["schema"]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(fitting(schema))
    def answers_in_the_envelope(body):
        answer = caller.send(filled(operation), documents.dumped(body))
        content = answer.json()
        assert answer.status_code < 500, content
        assert content["success"] == (answer.status_code < 300)

    answers_in_the_envelope()
