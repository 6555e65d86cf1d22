"""What clients rely on: the calls of `contract.txt`, with the names of their bodies and answers.

A call that is not built yet has no test; once its path answers, it must keep every name.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from security.apikeys import services as keys
from tests.aethercrown import documents
from tests.aethercrown.documents import Fragment, Operation
from tests.callers import Caller

DOCUMENT, _ = documents.generated()


class Promise(NamedTuple):
    method: str
    path: str
    body: tuple[str, ...]
    answer: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@pytest.fixture
def caller(db: None) -> Caller:
    return Caller(keys.create("a client", ["all"]).plaintext)


def promises() -> Iterator[Promise]:
    for line in (Path(__file__).parent / "contract.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            call, body, answer = line.split("|")
            method, path = call.split()
            yield Promise(method, path, tuple(body.split()), tuple(answer.split()))


def anonymous(path: str) -> str:
    """A path without the names of its ids."""
    return re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v1/"))


BUILT = {
    (each.method.upper(), anonymous(each.path)): each for each in documents.operations(DOCUMENT)
}
KEPT = [each for each in promises() if each[:2] in BUILT]
every = pytest.mark.parametrize("promise", KEPT, ids=str)


def built(promise: Promise) -> Operation:
    return BUILT[promise.method, promise.path]


def resolved(schema: Fragment) -> Fragment:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return resolved(DOCUMENT["components"]["schemas"][name])
    for many in ("allOf", "oneOf", "anyOf"):
        if many in schema:
            return resolved(schema[many][0])
    return resolved(schema["items"]) if "items" in schema else schema


def test_no_component_says_request_twice() -> None:
    names = DOCUMENT["components"]["schemas"]
    assert not [name for name in names if name.count("Request") > 1]


def takes(schema: Fragment, names: list[str]) -> bool:
    """Does a schema have a property of that path?"""
    if not names:
        return True
    properties = resolved(schema).get("properties", {})
    return names[0] in properties and takes(properties[names[0]], names[1:])


def gives(value: Any, names: list[str]) -> bool:
    """Does a value have something at that path? An empty list has all that its items would."""
    if not names:
        return True
    if isinstance(value, list):
        return all(gives(each, names) for each in value)
    if not isinstance(value, dict):
        return False
    if names[0] == "*":
        return all(gives(each, names[1:]) for each in value.values())
    return names[0] in value and gives(value[names[0]], names[1:])


def lacking(value: Any, promise: Promise) -> list[str]:
    return [each for each in promise.answer if not gives(value, each.split("."))]


def test_every_call_is_promised_once():
    calls = [str(each) for each in promises()]
    assert len(calls) == len(set(calls)) == 51


@every
def test_the_body_takes_every_name(promise):
    operation = built(promise)
    body = documents.request_schema(operation)
    schema = body["schema"] if body else {}
    assert [each for each in promise.body if not takes(schema, each.split("."))] == []


@every
def test_the_example_has_every_name(promise):
    code, answer = next(iter(built(promise).content["responses"].items()))
    assert code.startswith("2")
    assert lacking(documents.example(answer["content"]["application/json"])["data"], promise) == []


@pytest.mark.parametrize("promise", [each for each in KEPT if "{" not in each.path], ids=str)
def test_the_call_itself_gives_every_name(promise, caller):
    operation = built(promise)
    body = documents.request_schema(operation)
    content = documents.dumped(documents.example(body) if body else {})
    answer = caller.generic(promise.method, operation.path, content, "application/json")
    assert answer.status_code in {200, 201, 202}, answer.json()
    assert lacking(answer.json()["data"], promise) == []
