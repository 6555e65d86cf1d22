"""A few made-up calls on each commit; `python -m tests.faults` makes 50,000."""

from types import SimpleNamespace

import pytest

from security.apikeys import services as keys
from tests import fuzzing


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
def test_the_examples_of_every_call_are_answered_as_the_schema_says(settings):
    fuzzing.without_rate_limits(settings)
    key = keys.create("a fuzzer", ["all"]).plaintext
    found = fuzzing.fuzz(key, phases=("examples",), examples=1)
    assert not found.wrong, found.report()
    assert found.calls >= len(found.operations) > 0


def answer(status, content, **headers):
    headers = headers or {"x-request-id": ["an-id"]}
    return SimpleNamespace(status_code=status, content=content.encode(), headers=headers)


REFUSAL = '{"success": false, "message": "m", "data": null, "errors": [%s]}'


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (answer(200, '{"success": true, "message": "m", "data": 1}'), None),
        (answer(200, '{"success": false, "message": "m", "data": 1}'), "200 without success"),
        (answer(200, '{"data": 1}'), "200 has no envelope"),
        (answer(200, "<html>"), "200 is no JSON"),
        (answer(400, REFUSAL % '{"field": "a", "code": "c", "message": "m"}'), None),
        (answer(400, REFUSAL % '{"field": "", "code": "parse_error", "message": "m"}'), None),
        (
            answer(400, REFUSAL % '{"field": "", "code": "c", "message": "m"}'),
            "400 names no field: c",
        ),
        (answer(409, REFUSAL % ""), "409 lists no errors"),
        (answer(409, '{"success": true, "message": "m", "data": 1}'), "409 is no refusal"),
        (answer(404, REFUSAL % '{"field": ""}', **{"x-other": ["y"]}), "no X-Request-ID"),
    ],
)
def test_what_must_hold_of_every_answer_is_seen(given, problem):
    assert (problem in fuzzing.kept(given)) if problem else not list(fuzzing.kept(given))
