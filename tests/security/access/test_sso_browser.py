"""Single sign-on walked in a real browser, with a provider over TLS: in, other roles, out."""

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from security.access.models import User
from security.access.openid.provider_client import client_for
from tests.browser import programs
from tests.security.access import identity_provider as fake

FOUND = programs()
PHRASE = "a long enough phrase"
ROLES = {"ops": ("operator",), "readers": ("viewer",)}
CLICK = "document.querySelector(arguments[0]).click();"
FILL = """
document.querySelector('input[name=username]').value = arguments[0];
document.querySelector('input[name=password]').value = arguments[1];
document.querySelector('form .button').click();
"""
pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.once,
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with fake.running(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture
def provider(running, settings, own_buckets):
    running.reset()
    client_for.cache_clear()
    settings.SECURE_SSL_REDIRECT = False
    settings.SECOND_FACTOR_REQUIRED = True
    settings.OIDC_PROVIDER, settings.OIDC_ROLES = running.settings, ROLES
    settings.OIDC_PASSWORDS = False
    return running


@pytest.fixture
def site(live_server, window, provider):
    window.devtools("Network.clearBrowserCookies", {})
    window.devtools("Security.setIgnoreCertificateErrors", {"ignore": True})
    window.resize(1280, 844)
    yield str(live_server.url)
    window.devtools("Security.setIgnoreCertificateErrors", {"ignore": False})


def where(window, *expected):
    """Wait until one of the paths is open; it."""
    for _ in range(200):
        if (path := window.run("return location.pathname")) in expected:
            return path
        window.run("return new Promise(done => setTimeout(done, 50))")
    raise AssertionError(f"{path}: {window.run('return document.body.innerText')}")


def through_the_provider(window, site, start="/login?next=/dashboards/keys"):
    window.visit(f"{site}{start}")
    window.run(CLICK, 'a[href^="/login/sso"]')
    where(window, "/realm/authorize")
    window.console_problems()
    window.run(CLICK, "a")


def roles_of(name):
    return sorted(User.objects.get(username=name).groups.values_list("name", flat=True))


def test_a_person_comes_in_gets_other_roles_and_is_kept_out(site, window, provider):
    provider.claims = {
        "sub": "anna-1", "groups": ["ops"], "preferred_username": "anna",
        "email": "anna@example.org", "email_verified": True,
    }  # fmt: skip
    through_the_provider(window, site)
    where(window, "/dashboards/keys")
    assert window.console_problems() == []
    assert roles_of("anna") == ["operator"]
    window.devtools("Network.clearBrowserCookies", {})
    provider.claims["groups"] = ["readers"]
    through_the_provider(window, site)
    where(window, "/dashboards/keys")
    assert roles_of("anna") == ["viewer"]
    window.devtools("Network.clearBrowserCookies", {})
    provider.claims["groups"] = ["nobody knows it"]
    through_the_provider(window, site)
    where(window, "/login/sso/callback")
    assert "role" in window.run("return document.body.innerText").lower()
    assert not [each for each in Session.objects.all() if SESSION_KEY in each.get_decoded()]


def test_the_password_of_a_linked_person_opens_nothing_and_a_superusers_does(
    site, window, provider
):
    anna = User.objects.create_user("anna", "anna@example.org", PHRASE)
    User.objects.create_superuser("boss", "boss@example.org", PHRASE)
    provider.claims = {
        "sub": "anna-1", "groups": ["readers"], "email": "anna@example.org", "email_verified": True
    }  # fmt: skip
    through_the_provider(window, site)
    where(window, "/dashboards/keys")
    assert User.objects.filter(socialaccount__uid="anna-1").get() == anna
    window.devtools("Network.clearBrowserCookies", {})
    anna.refresh_from_db()
    anna.set_password(PHRASE)
    anna.save()
    window.visit(f"{site}/login")
    window.run(FILL, "anna", PHRASE)
    where(window, "/login")
    window.run("return new Promise(done => setTimeout(done, 300))")
    assert window.run("return document.querySelectorAll('input[name=password]').length") == 1
    window.visit(f"{site}/login")
    window.run(FILL, "boss", PHRASE)
    where(window, "/account/2fa/")
