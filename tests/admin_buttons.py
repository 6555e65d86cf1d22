"""Presses every button of the admin's pages once in a real browser, as `make browser` does.

A button that asks first is confirmed with what its form shows; one that sends a file is left out.
"""

from collections.abc import Iterable, Iterator

from tests.browser import Browser, DriverError

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
if (!button) return false;
window.stays = 1;
button.click();
return true;
"""
CONFIRM = ".confirm-form button[type=submit]"
LOADED = "return !window.stays && document.readyState === 'complete';"


def refusals(window: Browser, url: str, paths: Iterable[str]) -> Iterator[str]:
    """Each button of these pages whose page or deed is refused or fails, in one line."""
    done: set[str] = set()
    for path in (each for each in paths if each.startswith("/admin/")):
        window.visit(url + path)
        saving, links = window.run(SAVING), window.run(LINKS)
        for name in saving:
            window.visit(url + path)
            yield from _pressed(window, f'#submit-row button[name="{name}"]', f"{path}: {name}")
        for link in links:
            form = "/".join("#" if part.isdigit() else part for part in link.split("/"))
            if form not in done:
                done.add(form)
                yield from _followed(window, url, link)


def _followed(window: Browser, url: str, link: str) -> Iterator[str]:
    try:
        window.visit(url + link)
    except DriverError:  # it sent a file instead of a page
        return
    if (status := window.run(STATUS)) >= REFUSED:
        yield f"{link}: {status}"
        return
    yield from _pressed(window, CONFIRM, f"{link}, confirmed")


def _pressed(window: Browser, button: str, what: str) -> Iterator[str]:
    if not window.run(PRESS, button):
        return
    for _ in range(200):
        if window.run(LOADED):
            break
        window.run_async("setTimeout(arguments[0], 50);")
    status = window.run(STATUS)
    if status >= REFUSED and status != CONFLICT:
        yield f"{what}: {status}"
