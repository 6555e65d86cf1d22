"""The public status page: off by default, at a signed address, with what is published alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from operations.health.models import Component
from operations.health.reports import status_page
from operations.health.services import record
from tests.dashboards.health.test_views import BAD, GOOD

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(settings):
    settings.STATUS_PAGE = "2026"
    return status_page.path()


def component(name, **values):
    return Component.objects.create(name=name, target="https://x.example.com/?token=abc", **values)


def test_it_is_off_until_it_is_set_and_another_text_ends_the_old_address(client, page, settings):
    assert status_page.path() == ""
    assert "What is published" not in page.get("/dashboards/health").content.decode()
    settings.STATUS_PAGE = "2026"
    first = status_page.path()
    assert client.get(first).status_code == 200
    assert first in page.get("/dashboards/health").content.decode()
    settings.STATUS_PAGE = "2026-b"
    assert client.get(first).status_code == 404
    settings.STATUS_PAGE = ""
    assert client.get(first).status_code == 404
    assert client.get("/status/x").status_code == 404


def test_a_stranger_sees_what_is_published_and_nothing_else(client, address):
    shop = component("Shop", is_public=True)
    component("Ledger", state="down")
    component("Old", is_public=True, is_enabled=False)
    begin = timezone.now() - timedelta(minutes=5)
    for place, seen in enumerate([GOOD, BAD, BAD, BAD]):
        record.record_all({shop.pk: seen}, begin + place * timedelta(minutes=1))
    answer = client.get(address)
    text = answer.content.decode()
    assert "0 of 1 work" in text
    assert "does not work" in text
    assert "and still down" in text
    for hidden in ("Ledger", "Old", "token=abc", "example.com", "refused", "/dashboards", "/admin"):
        assert hidden not in text
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Cache-Control"] == "public, max-age=30"
    assert not answer.cookies
    assert client.post(address).status_code == 405


def test_an_answer_with_a_cookie_is_kept_by_no_cache(page, address):
    """Else a cache in front of the site would give one person's session to everybody."""
    session = page.session
    session["seen"] -= 120  # so that this request stores the last use, and sends the cookie
    session.save()
    answer = page.get(address)
    assert answer.status_code == 200
    assert answer.cookies
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"state": "up", "status": "healthy"}, "works"),
        ({"state": "up", "status": "unhealthy"}, "works"),  # one failure is no outage
        ({"state": "up", "status": "degraded", "is_slow": True}, "slow"),
        ({"state": "up", "status": "degraded"}, "works"),  # its certificate ends soon
        ({"state": "down", "status": "unhealthy"}, "does not work"),
        ({"state": "up", "status": "unknown"}, "not known"),
        ({"state": "unknown", "status": "not_looked_at"}, "not known"),
        ({"state": "unknown", "status": "off"}, "not known"),
    ],
)
def test_a_status_is_in_plain_words(values, word):
    assert status_page.status(component("x", **values), timezone.now()) == word


def test_what_is_not_known_or_in_maintenance_is_in_neither_number():
    now = timezone.now()
    component("a", is_public=True, state="up", status="healthy")
    component("b", is_public=True, state="up", status="degraded", is_slow=True)
    component("c", is_public=True)
    component("d", is_public=True, state="down", maintenance_until=now + timedelta(hours=1))
    found = status_page.published(now)
    assert [each.name for each in found] == ["b", "d", "c", "a"]
    assert status_page.summary(found) == "2 of 2 work, 1 slow, 1 in maintenance, 1 not known"
    assert status_page.summary([]) == "Nothing is known at the moment"


def test_before_anything_is_published_the_page_says_so(client, address):
    assert "Nothing is published yet." in client.get(address).content.decode()
