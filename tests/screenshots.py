"""Takes the pictures in docs/img from the demo company in a real browser.

`make screenshots` starts the platform in a folder of its own; with `--url`, `--user` and
`--password` (or $SCREENSHOT_PASSWORD) it uses one that runs already.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests import rig
from tests.browser import Browser, browsing, programs

IMAGES = rig.ROOT / "docs" / "img"
SIGN_IN = """
const [user, password] = arguments;
document.querySelector("[name=username]").value = user;
document.querySelector("[name=password]").value = password;
document.querySelector("[name=password]").form.submit();
"""


AGAIN = "/account/reauthenticate"  # some pages ask for the password of a sign-in that is old
SIGN_IN_AGAIN = """
const field = document.querySelector("[name=password]");
field.value = arguments[0];
field.form.submit();
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """A page as a window of this size shows it."""

    name: str
    path: str
    width: int
    height: int
    dark: bool = False


WIDE, PHONE = (1280, 900), (390, 844)
PAGES = (  # of the navigation, each as a wide window shows it
    *("decisions", "alerts", "imports", "revenue", "customers", "pricing", "invoices", "upsell"),
    *("onboarding", "sla", "usage", "automations", "jobs", "scheduling", "health", "keys"),
    *("people", "audit"),
)
SHOTS = (
    Shot("budget", "/dashboards/budget", 1280, 1440),
    Shot("budget-dark", "/dashboards/budget", 1280, 1440, dark=True),
    Shot("budget-phone", "/dashboards/budget", *PHONE),
    Shot("overview", "/", *WIDE),
    Shot("overview-phone", "/", *PHONE),
    Shot("admin", "/admin/", *WIDE),
    *(Shot(name, f"/dashboards/{name}", *WIDE) for name in PAGES),
)
DETAILS = (  # a page, and what the addresses of those that its links lead to begin with
    ("decision", "/dashboards/decisions", "/dashboards/decisions/"),
    ("channel", "/dashboards/budget", "/dashboards/budget/"),
    ("customer", "/dashboards/customers", "/dashboards/customers/"),
    ("bill", "/dashboards/invoices", "/dashboards/revenue/bills/"),
    ("invoice-run", "/dashboards/invoices", "/dashboards/invoices/"),
    ("prices", "/dashboards/pricing", "/dashboards/pricing/versions/"),
    ("quote", "/dashboards/pricing", "/dashboards/pricing/quotes/"),
    ("opportunity", "/dashboards/upsell", "/dashboards/upsell/"),
    ("onboarding-flow", "/dashboards/onboarding", "/dashboards/onboarding/"),
    ("sla-clock", "/dashboards/sla", "/dashboards/sla/clocks/"),
    ("usage-client", "/dashboards/usage", "/dashboards/usage/"),
    ("automation", "/dashboards/automations", "/dashboards/automations/"),
    ("component", "/dashboards/health", "/dashboards/health/"),
    ("history", "/dashboards/automations/1", "/dashboards/history/"),
)
FIRST = """
return [...document.querySelectorAll('main a[href]')].map((each) => each.getAttribute('href'))
  .find((each) => each.startsWith(arguments[0]));
"""
COLOURS = 128  # of a picture's palette: a third of the bytes, and nobody sees it


@dataclass(frozen=True, slots=True)
class Site:
    """Where the platform answers, and who signs in."""

    url: str
    user: str
    password: str


class SignInFailed(RuntimeError):
    """The site did not let the user in."""


def main(words: list[str]) -> int:
    options = parse(words)
    found = programs()
    if found is None:
        sys.stderr.write("This needs chromium and chromedriver, on the PATH or as $CHROMIUM.\n")
        return 1
    with running(options) as site, browsing(found) as browser:
        browser.resize(1280, 900)
        sign_in(browser, site)
        for path in take(browser, site, Path(options.folder)):
            sys.stdout.write(f"{path}\n")
    return 0


def parse(words: list[str], name: str = "screenshots") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m tests.{name}")
    parser.add_argument("--url", help="a site that runs already; without it, one is started")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default=os.environ.get("SCREENSHOT_PASSWORD", ""))
    parser.add_argument("--folder", default=str(IMAGES), help="where the pictures go")
    parser.add_argument("--slice", default="1/1", help="a part of the addresses, such as 2/4")
    parser.add_argument("--under", default="/", help="only addresses that begin so")
    return parser.parse_args(words)


@contextmanager
def running(options: argparse.Namespace) -> Iterator[Site]:
    if options.url:
        yield Site(options.url.rstrip("/"), options.user, options.password)
        return
    with (
        tempfile.TemporaryDirectory(prefix="screenshots-") as folder,
        rig.running(Path(folder) / "data", DEMO="1", DEBUG="off") as stack,
    ):
        yield Site(stack.url, "admin", stack.password)


def sign_in(browser: Browser, site: Site) -> None:
    """Through the form, as a person does."""
    browser.visit(f"{site.url}/login?next=/dashboards/decisions")
    browser.run(SIGN_IN, site.user, site.password)
    browser.visit(f"{site.url}/dashboards/decisions")
    where = browser.run("return location.pathname")
    if where != "/dashboards/decisions":
        raise SignInFailed(f"{site.user} could not sign in at {site.url}: it shows {where}.")


def open_page(browser: Browser, site: Site, path: str) -> None:
    """Open a page; where it asks for the password again, or for signing in, that is given."""
    browser.visit(site.url + path)
    where = browser.run("return location.pathname")
    if where == AGAIN:
        browser.run(SIGN_IN_AGAIN, site.password)
    elif where == "/login":
        sign_in(browser, site)
    else:
        return
    browser.visit(site.url + path)


def take(browser: Browser, site: Site, folder: Path) -> Iterator[Path]:
    """Every picture, written as PNG; its path once it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for shot in (*SHOTS, *details(browser, site)):
        browser.resize(shot.width, shot.height, dark=shot.dark)
        open_page(browser, site, shot.path)
        path = folder / f"{shot.name}.png"
        with Image.open(BytesIO(browser.screenshot(whole=False))) as picture:
            picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)
        yield path


def details(browser: Browser, site: Site) -> Iterator[Shot]:
    """The first page of each kind that only links lead to; none where there is no link."""
    for name, page, start in DETAILS:
        open_page(browser, site, page)
        if path := browser.run(FIRST, start):
            yield Shot(name, path, *WIDE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
