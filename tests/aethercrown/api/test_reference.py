"""The API's own reference, of the calls that the product really has."""

import time

import pytest
from drf_spectacular.validation import validate_schema

from aethercrown.api import reference
from tests.aethercrown import documents
from tests.browser import browsing, external, programs

SCHEMA, DOCS = "/api/v1/schema", "/api/v1/docs"
CALL = '.opblock-post:has([data-path="/api/v1/enterprise/onboarding/create"])'
TRY_IT_OUT = (
    f"{CALL} .opblock-summary-description",
    f"{CALL} .try-out__btn",
    f"{CALL} .execute",
)


@pytest.fixture(scope="module")
def made():
    return documents.generated()


def test_the_generator_has_nothing_to_complain_of(made):
    assert made[1] == []


def test_it_is_a_valid_document_of_version_3_1(made):
    assert made[0]["openapi"] == "3.1.0"
    validate_schema(made[0])


def test_every_call_has_examples_that_fit(made):
    assert documents.faults_of_examples(made[0]) == []


def test_every_call_has_words(made):
    silent = [
        str(each)
        for each in documents.operations(made[0])
        if not each.content.get("summary") or not each.content.get("description")
    ]
    assert silent == []


def test_no_two_calls_share_an_id(made):
    ids = [each.content["operationId"] for each in documents.operations(made[0])]
    assert len(ids) == len(set(ids))


@pytest.mark.django_db
def test_a_key_opens_the_document(caller):
    answer = caller.get(SCHEMA)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == reference.document()


@pytest.mark.django_db
@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_a_stranger_sees_neither(stranger, client, path):
    assert stranger.get(path).status_code == 401


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_a_staff_session_opens_both(admin_client, path):
    assert admin_client.get(path).status_code == 200


@pytest.mark.django_db
def test_the_page_keeps_the_strict_policy(caller):
    answer = caller.get(DOCS)
    policy = answer["Content-Security-Policy"]
    nonce = answer.content.decode().split('nonce="')[1].split('"')[0]
    assert f"'nonce-{nonce}'" in policy
    assert "unsafe" not in policy


def text_of(browser, selector):
    """What the first element of that kind says, once it is there; nothing after ten seconds."""
    for _ in range(100):
        text = browser.run(
            "return document.querySelector(arguments[0])?.innerText.trim()", selector
        )
        if text:
            return text
        time.sleep(0.1)
    return ""


def click(browser, selector):
    assert text_of(browser, selector), f"there is no {selector}"
    browser.run("document.querySelector(arguments[0]).click()", selector)


@pytest.mark.skipif(programs() is None, reason="needs Chromium and chromedriver")
@pytest.mark.once
def test_the_page_works_in_a_browser_without_a_complaint(live_server, admin_client):
    found = programs()
    assert found
    with browsing(found) as browser:
        browser.sign_in(live_server.url, "session", admin_client.cookies["session"].value)
        browser.visit(f"{live_server.url}{DOCS}")
        for selector in TRY_IT_OUT:
            click(browser, selector)
        status = text_of(browser, ".live-responses-table .response .response-col_status")
        assert status in {"200", "201", "202"}
        assert browser.console_problems() == []
        assert external(browser.requests()) == []
