from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from django.utils.http import http_date

from aethercrown.http import headers
from security.apikeys import services

pytestmark = pytest.mark.django_db


def policy(reply):
    parts = (part.split(" ", 1) for part in reply["Content-Security-Policy"].split("; "))
    return {name: set(rest[0].split()) if rest else set() for name, *rest in parts}


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.mark.parametrize(
    "path", ["/login", "/no-such-page", "/healthz", "/api/v1/docs", "/static/x"]
)
def test_the_policy_outside_the_admin_is_strict(client, path):
    found = policy(client.get(path))
    assert found["default-src"] == {"'none'"}
    for name in ("base-uri", "object-src", "frame-ancestors"):
        assert found[name] == {"'none'"}
    assert not {word for words in found.values() for word in words} & {
        "'unsafe-inline'",
        "'unsafe-eval'",
        "*",
        "https:",
    }


def test_the_admin_loosens_only_what_its_theme_needs(client):
    inside, outside = policy(client.get("/admin/login/")), policy(client.get("/login"))
    assert inside["script-src"] == {"'self'", "'unsafe-eval'"}
    assert inside["style-src"] == {"'self'", "'unsafe-inline'"}
    same = set(inside) - {"script-src", "style-src"}
    assert {name: inside[name] for name in same} == {name: outside[name] for name in same}


@pytest.mark.parametrize("path", ["/administration", "/api/admin/", "/x/admin/"])
def test_a_path_that_only_looks_like_the_admin_stays_strict(client, path):
    assert "'unsafe-eval'" not in policy(client.get(path))["script-src"]


@pytest.mark.parametrize("path", ["/login", "/admin/login/", "/no-such-page", "/api/v1/schema"])
def test_every_answer_is_private_and_fenced(client, path):
    reply = client.get(path)
    assert "no-store" in reply["Cache-Control"]
    assert reply["Cross-Origin-Opener-Policy"] == "same-origin"
    assert reply["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in reply["Permissions-Policy"]
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["X-Frame-Options"] == "DENY"
    assert reply["Referrer-Policy"] == "same-origin"


def test_what_a_view_says_itself_stays():
    def view(request):
        return HttpResponse(headers={"Cache-Control": "max-age=60"})

    reply = headers.SecurityHeaders(view)(RequestFactory().get("/"))
    assert reply["Cache-Control"] == "max-age=60"


def test_a_retiring_key_is_told_since_when_it_is_old_and_until_when_it_works(client):
    now = timezone.now()
    old = services.create("shop", ["all"])
    services.rotate(old.key.pk, timedelta(hours=1), now=now)
    reply = client.get("/api/v1/schema", headers={"X-API-Key": old.plaintext})
    assert reply["Deprecation"] == f"@{int(now.timestamp())}"
    assert reply["Sunset"] == http_date(int((now + timedelta(hours=1)).timestamp()))
