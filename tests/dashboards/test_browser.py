"""Every page in a real browser: wide and narrow, light and dark, with and without scripts."""

import re
import time
from collections.abc import Iterator
from itertools import cycle
from time import sleep
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from aethercrown.demo import SEED, Seeding
from dashboards import navigation
from operations.decisions.models import Decision
from operations.demo import services as at_work
from security.access.models import User
from tests.browser import Browser, programs
from tests.dashboards import company
from tests.page_checks import PALE, SHAPES, problems

FOUND = programs()
pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.once,
]


@pytest.fixture
def site(live_server, window: Browser) -> str:
    """The address of a company's site, with a superuser signed in."""
    settings.SECURE_SSL_REDIRECT = False
    company.with_plans()
    at_work.seed(Seeding(timezone.now().date(), np.random.default_rng(SEED)))
    person = User.objects.create_superuser("root", password="a-long-password-1")  # noqa: S106
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    window.sign_in(live_server.url, name, client.cookies[name].value)
    return str(live_server.url)


def opened_once() -> Iterator[str]:
    """An address for each template of pages, and one for each kind of admin screen."""
    yield from navigation.pages()
    yield "/dashboards/kit"
    yield "/search?q=search"
    yield "/dashboards/budget/Search"
    client = Client()
    client.force_login(User.objects.get(username="root"))
    for path in navigation.pages():
        page = client.get(path).content.decode()
        yield from re.findall(r'<a [^>]*href="(/dashboards/[^"#?]*/[^"#?]*)"', page)
    row = Decision.objects.latest("pk").pk
    yield "/admin/"
    yield "/admin/operations/decision/"
    yield f"/admin/operations/decision/{row}/change/"
    yield f"/admin/operations/decision/{row}/history/"
    yield "/admin/marketing/channel/add/"


def test_each_template_is_whole_in_a_window_of_each_kind(site, window):
    """Each view once, the windows in turn; `make browser` shows every page in every window."""
    views = {resolve(urlsplit(path).path).view_name: path for path in opened_once()}
    window.requests()
    found = {}
    for (width, height, dark), path in zip(cycle(SHAPES), views.values(), strict=False):
        window.resize(width, height, dark=dark)
        window.visit(site + path)
        found[path, width, dark] = list(problems(window, path, width))
    assert {where: each for where, each in found.items() if each} == {}
    assert len(views) > 15


def a_pale_text_would_be_found(site: str, window: Browser) -> None:
    window.resize(1280, 900)
    window.visit(site + "/")
    window.run("document.querySelector('h1').style.color = '#999'")
    assert window.run(PALE) == ["2.62 Overview"]


