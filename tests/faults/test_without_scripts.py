"""Every form and table of the dashboards works with JavaScript off, also at a zoom of 200 %."""

import re
from argparse import Namespace
from collections.abc import Iterator

import pytest

from tests import browser_matrix, screenshots
from tests.browser import Browser, browsing, programs
from tests.screenshots import Site

FOUND = programs()
pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
]
SHAPES = ((1280, 900), (640, 450))  # the second is the first at a zoom of 200 %
# What only a script would do: a part that htmx loads where neither a link nor a form leads on.
STUCK = """
const found = [...document.querySelectorAll('main [hx-get], main [hx-post]')].filter(
  (each) => !each.matches('a[href], form') && !each.closest('form') &&
    !each.querySelector('noscript'));
const empty = [...document.querySelectorAll('main table')].filter(
  (each) => !each.querySelector('tbody tr'));
const wide = document.documentElement.scrollWidth > innerWidth ? [document.body] : [];
return [...found, ...empty, ...wide].map((each) => each.outerHTML.slice(0, 100));
"""
# Each form of the page once: its method, where it leads, and the names of what it sends.
FORMS = """
return [...document.querySelectorAll('main form, header form')].map((form, place) => [
  place, form.method, new URL(form.action).pathname,
  [...new Set([...form.elements].map((each) => each.name))].sort().join(' '),
  form.querySelectorAll('button:not([type=button]), input[type=submit]').length]);
"""
SEND = """
const form = [...document.querySelectorAll('main form, header form')][arguments[0]];
const buttons = form.querySelectorAll('button:not([type=button]), input[type=submit]');
window.stays = 1;
form.noValidate = true;
buttons[arguments[1]].click();
"""
LOADED = "return !window.stays && document.readyState === 'complete';"
STATUS = "return performance.getEntriesByType('navigation')[0].responseStatus;"
REFUSED_WELL = {400, 409}  # an empty form is refused, with a reason beside its field
LEFT_OUT = re.compile("/(logout|login)")


def test_every_form_and_table_works_without_scripts():
    options: Namespace = screenshots.parse([])
    assert FOUND is not None
    with screenshots.running(options) as site, browsing(FOUND) as window:
        window.resize(1280, 900)
        screenshots.sign_in(window, site)
        paths = [
            path for path in browser_matrix.pages(window, site) if not path.startswith("/admin/")
        ]
        wrong = [each for path in paths for each in stuck(window, site, path)]
        sent, refused = 0, []
        for path, place, button in forms(window, site, paths):
            sent += 1
            status = send(window, site.url + path, place, button)
            if status >= 400 and status not in REFUSED_WELL:
                refused.append(f"{path}, form {place}, button {button}: {status}")
    print(f"{len(paths)} pages, {sent} buttons of forms")  # noqa: T201 - a fault test reports
    assert wrong == []
    assert refused == []
    assert len(paths) > 40
    assert sent > 40


def open_without_scripts(window: Browser, address: str) -> None:
    """The page's own scripts never run; those of the test may, once it has come."""
    window.scripts(on=False)
    try:
        window.visit(address)
    finally:
        window.scripts(on=True)


def stuck(window: Browser, site: Site, path: str) -> Iterator[str]:
    for width, height in SHAPES:
        window.resize(width, height)
        open_without_scripts(window, site.url + path)
        for each in window.run(STUCK):
            yield f"{path} at {width}: {each}"


def forms(window: Browser, site: Site, paths: list[str]) -> Iterator[tuple[str, int, int]]:
    """Each button of each kind of form, told apart by its method, target and fields."""
    done = set()
    window.resize(1280, 900)
    for path in paths:
        open_without_scripts(window, site.url + path)
        for place, method, action, names, buttons in window.run(FORMS):
            kind = (method, re.sub(r"\d+|[0-9a-f]{8}-[0-9a-f-]{27}", "#", action), names)
            if kind in done or LEFT_OUT.search(action):
                continue
            done.add(kind)
            yield from ((path, place, button) for button in range(buttons))


def send(window: Browser, address: str, place: int, button: int) -> int:
    """Press a button of a form, as a browser without scripts would send it; the status."""
    open_without_scripts(window, address)
    if place >= len(window.run(FORMS)):
        return 0  # an earlier press did what this form was for
    window.run(SEND, place, button)
    for _ in range(400):
        if window.run(LOADED):
            return int(window.run(STATUS))
        window.run_async("setTimeout(arguments[0], 50);")
    return 0  # a file was sent instead of a page
