"""The second factor with a real browser: the strict policy, an app, and a key."""

import os
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client
from django.utils import timezone

from security.access import services
from security.access.models import User
from tests.browser import Browser, programs
from tests.security.access import factors

FOUND = programs()
PHRASE = "a long enough phrase"
SIGN_IN = """
document.querySelector('input[name=username]').value = 'ada';
document.querySelector('input[name=password]').value = arguments[0];
document.querySelector('form .button').click();
"""
GIVE = """
document.querySelector('input[name=code]').value = arguments[0];
document.querySelector('form .button').click();
"""
WIDTH = "return document.documentElement.scrollWidth <= window.innerWidth"

pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.once,
]


@pytest.fixture
def site(live_server, window: Browser, settings) -> str:
    settings.SECURE_SSL_REDIRECT = False
    settings.SECOND_FACTOR_REQUIRED = True
    window.devtools("Network.clearBrowserCookies", {})
    window.resize(390, 844)
    address = str(live_server.url).replace("127.0.0.1", "localhost")  # keys are bound to a name
    window.visit(f"{address}/login")
    window.console_problems()
    return address


@pytest.fixture
def ada(site) -> User:
    return User.objects.create_superuser("ada", password=PHRASE)


def carry(window: Browser, site: str, user: User) -> None:
    """Sign in without the form."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    window.sign_in(site, name, client.cookies[name].value)


def keep(window: Browser, name: str) -> None:
    """A picture for a person to look at, where SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        (Path(folder) / f"{name}.png").write_bytes(window.screenshot())


def settled(window: Browser, path: str) -> None:
    """Wait until the page is there."""
    for _ in range(100):
        if window.run("return location.pathname") == path:
            return
        window.run("return new Promise(done => setTimeout(done, 50))")
    assert window.run("return location.pathname") == path


def test_an_app_is_enrolled_and_used_without_javascript(site, window, ada):
    window.run(SIGN_IN, PHRASE)
    settled(window, "/account/2fa/")
    window.visit(site + "/account/2fa/totp/activate/")
    secret = window.run("return document.querySelector('.code code').textContent")
    window.run(GIVE, factors.code(secret, left=5))
    settled(window, "/account/2fa/recovery-codes/")
    assert window.run("return document.querySelectorAll('.codes li').length") == 10
    window.devtools("Network.clearBrowserCookies", {})
    window.visit(site + "/login")
    window.run(SIGN_IN, PHRASE)
    settled(window, "/account/2fa/authenticate/")
    window.run(GIVE, factors.code(secret, left=5))
    settled(window, "/")
    assert window.console_problems() == []


def test_a_security_key_is_enrolled_and_used_under_the_strict_policy(site, window, ada):
    window.devtools("WebAuthn.enable", {})
    key = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False}
    more = {"hasUserVerification": True, "isUserVerified": True}
    made = window.devtools("WebAuthn.addVirtualAuthenticator", {"options": {**key, **more}})
    try:
        carry(window, site, ada)
        window.visit(site + "/account/2fa/webauthn/add/")
        window.run("document.getElementById('add-key').click()")
        settled(window, "/account/2fa/recovery-codes/")
        assert Authenticator.objects.filter(type="webauthn").count() == 1
        window.devtools("Network.clearBrowserCookies", {})
        window.visit(site + "/login")
        window.run(SIGN_IN, PHRASE)
        settled(window, "/account/2fa/authenticate/")
        window.run("document.getElementById('use-key').click()")
        settled(window, "/")
        assert window.console_problems() == []
    finally:
        window.devtools("WebAuthn.removeVirtualAuthenticator", made)
        window.devtools("WebAuthn.disable", {})


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_every_page_fits_and_breaks_no_policy(site, window, ada, width, dark):
    window.resize(width, 844, dark=dark)
    User.objects.filter(pk=ada.pk).update(is_superuser=False)
    token = services.create_setup_link(timezone.now())
    ways = {"setup": f"/setup/{token}", "setup-gone": "/setup/x", "login": "/login"}
    look(window, site, ways, f"{width}{'-dark' if dark else ''}")
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    carry(window, site, ada)
    look(window, site, BEFORE, f"{width}{'-dark' if dark else ''}")
    factors.with_app(ada)
    look(window, site, AFTER, f"{width}{'-dark' if dark else ''}")
    assert [each for each in window.console_problems() if "410 (Gone)" not in each] == []


BEFORE = {"enrol": "/account/2fa/", "app": "/account/2fa/totp/activate/"}
AFTER = {
    "index": "/account/2fa/",
    "codes": "/account/2fa/recovery-codes/",
    "codes-new": "/account/2fa/recovery-codes/generate/",
    "keys": "/account/2fa/webauthn/",
    "keys-add": "/account/2fa/webauthn/add/",
    "app-off": "/account/2fa/totp/deactivate/",
    "again": "/account/reauthenticate",
    "again-code": "/account/2fa/reauthenticate/",
}


def look(window: Browser, site: str, ways: dict[str, str], suffix: str) -> None:
    for name, path in ways.items():
        window.visit(site + path)
        assert window.run(WIDTH), name
        keep(window, f"{name}-{suffix}")
