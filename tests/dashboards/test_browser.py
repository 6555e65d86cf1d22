"""Every page in a real browser: wide and narrow, light and dark, with and without scripts."""

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from aethercrown.demo import SEED, Seeding
from operations.demo import services as at_work
from security.access.models import User
from tests.browser import Browser, external, programs
from tests.dashboards import company

FOUND = programs()
SHAPES = ((1280, 900, False), (1280, 900, True), (390, 844, False), (390, 844, True))
PAGES = (
    "/",
    "/dashboards/budget",
    "/dashboards/budget/Search",
    "/dashboards/upsell",
    "/dashboards/decisions",
    "/dashboards/scheduling",
    "/dashboards/alerts",
    "/dashboards/health",
    "/dashboards/keys",
    "/dashboards/revenue",
    "/dashboards/automations",
    "/dashboards/kit",
)
ADMIN = ("/admin/", "/admin/operations/decision/")
# Every text against the first filled ground behind it: those below WCAG's AA ratio.
PALE = """
const shade = (text) => {
  const [r, g, b, a] = [...text.matchAll(/[\\d.]+/g)].map(Number);
  return [r, g, b, a === undefined ? 1 : a];
};
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map(
    (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const ground = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = shade(getComputedStyle(each).backgroundColor);
    if (colour[3] === 1) return colour;
  }
  return [255, 255, 255, 1];
};
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !element.getClientRects().length) continue;
  if (element.closest("svg title, svg desc, script, .hidden, .skip")) continue;
  const style = getComputedStyle(element);
  const ink = shade(element.closest("svg") ? style.fill : style.color);
  const [one, two] = [light(ink), light(ground(element))];
  const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${walk.currentNode.data.trim()}`);
}
return found;
"""

# Tables outside the admin that are wider than the room they have: they would scroll sideways.
WIDER = """
return [...document.querySelectorAll('main .scroll')].filter(
  (each) => each.getClientRects().length && each.scrollWidth > each.clientWidth + 1
).map((each) => each.getAttribute('aria-label'));
"""

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


def test_no_page_complains_overflows_asks_elsewhere_or_has_pale_text(site, window):
    window.requests()
    for path in (*PAGES, *ADMIN):
        for width, height, dark in SHAPES:
            window.resize(width, height, dark=dark)
            window.visit(site + path)
            where = f"{path} at {width}, {'dark' if dark else 'light'}"
            assert window.run("return location.pathname") == path, where
            assert window.console_problems() == [], where
            assert external(window.requests()) == [], where
            assert window.run("return document.documentElement.scrollWidth") <= width, where
            assert window.run(WIDER) == [], where
            assert path in ADMIN or window.run(PALE) == [], where


def test_a_pale_text_would_be_found(site, window):
    window.resize(1280, 900)
    window.visit(site + "/")
    window.run("document.querySelector('h1').style.color = '#999'")
    assert window.run(PALE) == ["2.62 Overview"]


def test_one_choice_of_colours_holds_on_pages_and_in_the_admin(site, window):
    shown = "return getComputedStyle(document.querySelector('.shell-nav')).backgroundColor"
    pressed = """return [...document.querySelectorAll('[data-theme-choice]')].filter(
      (each) => each.ariaPressed === 'true').map((each) => each.textContent)"""
    window.resize(1280, 900, dark=True)
    colours = {}
    for choice in ("auto", "light", "dark"):
        window.visit(site + "/dashboards/decisions")
        window.run(f"document.querySelector('[data-theme-choice={choice}]').click()")
        for path in ("/", "/admin/operations/alert/"):
            window.visit(site + path)
            colours.setdefault(choice, set()).add(window.run(shown))
            assert window.run(pressed) == [choice.capitalize()]
    assert colours["auto"] == colours["dark"] != colours["light"]
    assert all(len(each) == 1 for each in colours.values())


def test_a_page_is_whole_without_scripts(site, window):
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


def test_exactly_one_size_of_each_chart_is_shown(site, window):
    count = """return [...document.querySelectorAll('.sizes')].map(
      (each) => [...each.children].filter((one) => one.getClientRects().length).length)"""
    for width in (390, 700, 1000, 1280, 1900):
        window.resize(width, 900)
        window.visit(site + "/dashboards/budget")
        assert set(window.run(count)) == {1}, width


def test_the_first_stop_of_the_keyboard_skips_to_the_content(site, window):
    window.resize(1280, 900)
    window.visit(site + "/dashboards/budget")
    for kind in ("keyDown", "keyUp"):
        window.devtools(
            "Input.dispatchKeyEvent",
            {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
        )
    assert window.run("return document.activeElement.className") == "skip"
    assert window.run("return document.activeElement.getBoundingClientRect().left") >= 0


def test_the_gantt_tells_four_priorities_apart_and_names_each_stretch(site, window):
    for dark in (False, True):
        window.resize(1280, 900, dark=dark)
        window.visit(site + "/dashboards/scheduling")
        fills = """return [1, 2, 3, 4].map((each) =>
          getComputedStyle(document.querySelector(`.chart-step-${each}`)).fill)"""
        assert len(set(window.run(fills))) == 4
        named = "return document.querySelectorAll('.sizes svg:first-child g title').length"
        assert window.run(named) >= 20
