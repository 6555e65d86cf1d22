"""What a caller is told when something is refused."""

import sqlite3

import pytest
from django.db import OperationalError

from aethercrown.api import errors as failures

pytestmark = [pytest.mark.urls("tests.aethercrown.odd_urls"), pytest.mark.django_db]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("conflict", 409, "conflict"),
        ("forbidden", 403, "permission_denied"),
        ("missing", 404, "not_found"),
        ("suspicious", 400, "parse_error"),
        ("too-big", 413, "too_large"),
        ("invalid", 400, "invalid"),
        ("data", 400, "parse_error"),
        ("database", 503, "unavailable"),
        ("connection", 503, "unavailable"),
        ("broker", 503, "unavailable"),
        ("redis", 503, "unavailable"),
        ("bug", 500, "server_error"),
        ("throttled", 429, "throttled"),
    ],
)
def test_every_error_stands_in_the_envelope(caller, name, status, code):
    answer = caller.get(f"/api/v1/raising/{name}", headers={"X-Request-ID": "my-id"})

    content = answer.json()
    assert answer.status_code == status
    assert content["success"] is False
    assert content["data"] is None
    assert content["errors"][0]["code"] == code
    assert content["request_id"] == answer["X-Request-ID"] == "my-id"
    assert content["errors"][0]["message"] in content["message"]
    assert ("Retry-After" in answer) == (status in {429, 503})


def test_a_bug_tells_nothing_of_itself(caller):
    answer = caller.get("/api/v1/raising/bug")
    assert "hunter2" not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


def test_an_answer_that_cannot_be_rendered_is_a_failure_in_the_envelope(caller):
    answer = caller.get("/api/v1/nan")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (500, "server_error")


def test_the_wait_is_whole_seconds_rounded_up(caller):
    assert caller.get("/api/v1/raising/throttled")["Retry-After"] == "3"


def test_a_wrong_method_names_the_right_ones(caller):
    answer = caller.delete("/api/v1/checked")
    assert answer.status_code == 405
    assert answer.json()["errors"][0]["code"] == "method_not_allowed"
    assert answer["Allow"] == "POST"
    assert caller.options("/api/v1/checked").status_code == 405


def test_a_stranger_is_told_how_to_sign_in(stranger):
    answer = stranger.get("/api/v1/nan")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["errors"][0]["code"] == "not_authenticated"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/checked/", "/api/"])
def test_an_unknown_path_under_api_answers_in_the_envelope(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"] == "not_found"


def test_an_unknown_page_is_a_page(stranger):
    answer = stranger.get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_a_strange_host_is_refused_in_the_envelope(stranger):
    answer = stranger.get("/api/v1/checked", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "bad_request"
    page = stranger.get("/", headers={"Host": "evil.example"})
    assert page["Content-Type"].startswith("text/html")


def test_an_outage_met_outside_a_view_is_no_bug(stranger):
    for path in ("/api/v1/broken", "/broken"):
        answer = stranger.get(path)
        assert answer.status_code == 503
        assert answer["Retry-After"] == "5"


def test_forbidden_outside_a_view_stands_in_the_envelope(stranger):
    answer = stranger.get("/api/v1/forbidden")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "permission_denied")


def test_every_bad_field_is_listed_at_once_with_its_path(caller):
    body = {
        "total": "10",
        "rows": [{"channel": "a", "spend": 1}, {"spend": -1, "on": "2026-02-30"}, 7],
        "limits": {"search": "x"},
    }
    errors = caller.send("/api/v1/checked", body).json()["errors"]

    assert {(each["field"], each["code"]) for each in errors} == {
        ("total", "not_a_number"),
        ("rows[1].channel", "required"),
        ("rows[1].spend", "min_value"),
        ("rows[1].on", "not_a_date"),
        ("rows[2]", "invalid"),
        ("limits.search", "not_a_number"),
    }


def test_the_message_speaks_of_the_first_and_counts_the_rest():
    entries = ({"field": f"rows[{n}]", "code": "x", "message": "is bad"} for n in range(1_500))
    content = failures.body(entries)

    assert content["message"].startswith("rows[0]: is bad; rows[1]: is bad;")
    assert content["message"].endswith("; and 1,495 more")
    assert len(content["errors"]) == 1_001
    assert content["errors"][-1]["message"] == "and 500 more"


def test_a_few_errors_are_all_spoken():
    entries = [{"field": "", "code": "x", "message": "is bad"}] * failures.MAX_IN_MESSAGE
    assert failures.body(entries)["message"] == "; ".join(["is bad"] * failures.MAX_IN_MESSAGE)


def test_a_long_or_strange_name_is_cut_in_a_path():
    assert failures.joined("a", "b" * 500) == "a." + "b" * failures.MAX_NAME_LENGTH
    assert failures.joined("", "\ud800") == "?"
    assert failures.joined("a", 3) == "a[3]"


def test_nested_lists_of_errors_keep_their_places():
    detail = {"message": "is bad", "code": "x"}
    assert list(failures.listed([[[detail]]])) == [{"field": "[0][0]", **detail}]
    assert list(failures.listed([{}, {"a": [detail]}])) == [{"field": "[1].a", **detail}]


def test_a_wrong_query_on_sqlite_is_a_bug_and_a_busy_file_an_outage():
    connection = sqlite3.connect(":memory:")
    error = OperationalError()
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("SELECT * FROM nothing")
    connection.close()
    error.__cause__ = caught.value
    assert not failures.is_outage(error)

    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorname = "SQLITE_BUSY_SNAPSHOT"
    error.__cause__ = busy
    assert failures.is_outage(error)