def one_choice_of_colours_holds_on_pages_and_in_the_admin(site: str, window: Browser) -> None:
    shown = "return getComputedStyle(document.querySelector('.shell-nav')).backgroundColor"
    pressed = """return [...document.querySelectorAll('[data-theme-choice]')].filter(
      (each) => each.ariaPressed === 'true').map((each) => each.textContent)"""
    window.resize(1280, 900, dark=True)
    colours: dict[str, set[str]] = {}
    for choice in ("auto", "light", "dark"):
        window.visit(site + "/dashboards/decisions")
        window.run(f"document.querySelector('[data-theme-choice={choice}]').click()")
        for path in ("/", "/admin/operations/alert/"):
            window.visit(site + path)
            colours.setdefault(choice, set()).add(window.run(shown))
            assert window.run(pressed) == [choice.capitalize()]
    assert colours["auto"] == colours["dark"] != colours["light"]
    assert all(len(each) == 1 for each in colours.values())
    paper = {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    window.devtools("Emulation.setEmulatedMedia", paper)
    for choice in ("auto", "dark"):
        window.run(f"document.querySelector('[data-theme-choice={choice}]').click()")
        scheme = window.run("return getComputedStyle(document.documentElement).colorScheme")
        assert scheme == "light", "Pale text on white paper."
    window.devtools("Emulation.setEmulatedMedia", {"media": ""})


def ctrl_k_finds_a_page_and_enter_opens_it(site: str, window: Browser) -> None:
    for path in ("/dashboards/decisions", "/admin/operations/alert/"):
        window.resize(1280, 900)
        window.visit(site + path)
        _find_by_ctrl_k(window)


def _find_by_ctrl_k(window: Browser) -> None:
    key = {"key": "k", "code": "KeyK", "windowsVirtualKeyCode": 75, "modifiers": 2}
    window.devtools("Input.dispatchKeyEvent", {"type": "keyDown", **key})
    assert window.run("return document.activeElement.closest('#palette') !== null")
    shown = "return document.querySelector('#palette-found a.chosen')?.pathname"
    window.devtools("Input.insertText", {"text": "upse"})
    wait_until(window, shown)
    window.devtools("Input.insertText", {"text": "ll"})
    assert window.run(shown) is None, "Enter would open what was found for other words."
    assert window.run(COMPOSING) is True
    for _ in range(100):
        if window.run(shown):
            break
        sleep(0.05)
    assert window.run(shown) == "/dashboards/upsell"
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
    window.devtools("Input.dispatchKeyEvent", {"type": "keyDown", **enter})
    for _ in range(100):
        if window.run("return location.pathname") == "/dashboards/upsell":
            break
        sleep(0.05)
    assert window.run("return location.pathname") == "/dashboards/upsell"


# Enter that ends the input of a Japanese or Chinese character is not for the palette.
COMPOSING = """
const key = new KeyboardEvent("keydown",
  {key: "Enter", isComposing: true, bubbles: true, cancelable: true});
return document.querySelector("#palette input").dispatchEvent(key);
"""


def the_header_of_a_phone_is_one_row_and_its_menu_opens(site: str, window: Browser) -> None:
    window.resize(390, 844)
    seen = "return document.querySelector('.shell-nav').getClientRects().length"
    for path in ("/", "/admin/operations/alert/"):
        window.visit(site + path)
        height = "return document.querySelector('.shell-top').getBoundingClientRect().height"
        assert window.run(height) <= 56
        assert window.run(seen) == 0
        window.run("document.querySelector('[popovertarget=shell-nav]').click()")
        assert window.run(seen) == 1


def a_page_is_whole_without_scripts(site: str, window: Browser) -> None:
    window.resize(390, 844)
    window.scripts(on=False)
    try:
        window.visit(site + "/dashboards/budget")
        picture = window.screenshot(whole=False)
    finally:
        window.scripts(on=True)
    assert len(picture) > 20_000
    assert window.run("return document.querySelector('.shell-theme').hidden") is True
    assert window.run("return document.querySelectorAll('svg.chart').length") > 10


def exactly_one_size_of_each_chart_is_shown(site: str, window: Browser) -> None:
    count = """return [...document.querySelectorAll('.sizes')].map(
      (each) => [...each.children].filter((one) => one.getClientRects().length).length)"""
    for width in (390, 700, 1000, 1280, 1900):
        window.resize(width, 900)
        window.visit(site + "/dashboards/budget")
        assert set(window.run(count)) == {1}, width


def the_first_stop_of_the_keyboard_skips_to_the_content(site: str, window: Browser) -> None:
    window.resize(1280, 900)
    window.visit(site + "/dashboards/budget")
    for kind in ("keyDown", "keyUp"):
        window.devtools(
            "Input.dispatchKeyEvent",
            {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
        )
    assert window.run("return document.activeElement.className") == "skip"
    assert window.run("return document.activeElement.getBoundingClientRect().left") >= 0


def the_gantt_tells_four_priorities_apart_and_names_each_stretch(
    site: str, window: Browser
) -> None:
    for dark in (False, True):
        window.resize(1280, 900, dark=dark)
        window.visit(site + "/dashboards/scheduling")
        fills = """return [1, 2, 3, 4].map((each) =>
          getComputedStyle(document.querySelector(`.chart-step-${each}`)).fill)"""
        assert len(set(window.run(fills))) == 4
        named = "return document.querySelectorAll('.sizes svg:first-child g title').length"
        assert window.run(named) >= 20


def a_listing_is_sorted_in_place_and_whole_pages_come_without_scripts(
    site: str, window: Browser
) -> None:
    window.resize(1280, 900)
    window.visit(site + "/dashboards/kit")
    first = "return document.querySelector('#rows tbody th').textContent"
    before = window.run(first)
    window.run("window.stays = 1; document.querySelector('#rows th a.sort').click()")
    wait_until(window, "return document.querySelector('#rows [aria-sort=descending]') !== null")
    assert window.run("return [window.stays, location.search]") == [1, "?rows.sort=-title"]
    assert window.run(first) != before
    kept = window.run("return Object.keys(localStorage).filter((each) => !/theme/i.test(each))")
    assert kept == []
    assert window.console_problems() == []
    window.scripts(on=False)
    try:
        window.visit(site + "/dashboards/kit?rows.sort=-title")
    finally:
        window.scripts(on=True)
    assert window.run(first) != before


def wait_until(window: Browser, script: str) -> None:
    for _ in range(100):
        if window.run(script):
            return
        time.sleep(0.05)
    raise AssertionError(f"Not within 5 seconds: {script}")


CLICKED = """
const found = [...document.querySelectorAll("main a, main button, nav a")].filter(
  (each) => each.textContent.trim().startsWith(arguments[0]) && each.getClientRects().length);
window.stays = 1;
if (found.length) found[0].click();
return found.length;
"""


def click(window: Browser, text: str) -> None:
    """Press the first link or button whose text begins so, and wait for the next page."""
    assert window.run(CLICKED, text), f"{text}: {window.run('return document.body.innerText')}"
    wait_until(window, "return !window.stays && document.readyState === 'complete'")


def shown(window: Browser) -> str:
    return str(window.run("return document.querySelector('main').innerText"))


def test_a_marketer_approves_the_plan_knowing_why_and_takes_it_back(site, window):
    """Three clicks from the first page each, as docs/pages.md says."""
    window.resize(1280, 900)
    window.visit(site + "/")
    click(window, "Divide $")
    assert "Probability of more revenue" in shown(window)
    assert "BEFORE" in shown(window).upper()
    click(window, "Approve")
    assert "Expected" in shown(window)
    click(window, "Approve")
    assert "Approved: Divide $" in shown(window)
    assert Decision.objects.filter(status="applied").exists()
    window.visit(site + "/")
    click(window, "Divide $")
    click(window, "Roll back")
    click(window, "Roll back")
    assert "Rolled back: Divide $" in shown(window)


def keys_open_the_steps_of_a_decision_but_not_while_somebody_writes(
    site: str, window: Browser
) -> None:
    waiting = Decision.objects.filter(status="proposed").latest("pk")
    window.visit(f"{site}/dashboards/decisions/{waiting.pk}")
    window.run("window.stays = 1")
    press(window, "r", 82)
    wait_until(window, "return !window.stays && document.readyState === 'complete'")
    assert window.run("return location.search") == "?step=reject"
    window.run("document.querySelector('textarea').focus()")
    press(window, "a", 65)
    assert window.run("return location.search") == "?step=reject"


def press(window: Browser, key: str, code: int) -> None:
    named = {"key": key, "code": f"Key{key.upper()}", "windowsVirtualKeyCode": code, "text": key}
    window.devtools("Input.dispatchKeyEvent", {"type": "keyDown", **named})


CHECKS = (  # of one company, because to set it up costs more than to look at it
    a_pale_text_would_be_found,
    ctrl_k_finds_a_page_and_enter_opens_it,
    the_header_of_a_phone_is_one_row_and_its_menu_opens,
    a_page_is_whole_without_scripts,
    exactly_one_size_of_each_chart_is_shown,
    the_first_stop_of_the_keyboard_skips_to_the_content,
    the_gantt_tells_four_priorities_apart_and_names_each_stretch,
    a_listing_is_sorted_in_place_and_whole_pages_come_without_scripts,
    keys_open_the_steps_of_a_decision_but_not_while_somebody_writes,
    one_choice_of_colours_holds_on_pages_and_in_the_admin,
)


def test_the_frame_and_the_parts_of_pages_behave_in_a_browser(site, window):
    window.console_problems()
    for check in CHECKS:
        check(site, window)
