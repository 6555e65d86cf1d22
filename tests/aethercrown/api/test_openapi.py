"""The OpenAPI document, over views of odd shapes."""

import pytest

from aethercrown.api import openapi
from tests.aethercrown import documents

URLS = "tests.aethercrown.odd_urls"
pytestmark = pytest.mark.urls(URLS)


@pytest.fixture(scope="module")
def made():
    return documents.generated(URLS)


@pytest.fixture
def document(made):
    return made[0]


def operation(document, path, method="post"):
    return document["paths"][f"/api/v1/{path}"][method]


def answer(document, path, method="post", code="200"):
    return operation(document, path, method)["responses"][code]["content"]["application/json"]


def test_a_call_without_words_is_complained_of(made):
    document, complaints = made
    assert len(complaints) == 3
    assert any("Undocumented.get lacks @documented" in each for each in complaints)
    assert set(operation(document, "undocumented", "get")["responses"]) == set(
        map(str, openapi.REFUSALS)
    )


def test_the_answer_stands_in_the_envelope(document):
    schema = answer(document, "checked")["schema"]
    assert schema["required"] == ["success", "message", "data"]
    assert schema["properties"]["data"] == {"$ref": "#/components/schemas/Shape"}
    assert answer(document, "effect", code="201")["schema"]["properties"]["data"] == {
        "type": "null"
    }


def test_a_list_stands_under_its_name_beside_its_links(document):
    data = answer(document, "replies", "get")["schema"]["properties"]["data"]
    assert data["required"] == ["replies", "next", "previous"]
    names = [each["name"] for each in operation(document, "replies", "get")["parameters"]]
    assert names == ["cursor", "limit"]
    assert operation(document, "replies", "get")["summary"] == "List the replies"


def test_one_row_is_shown_as_it_is(document):
    data = answer(document, "replies/{id}", "get")["schema"]["properties"]["data"]
    assert data == {"$ref": "#/components/schemas/Reply"}
    row = operation(document, "replies/{id}", "get")
    assert row["parameters"][0]["schema"]["type"] == "integer"
    assert row["operationId"] == "get_replies_by_id"


def test_every_refusal_is_described(document):
    for each in documents.operations(document):
        for code in openapi.REFUSALS:
            content = each.content["responses"][str(code)]["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Failure"}
        assert "Retry-After" in each.content["responses"]["429"]["headers"]


def test_every_post_takes_an_idempotency_key(document):
    for each in documents.operations(document):
        names = [parameter["name"] for parameter in each.content.get("parameters", [])]
        assert ("Idempotency-Key" in names) == (each.method == "post")


def test_a_query_and_a_path_are_described(document):
    parameters = operation(document, "effect/{name}")["parameters"]
    assert [(each["name"], each["in"]) for each in parameters] == [
        ("name", "path"),
        ("status", "query"),
        ("Idempotency-Key", "header"),
    ]


def test_the_limits_of_a_body_are_described(document):
    shape = document["components"]["schemas"]["ShapeRequest"]["properties"]
    assert shape["rows"]["maxItems"] == 3
    assert shape["limits"]["maxProperties"] == 2
    assert shape["who"]["type"] == ["string", "integer"]
    assert shape["facts"]["additionalProperties"]["type"] == [
        "number",
        "string",
        "boolean",
        "null",
    ]
    assert shape["total"]["minimum"] == 1
    assert shape["tone"]["enum"] == ["warm", "dry"]


def test_a_key_or_a_session_opens_a_call(document):
    assert operation(document, "checked")["security"] == openapi.SECURITY
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header", "session"}
    assert operation(document, "checked")["tags"] == ["optimization"]


def test_the_words_come_from_the_method(document):
    assert operation(document, "checked")["summary"] == "Check a shape"
    assert operation(document, "checked")["description"] == "Takes anything of that shape."


def test_a_missing_or_wrong_example_is_found(document):
    bare = [
        "POST /api/v1/bare, answer 200: no example",
        "POST /api/v1/bare, request: no example",
    ]
    assert documents.faults_of_examples(document) == bare
    content = answer(document, "replies", "get")
    kept = content["examples"]
    content["examples"] = {"example": {"value": {"success": True}}}
    try:
        assert len(documents.faults_of_examples(document)) == len(bare) + 2
    finally:
        content["examples"] = kept
