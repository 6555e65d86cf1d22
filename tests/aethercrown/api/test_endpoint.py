"""The envelope, and who may call."""

import pytest

from aethercrown.api.endpoint import MAX_HINTS, unknown_names
from aethercrown.api.errors import MAX_ERRORS

pytestmark = [pytest.mark.urls("tests.aethercrown.odd_urls"), pytest.mark.django_db]


def test_a_good_call_is_answered_in_the_envelope(caller):
    body = {"total": 10, "rows": [{"channel": "search", "spend": 1.5, "on": "2026-01-31"}]}
    answer = caller.send("/api/v1/checked", body)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": "Checked", "data": body}
    assert answer["X-Request-ID"]
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", "*/*"])
def test_the_answer_is_json_whatever_is_asked_for(caller, accept):
    answer = caller.get("/api/v1/replies?format=xml", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"


def test_a_parameter_given_twice_is_refused(caller):
    answer = caller.get("/api/v1/replies?limit=1&format=a&limit=2")
    assert answer.status_code == 400
    assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [
        ("limit", "repeated")
    ]


def test_a_list_over_its_limit_names_the_limit(caller):
    rows = [{"channel": "a", "spend": 1}] * 4
    answer = caller.send("/api/v1/checked", {"total": 5, "rows": rows})
    assert answer.status_code == 413
    assert answer.json()["errors"] == [
        {
            "field": "rows",
            "code": "too_large",
            "message": "has 4 entries; at most 3 are taken",
        }
    ]


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [
        ("optimization:write", "post", 200),
        ("optimization:read", "post", 403),
        ("revenue:write", "post", 403),
    ],
)
def test_a_key_opens_what_its_scope_names(make_caller, scope, method, status):
    answer = make_caller(scope).send("/api/v1/checked", {"total": 5})
    assert answer.status_code == status


def test_a_reader_reads(make_caller):
    assert make_caller("optimization:read").get("/api/v1/replies").status_code == 200
    assert make_caller("optimization:read").head("/api/v1/replies").status_code == 200


def test_a_call_costs_one_query_for_its_credential(caller, django_assert_num_queries):
    caller.send("/api/v1/checked", {"total": 5})
    with django_assert_num_queries(1):
        caller.send("/api/v1/checked", {"total": 5})


def test_only_a_few_short_unknown_names_are_compared_with_the_known_ones():
    names = [f"{number:06}" for number in range(50_000)] + ["x" * 200]
    found = unknown_names(dict.fromkeys(names), ["scopes"])
    assert len(found) == MAX_ERRORS + 1
    assert found["non_field_errors"] == ["has 49,001 more unknown names"]
    assert sum("nearest" in str(each) for each in found.values()) == MAX_HINTS
    assert unknown_names({"scope": 1}, ["scopes"], MAX_HINTS) == {"scope": ["is not known here"]}
    assert unknown_names([{}], ["scopes"]) == {}
