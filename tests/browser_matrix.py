"""Opens every page in a real browser: light and dark, wide, narrow and zoomed (`make browser`).

It signs in to a demo company of its own, or to a site that runs already (`--url`), follows the
links of the pages, and opens one address of each form. It prints what the console says, requests
to other hosts, what overflows, pale texts, serious and critical findings of axe-core, and what the
first and a later visit of a page cost over the wire. It presses every button of the admin's pages
once, and names what was refused. It ends with 1 where anything is wrong.
"""

import re
import sys
from collections.abc import Iterator
from itertools import chain
from urllib.parse import urlsplit

from tests import admin_buttons, axe, screenshots
from tests.browser import Browser, browsing, programs
from tests.page_checks import SHAPES, problems
from tests.screenshots import Site

LIMITS = {"first": 100_000, "later": 40_000}  # bytes over the wire, of a visit
START = ("/", "/search?q=a", "/search?q=no-such-thing", "/dashboards/kit", "/admin/")
ELSEWHERE = ("/static/", "/api/", "/logout", "/account/", "/login")
# The buttons above an admin list do things or send files; its history and its form are pages.
LINKS = """
return [...document.querySelectorAll('a[href]')].filter(
  (each) => each.origin === location.origin && !each.download &&
    (!each.closest('.admin-tools') || /[/](history|add)[/]$/.test(each.pathname))
).map((each) => each.pathname);
"""


def main(words: list[str]) -> int:
    options = screenshots.parse(words, "browser_matrix")
    found = programs()
    if found is None:
        sys.stderr.write("This needs chromium and chromedriver, on the PATH or as $CHROMIUM.\n")
        return 1
    with screenshots.running(options) as site, browsing(found) as window:
        window.resize(1280, 900)
        screenshots.sign_in(window, site)
        paths = [each for each in pages(window, site) if each.startswith(options.under)]
        part, parts = map(int, options.slice.split("/"))
        paths = paths[part - 1 :: parts]
        wrong = 0
        costs = visits(window, site, paths)
        for visit in costs:
            sys.stdout.write(f"{heaviest(visit, costs[visit])}\n")
        shown = chain(too_heavy(costs), matrix(window, site, paths))
        for each in chain(shown, admin_buttons.refusals(window, site, paths)):
            wrong += 1
            sys.stdout.write(f"{each}\n")
    sys.stdout.write(f"{len(paths)} pages in {len(SHAPES)} windows: {wrong or 'no'} problems.\n")
    return 1 if wrong else 0


def pages(window: Browser, site: Site) -> Iterator[str]:
    """One address of each form that links lead to, such as one customer's."""
    known, waiting = set(), list(START)
    while waiting:
        path = waiting.pop(0)
        form = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "#", path)
        if form in known or path.startswith(ELSEWHERE):
            continue
        known.add(form)
        yield path
        screenshots.open_page(window, site, path)
        waiting += window.run(LINKS)


def visits(window: Browser, site: Site, paths: list[str]) -> dict[str, dict[str, int]]:
    """The bytes over the wire of a first and a later visit of each page, the admin's excepted."""
    costs: dict[str, dict[str, int]] = {each: {} for each in LIMITS}
    for path in (each for each in paths if not each.startswith("/admin/")):
        window.devtools("Network.clearBrowserCache", {})
        for cost in costs.values():  # the first visit, then the later one
            window.received_bytes()
            window.visit(site.url + path)
            cost[path] = window.received_bytes()
    return costs


def heaviest(visit: str, costs: dict[str, int]) -> str:
    path = max(costs, key=lambda each: costs[each], default="")
    cost = costs.get(path, 0)
    return f"The {visit} visit costs at most {cost:,} bytes of {LIMITS[visit]:,} allowed: {path}"


def too_heavy(costs: dict[str, dict[str, int]]) -> Iterator[str]:
    for visit, most in LIMITS.items():
        for path, cost in costs[visit].items():
            if cost > most:
                yield f"{path}: the {visit} visit costs {cost:,} bytes, more than {most:,}"


def matrix(window: Browser, site: Site, paths: list[str]) -> Iterator[str]:
    """Each problem of each page in each window, once."""
    for path in paths:
        seen = set()
        for width, height, dark in SHAPES:
            window.resize(width, height, dark=dark)
            window.console_problems()
            window.requests()
            screenshots.open_page(window, site, path)
            for each in (*problems(window, path, width), *axe.problems(window)):
                if each not in seen:
                    seen.add(each)
                    yield f"{path} at {width}, {'dark' if dark else 'light'}: {each}"
        sys.stderr.write(f"{urlsplit(path).path} {len(seen) or 'good'}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
