"""The page of the audit."""

import pytest
from django.utils import timezone

from dashboards.audit.views import event_text, subject_text
from security.access.models import User
from security.audit import services

PAGE = "/dashboards/audit"


@pytest.fixture
def root(db, client):
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_events_are_searched_and_the_newest_signed_digest_is_named(root, settings, tmp_path):
    settings.AUDIT_ANCHORS = tmp_path
    services.record(stream="key:3", event="key.grace_ended", subject="api key 3", actor="user:bob")
    text = root.get(f"{PAGE}?events.q=grace").content.decode()
    for words in ("Key: grace ended", "api key 3", "bob", "1 event"):
        assert words in text, words
    assert "last signed" not in text
    services.anchor(timezone.now())
    assert "last signed" in root.get(PAGE).content.decode()


def test_who_may_not_see_events_has_no_page_and_no_entry(page):
    assert page.get(PAGE).status_code == 403
    assert PAGE not in page.get("/").content.decode()


def test_an_event_is_named_in_words():
    assert event_text("access.signed_in") == "Access: signed in"
    assert event_text("restored") == "Restored"
    assert event_text("apikey.revoked") == "API key: revoked"
    assert subject_text("security.apikey:1") == "API key 1"
    for other in ("api_key 3", "user 1", "a.b:1", "three.parts.here"):
        assert subject_text(other) == other.replace("_", " ")
