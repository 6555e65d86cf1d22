"""A person adds a check under `make run`, sees it fail, hears of it, silences it, sees it end."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import cast

import pytest

from tests import rig, template
from tests.browser import Browser, browsing, programs

FOUND = programs()
pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
]
FILL = """
let field;
for (const [name, value] of Object.entries(arguments[0])) {
  field = document.querySelector(`[name="${name}"]`);
  if (field.type === 'checkbox') field.checked = value; else field.value = value;
}
field.form.requestSubmit(arguments[1] ? field.form.querySelector(arguments[1]) : undefined);
"""
HAS = """return arguments[0].every(name => document.querySelector(`[name="${name}"]`))"""
TEXT = "return document.querySelector('main, #main, body').innerText"
PATH = "return location.pathname"
FIRST_LINK = "return document.querySelector(arguments[0])?.getAttribute('href') ?? ''"
SAVE, ONLY_BUTTON = "[name=_save]", ""
PATIENCE = 240.0  # seconds; machines are busy


class Shop(ThreadingHTTPServer):
    """Answers with the status that the test sets."""

    status = 200


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(cast("Shop", self.server).status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def shop() -> Iterator[Shop]:
    serving = Shop(("127.0.0.1", 0), Answer)
    thread = Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    try:
        yield serving
    finally:
        serving.shutdown()
        serving.server_close()


def until(found: Callable[[], object], what: str) -> float:
    """Seconds until something is true."""
    began = time.monotonic()
    while not found():
        assert time.monotonic() - began < PATIENCE, what
        time.sleep(1)
    return time.monotonic() - began


class Person:
    """Somebody at a browser, signed in as the administrator."""

    def __init__(self, window: Browser, stack: rig.Stack) -> None:
        self.window, self.url = window, stack.url
        self.window.resize(1280, 900)
        self.open("/login")
        self.window.run(FILL, {"username": "admin", "password": stack.password}, ONLY_BUTTON)
        until(lambda: self.window.run(PATH) != "/login", "signed in")

    def open(self, path: str) -> str:
        self.window.visit(self.url + path)
        return str(self.window.run(TEXT))

    def send(self, path: str, fields: Mapping[str, object], button: str) -> str:
        """Fill in the form of a page, press its button, and read the page that follows."""
        shown = self.open(path)
        assert self.window.run(HAS, list(fields)), f"{path}: {shown[:1000]}"
        self.window.run(FILL, dict(fields), button)
        until(lambda: self.window.run(PATH) != path, f"{path}: {self.window.run(TEXT)[:500]}")
        return str(self.window.run(TEXT))

    def link(self, page: str, selector: str) -> str:
        self.open(page)
        return str(self.window.run(FIRST_LINK, selector))


def mails(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted(folder.glob("*"))]


def test_a_person_adds_a_check_sees_it_fail_hears_of_it_silences_it_and_sees_it_end(tmp_path):
    assert FOUND is not None
    inbox = tmp_path / "mail"
    inbox.mkdir()
    url = f"filemail:///{inbox}"
    template.migrated_folder(tmp_path / "data")
    with (
        shop() as target,
        rig.running(tmp_path / "data", EMAIL_URL=url, SECOND_FACTOR_REQUIRED="False") as stack,
        browsing(FOUND) as window,
    ):
        person = Person(window, stack)
        told = {"name": "Eve", "address": "eve@example.com", "least_severity": "warning"}
        person.send("/admin/operations/destination/add/", told, SAVE)
        added = {
            "name": "Shop",
            "target": f"http://127.0.0.1:{target.server_port}/health",
            "networks": "127.0.0.0/8",
            "check_every_seconds": 30,
        }
        person.send("/admin/operations/component/add/", added, SAVE)
        page = person.link("/dashboards/health", "main a[href^='/dashboards/health/']")
        for row in range(50):
            if "Shop" in person.open(page):
                break
            page = f"/dashboards/health/{row}"
        first = until(lambda: "Now: healthy" in person.open(page), "looked at")
        target.status = 503
        failed = until(lambda: "Confirmed down" in person.open(page), "seen to fail")
        assert "It answered 503, not 200 to 399." in person.open(page)
        heard = until(lambda: any("Shop is down" in each for each in mails(inbox)), "heard of")
        assert "Shop" in person.open("/dashboards/alerts")
        alert = person.link("/admin/operations/alert/", "a[href*='/alert/'][href*='/change/']")
        assert alert, person.open("/admin/operations/alert/")
        silence = person.link(alert, "a[href*='/alert/'][href$='/silence/']")
        assert "Silenced for 4 hours" in person.send(silence, {"hours": 4}, ONLY_BUTTON)
        target.status = 200
        ended = until(lambda: "Confirmed up" in person.open(page), "seen to end")
        assert "Now: healthy" in person.open(page)
        until(lambda: any("down, Shop: resolved" in each for each in mails(inbox)), "heard its end")
        print(  # noqa: T201 - what the fault prints
            f"looked at after {first:.0f} s, down after {failed:.0f} s, mail {heard:.0f} s later,"
            f" up after {ended:.0f} s"
        )
