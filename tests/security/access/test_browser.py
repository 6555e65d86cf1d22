"""Signing in with a real browser: the theme's policy suffices, and ours needs nothing looser."""

import pytest
from django.conf import settings

from aethercrown.http import headers
from security.access.models import User
from tests.browser import Browser, programs

FOUND = programs()
PHRASE = "a long enough phrase"
FILL = """
document.querySelector('input[name=username]').value = arguments[0];
document.querySelector('input[name=password]').value = arguments[1];
document.querySelector('form [type=submit], form button').click();
"""
INJECT = """
const made = document.createElement('script');
made.textContent = 'window.injected = true';
document.body.append(made);
const link = document.createElement('a');
link.setAttribute('onclick', 'window.injected = true');
document.body.append(link);
link.click();
return window.injected === true;
"""

pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.once,
]


@pytest.fixture
def site(live_server, window: Browser) -> str:
    settings.SECURE_SSL_REDIRECT = False
    User.objects.create_superuser("ada", password=PHRASE)
    window.devtools("Network.clearBrowserCookies", {})
    window.resize(1280, 900)
    window.visit(f"{live_server.url}/login")
    window.console_problems()
    return str(live_server.url)


@pytest.mark.parametrize(
    ("entrance", "goal"),
    [
        ("/admin/login/?next=/admin/", "/admin/"),
        ("/login?next=/admin/", "/admin/"),
        ("/login", "/"),
    ],
)
def test_a_person_signs_in_and_no_policy_is_broken(site, window, entrance, goal):
    window.visit(site + entrance)
    assert len(window.screenshot()) > 5_000
    window.run(FILL, "ada", PHRASE)
    window.visit(site + goal)
    assert window.run("return location.pathname") == goal
    assert window.console_problems() == []


def test_a_wrong_password_is_told_on_the_page(site, window):
    window.visit(site + "/login")
    window.run(FILL, "ada", "wrong")
    window.visit(site + "/login")
    assert window.run("return location.pathname") == "/login"
    assert window.console_problems() == []


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_an_injected_script_does_not_run(site, window, path):
    window.visit(site + path)
    assert window.run(INJECT) is False
    assert any("Content Security Policy" in each for each in window.console_problems())


@pytest.mark.parametrize("directive", ["script-src", "style-src"])
def test_the_theme_breaks_under_each_stricter_directive(site, window, monkeypatch, directive):
    """Why headers.ADMIN_POLICY is as it is; should this fail one day, drop the exception."""
    strict = {name: words for name, words in headers.ADMIN_POLICY.items() if name != directive}
    monkeypatch.setattr(headers, "ADMIN_POLICY", strict)
    window.run(FILL, "ada", PHRASE)
    window.visit(site + "/admin/")
    assert any("Content Security Policy" in each for each in window.console_problems())
