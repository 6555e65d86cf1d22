"""Who may see a page, and what strangers get instead."""

import pytest
from django.test import Client

from dashboards import access
from security.access.models import User

PAGES = ("/", "/dashboards/budget", "/dashboards/budget/Search", "/dashboards/decisions")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.django_db
def test_a_stranger_is_sent_to_sign_in_and_back(path):
    answer = Client().get(f"{path}?weeks=26")
    assert answer.status_code == 302
    assert answer["Location"] == f"/login?next={path}%3Fweeks%3D26"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.django_db
def test_a_person_without_a_role_is_refused(path):
    client = Client()
    client.force_login(User.objects.create_user("nobody"))
    assert client.get(path).status_code == 403


def test_a_link_opens_only_where_the_page_says_who_may_open_it(rf, admin_user):
    """Other views check for themselves: no link and no hit of the search rests on a guess."""
    request = rf.get("/")
    request.user = admin_user
    opens = {
        path: access.may_open(request, path)
        for path in (
            "/dashboards/keys?x=1",
            "/admin/",
            "/logout",
            "/metrics",
            "/api/v1/docs",
            "/no",
        )
    }
    assert [path for path, found in opens.items() if found] == ["/dashboards/keys?x=1", "/admin/"]


def test_a_page_is_only_read(page):
    assert page.post("/dashboards/decisions").status_code == 405


def test_a_page_is_never_kept_by_a_shared_cache(page):
    assert "private" in page.get("/dashboards/decisions")["Cache-Control"]


def test_pages_carry_the_strict_policy(page):
    policy = page.get("/dashboards/decisions")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
