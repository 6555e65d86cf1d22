"""Unsubscribing by the signed link of a mail: one click, no login, nothing by a GET."""

import pytest
from django.utils import timezone

from operations.messaging import reports, services
from operations.messaging.services.addresses import unsubscribe_path

pytestmark = pytest.mark.django_db
ADA = "ada@example.org"


@pytest.fixture
def path():
    return unsubscribe_path(services.give_consent(ADA, source="form", now=timezone.now()))


def consent() -> str:
    return str(reports.address_states([ADA])[ADA]["consent"])


def test_a_scanner_that_follows_the_link_changes_nothing(client, path):
    for method in (client.get, client.head):
        assert method(path).status_code == 200
    assert "Unsubscribe" in client.get(path).text
    assert consent() == "given"


def test_one_click_needs_no_cookie_and_no_login_and_may_come_twice(client, path):
    for _again in range(2):
        answer = client.post(path, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert not answer.cookies
    assert consent() == "withdrawn"


@pytest.mark.parametrize("change", [lambda path: f"{path}x", lambda _: "/unsubscribe/x"])
def test_another_link_is_no_page(client, path, change):
    assert client.get(change(path)).status_code == 404
    assert client.post(change(path)).status_code == 404
    assert consent() == "given"
