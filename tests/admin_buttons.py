"""Presses every button of the admin's pages once in a real browser, as `make browser` does.

A button that asks first is confirmed with what its form shows, where a browser would send that; one
that sends a file is left out.
A page that asks for the password again gets it, and the form that was kept meanwhile is sent.
"""

import sys
from collections.abc import Iterable, Iterator

from tests import screenshots
from tests.browser import Browser, DriverError
from tests.screenshots import Site

REFUSED = 403  # and above, except a conflict
CONFLICT = 409
LINKS = """
return [...document.querySelectorAll('.admin-tools a[href]')].filter(
  (each) => each.origin === location.origin && !each.download
).map((each) => each.pathname).filter((path) => !/[/](history|add)[/]$/.test(path));
"""
STATUS = "return performance.getEntriesByType('navigation')[0].responseStatus;"
SAVING = """
return [...document.querySelectorAll('#submit-row button[name]')].map(
  (each) => each.name).filter((name) => !name.startsWith('_'));
"""
PRESS = """
const button = document.querySelector(arguments[0]);
if (!button || (button.form && !button.form.checkValidity())) return false;
window.stays = 1;
button.click();
return true;
"""
CONFIRM = ".confirm-form button[type=submit]"
KEPT = "main form[action] button[type=submit]"  # of a form that was kept during the sign-in
LOADED = "return !window.stays && document.readyState === 'complete';"
WHERE = "return location.pathname"
IS_KEPT = "return document.querySelector('h1')?.textContent.trim() === 'Not saved yet'"
ATTEMPTS, PAUSE_MS = 400, 50  # 20 seconds


def refusals(window: Browser, site: Site, paths: Iterable[str]) -> Iterator[str]:
    """Each button of these pages whose page or deed is refused or fails, in one line."""
    done: set[str] = set()
    for path in (each for each in paths if each.startswith("/admin/")):
        screenshots.open_page(window, site, path)
        saving, links = window.run(SAVING), window.run(LINKS)
        for name in saving:
            screenshots.open_page(window, site, path)
            button = f'#submit-row button[name="{name}"]'
            yield from _pressed(window, site, button, f"{path}: {name}")
        for link in links:
            form = "/".join("#" if part.isdigit() else part for part in link.split("/"))
            if form not in done:
                done.add(form)
                sys.stderr.write(f"pressing {link}\n")
                yield from _followed(window, site, link)


def _followed(window: Browser, site: Site, link: str) -> Iterator[str]:
    try:
        screenshots.open_page(window, site, link)
    except DriverError:  # it sent a file instead of a page
        return
    if (status := window.run(STATUS)) >= REFUSED:
        yield f"{link}: {status}"
        return
    yield from _pressed(window, site, CONFIRM, f"{link}, confirmed")


def _pressed(window: Browser, site: Site, button: str, what: str) -> Iterator[str]:
    if not window.run(PRESS, button):
        return
    if not _is_loaded(window):
        yield f"{what}: no page within {ATTEMPTS * PAUSE_MS // 1000} seconds"
        return
    if window.run(WHERE) == screenshots.AGAIN:
        window.run("window.stays = 1;" + screenshots.SIGN_IN_AGAIN, site.password)
        _is_loaded(window)
        if window.run(IS_KEPT):
            window.run(PRESS, KEPT)
            _is_loaded(window)
    status = window.run(STATUS)
    if status >= REFUSED and status != CONFLICT:
        yield f"{what}: {status}"


def _is_loaded(window: Browser) -> bool:
    for _ in range(ATTEMPTS):
        if window.run(LOADED):
            return True
        window.run_async(f"setTimeout(arguments[0], {PAUSE_MS});")
    return False
