"""A first key is registered and rotated in the admin, as docs/security.md describes.

The steps of "Your first key in five minutes", pressed in a real browser on a
platform of real processes. It prints how long they took; a person also reads and types.
"""

import os
import time
from pathlib import Path

import pytest

from tests import rig
from tests.browser import Browser
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
ASKED = 300.0  # seconds
NAME = "billing-signing-secret"
VISIBLE = """
const words = arguments[0], all = [...document.querySelectorAll('a, button, input[type=submit]')];
const seen = each => each.offsetParent !== null || each.getClientRects().length;
const bare = each => {
  const copy = each.cloneNode(true);
  copy.querySelectorAll('.material-symbols-outlined').forEach(icon => icon.remove());
  return copy;
};
const said = each => (each.value || bare(each).textContent || '').trim().replace(/\\s+/g, ' ');
const named = each => [said(each), each.getAttribute('aria-label'), each.title].includes(words);
const main = all.filter(named).filter(seen);
"""
PRESS = VISIBLE + "if (!main.length) return false; main[main.length - 1].click(); return true;"
SIGN_IN = """
document.querySelector('input[name=username]').value = 'admin';
document.querySelector('input[name=password]').value = arguments[0];
document.querySelector('form .button').click();
"""
PLUS = "document.querySelector('a[href$=\"/admin/security/managedsecret/add/\"]').click()"
FILL = "document.querySelector('input[name=key_id]').value = arguments[0]"
HELD = "return document.readyState === 'complete' ? document.body.innerText : ''"


def read(window: Browser, words: str, seconds: float = 30.0) -> str:
    """The page's text, once these words stand on it."""
    give_up = time.monotonic() + seconds
    while words not in (text := str(window.run(HELD))):
        assert time.monotonic() < give_up, f"No {words!r} on the page:\n{text}"
        time.sleep(0.05)
    return text


def press(window: Browser, words: str, then: str) -> str:
    assert window.run(PRESS, words), f"Nothing to press is called {words!r}."
    return read(window, then)


def secret(window: Browser) -> str:
    """The value that the page shows this once."""
    shown = "return document.querySelector('main code, #content code').textContent"
    found = str(window.run(shown))
    assert len(found) > 20
    return found


def keep(window: Browser, name: str) -> None:
    """A picture for a person to look at, where SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        (Path(folder) / f"{name}.png").write_bytes(window.screenshot())


def test_a_newcomer_registers_and_rotates_a_first_key_in_under_five_minutes(
    tmp_path: Path, window: Browser
) -> None:
    with rig.running(tmp_path / "data") as stack:
        window.resize(1280, 900)
        began = time.monotonic()
        window.visit(f"{stack.url}/admin/")
        read(window, "Sign in")
        window.run(SIGN_IN, stack.password)
        read(window, "Overview")
        press(window, "Managed keys", "Rotate due keys")
        window.run(PLUS)
        read(window, "Rotator configuration")
        window.run(FILL, NAME)
        keep(window, "register")
        press(window, "Register", "it is not shown again")
        first = secret(window)
        keep(window, "issued")
        listed = press(window, "To the list of managed keys", "Rotate due keys")
        assert NAME in listed
        keep(window, "list")
        press(window, NAME, "Rotate now")
        keep(window, "key")
        press(window, "Rotate now", "Back without changes")
        press(window, "Rotate now", "it is not shown again")
        second = secret(window)
        keep(window, "rotated")
        window.visit(f"{stack.url}/admin/security/managedsecret/?q={NAME}")
        press(window, NAME, "Retiring")
        spent = time.monotonic() - began
        assert first != second
        report(
            fault="a newcomer registers and rotates a first key",
            seconds=round(spent, 1),
            asked=ASKED,
            load=round(os.getloadavg()[0], 1),
            verdict="ok" if spent < ASKED else "failed",
        )
        assert spent < ASKED
