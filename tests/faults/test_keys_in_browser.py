"""A security officer's day in a browser, on a platform of real processes.

A secret gets a delivery channel, is tested, rotated, bound and revoked by the buttons that the
pages show; another program asks for its value by API.
"""

import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests import rig, template
from tests.browser import Browser
from tests.faults.crew import wait_for
from tests.faults.test_newcomer import HELD, PRESS, SIGN_IN, keep, press, read, secret
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
SECURITY = "/admin/security"
FILL = """
for (const [name, value] of Object.entries(arguments[0])) {
  const field = document.querySelector(`form [name="${name}"]`);
  if (field.type === 'checkbox') { field.checked = value; continue; }
  if (field.tagName === 'SELECT' && ![...field.options].some(each => each.value === value))
    field.add(new Option(value, value));
  field.value = value;
}
"""
CHOOSE_FIRST = """
document.querySelector('input[name=_selected_action]').click();
const action = document.querySelector('select[name=action]');
action.value = [...action.options].find(each => each.text === arguments[0]).value;
action.dispatchEvent(new Event('change', {bubbles: true}));
document.querySelector('#changelist-form').requestSubmit(
  document.querySelector('#changelist-form button[name=index], #changelist-form [type=submit]'));
"""
DATABASE = {"host": "db1.example.com", "dbname": "shop", "roles": ["shop_a", "shop_b"]}


class Desk:
    """A browser on the platform's pages."""

    def __init__(self, window: Browser, stack: rig.Stack) -> None:
        self.window, self.url = window, stack.url

    def open(self, path: str, words: str) -> str:
        self.window.visit(f"{self.url}{path}")
        return read(self.window, words)

    def sign_in(self, password: str, name: str = "admin") -> None:
        self.window.visit(f"{self.url}/login")
        read(self.window, "Sign in")
        self.window.run(SIGN_IN.replace("'admin'", f"'{name}'"), password)
        read(self.window, "Overview")

    def add(self, model: str, words: str, verb: str, then: str, **fields: object) -> str:
        self.open(f"{SECURITY}/{model}/add/", words)
        self.window.run(FILL, fields)
        return press(self.window, verb, then)

    def key_page(self, number: int, words: str = "Schedule") -> str:
        return self.open(f"{SECURITY}/managedsecret/{number}/change/", words)


def ask(url: str, key: str, body: object = None) -> tuple[int, dict[str, object]]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    try:
        with urlopen(Request(url, data, headers), timeout=30) as answer:  # noqa: S310 - loopback
            return answer.status, json.loads(answer.read())["data"]
    except HTTPError as error:
        return error.code, json.loads(error.read())


def test_an_officer_does_all_of_it_by_the_buttons(tmp_path: Path, window: Browser) -> None:
    files = tmp_path / "files"
    files.mkdir()
    folder = tmp_path / "data"
    template.migrated_folder(folder)
    with rig.running(folder, KEY_FILES_DIR=str(files)) as stack:
        window.resize(1280, 900)
        desk = Desk(window, stack)
        desk.sign_in(stack.password)
        desk.add(
            "managedsecret", "Rotator configuration", "Register", "not shown again", key_id="shop"
        )
        first = secret(window)
        delivered(desk, files / "shop.txt", first)
        rotate(desk, 1)
        rotated = secret(window)
        assert (files / "shop.txt").read_text("utf-8") == rotated != first
        bound(desk)
        puller = pulled(desk, stack)
        assert (
            ask(f"{stack.url}/api/v1/operational/security/keys/shop/value", puller)[1]["value"]
            == rotated
        )
        ended(desk, files / "shop.txt")
        assert ask(f"{stack.url}/api/v1/operational/security/keys/shop/value", puller)[0] == 409
    report(fault="keys by the buttons", steps=8, verdict="ok")


def delivered(desk: Desk, path: Path, value: str) -> None:
    """A file channel, which a worker tests with the current value."""
    desk.add(
        "keychannel", "private networks", "Save", "added successfully",
        key="1", name="shop server", kind="file", config=json.dumps({"path": path.name}),
    )  # fmt: skip
    desk.open(f"{SECURITY}/keychannel/", "shop server")
    desk.window.run(CHOOSE_FIRST, "Test with the current value")
    read(desk.window, "A worker tests shop: shop server")
    wait_for(path.exists, 60)
    assert path.read_text("utf-8") == value
    keep(desk.window, "channel")


def rotate(desk: Desk, number: int, then: str = "not shown again") -> None:
    """Press the button, again where a worker was slower than the page waits."""
    for _ in range(10):
        desk.key_page(number)
        press(desk.window, "Rotate now", "Back without changes")
        assert desk.window.run(PRESS, "Rotate now")
        if then in wait_for(lambda: said(desk.window, then, "A worker goes on"), 60):
            return
    raise AssertionError(f"The page never said {then!r}.")


def said(window: Browser, *words: str) -> str:
    """The page's text if it has any of these words."""
    text = str(window.run(HELD))
    return text if any(each in text for each in words) else ""


def bound(desk: Desk) -> None:
    """A binding to a target that no configuration names is refused with those that are."""
    desk.add(
        "managedsecret", "Rotator configuration", "Register", "is registered",
        key_id="db", rotator="database_password", value="first", config=json.dumps(DATABASE),
    )  # fmt: skip
    asked = {"key": "2", "purpose": "database", "host": "db2.example.com", "port": "5432"}
    desk.add("secretbinding", "private networks", "Save", "would never be used", **asked)
    keep(desk.window, "unknown target")
    desk.window.run(FILL, {"host": "db1.example.com"})
    press(desk.window, "Save", "added successfully")
    rotate(desk, 2, "keeps its value")  # there is no such server
    keep(desk.window, "refused")


def pulled(desk: Desk, stack: rig.Stack) -> str:
    """An API key that may ask for the value, and the channel that names it."""
    desk.open(f"{SECURITY}/apikey/add/", "What the key opens")
    desk.window.run(FILL, {"name": "puller", "reason": "the walk"})
    desk.window.run(
        "document.querySelector('input[name=scopes][value=\"security:reveal\"]').checked = true"
    )
    press(desk.window, "Save", "rotate it")
    text = secret(desk.window)
    status, _ = ask(f"{stack.url}/api/v1/operational/security/keys/shop/value", text)
    assert status == 403
    desk.open(f"{SECURITY}/apikey/?q=puller", "puller")
    number = desk.window.run("return document.querySelector('[name=_selected_action]').value")
    desk.add(
        "keychannel", "private networks", "Save", "added successfully",
        key="1", name="another program", kind="pull", api_key=number,
    )  # fmt: skip
    return text


def ended(desk: Desk, path: Path) -> None:
    desk.key_page(1)
    press(desk.window, "Revoke permanently", "This cannot be undone")
    press(desk.window, "Revoke permanently", "Revoked")
    wait_for(lambda: not path.exists(), 120)
    keep(desk.window, "revoked")
