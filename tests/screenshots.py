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
from pathlib import Path

from tests import rig
from tests.browser import Browser, browsing, programs

IMAGES = rig.ROOT / "docs" / "img"
SIGN_IN = """
const [user, password] = arguments;
document.querySelector("[name=username]").value = user;
document.querySelector("[name=password]").value = password;
document.querySelector("[name=password]").form.submit();
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """A page as a window of this size shows it."""

    name: str
    path: str
    width: int
    height: int
    dark: bool = False


SHOTS = (
    Shot("budget", "/dashboards/budget", 1280, 1440),
    Shot("budget-dark", "/dashboards/budget", 1280, 1440, dark=True),
    Shot("budget-phone", "/dashboards/budget", 390, 844),
    Shot("overview", "/", 1280, 800),
    Shot("admin", "/admin/", 1280, 900),
)


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
        for path in take(browser, site.url, Path(options.folder)):
            sys.stdout.write(f"{path}\n")
    return 0


def parse(words: list[str], name: str = "screenshots") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m tests.{name}")
    parser.add_argument("--url", help="a site that runs already; without it, one is started")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default=os.environ.get("SCREENSHOT_PASSWORD", ""))
    parser.add_argument("--folder", default=str(IMAGES), help="where the pictures go")
    parser.add_argument("--under", default="/", help="only addresses that begin so (make browser)")
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


def take(browser: Browser, url: str, folder: Path) -> Iterator[Path]:
    """Every picture, written as PNG; its path once it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        browser.resize(shot.width, shot.height, dark=shot.dark)
        browser.visit(url + shot.path)
        path = folder / f"{shot.name}.png"
        path.write_bytes(browser.screenshot(whole=False))
        yield path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
