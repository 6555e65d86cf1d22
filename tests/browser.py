"""A real browser for tests and screenshots: WebDriver (W3C) over plain HTTP, stdlib only.

Chromium and its chromedriver are found at $CHROMIUM and $CHROMEDRIVER or on the PATH. It
reaches only the loopback interface: other names do not resolve, and requests are listed.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """The paths of the browser and its driver."""

    browser: str
    driver: str


def programs() -> Programs | None:
    """Both programs, or None where one is missing."""
    browser = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    driver = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
    return Programs(browser, driver) if browser and driver else None


class DriverError(RuntimeError):
    """The driver answered with an error."""


class Browser:
    """One window."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._session = ""

    def open(self, binary: str, profile: str) -> None:
        options = {"binary": binary, "args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        made = self._request("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"
        seconds = {"script": 300_000, "pageLoad": 120_000}  # in milliseconds; machines are busy
        self._request("POST", f"{self._session}/timeouts", seconds)

    def close(self) -> None:
        if self._session:
            self._request("DELETE", self._session)

    def visit(self, address: str) -> None:
        self._request("POST", f"{self._session}/url", {"url": address})

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """The window's inner size in CSS pixels, and what the device prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.devtools("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", {"features": [scheme]})

    def scripts(self, *, on: bool) -> None:
        self.devtools("Emulation.setScriptExecutionDisabled", {"value": not on})

    def sign_in(self, address: str, name: str, value: str) -> None:
        """Set a session cookie for the server at `address`."""
        cookie = {"url": address, "name": name, "value": value, "httpOnly": True}
        self.devtools("Network.setCookie", cookie)

    def reset(self) -> None:
        """Reset the page, cookies, storage and logs."""
        self.run("try { localStorage.clear(); sessionStorage.clear(); } catch (refused) {}")
        self.devtools("Network.clearBrowserCookies", {})
        self.visit("about:blank")
        self.console_problems()
        self.requests()

    def run(self, script: str, *arguments: object) -> Any:
        body = {"script": script, "args": list(arguments)}
        return self._request("POST", f"{self._session}/execute/sync", body)

    def run_async(self, script: str, *arguments: object) -> Any:
        """Run a script that hands its result to its last argument, a function."""
        body = {"script": script, "args": list(arguments)}
        return self._request("POST", f"{self._session}/execute/async", body)

    def devtools(self, command: str, parameters: Mapping[str, object]) -> Any:
        body = {"cmd": command, "params": parameters}
        return self._request("POST", f"{self._session}/goog/cdp/execute", body)

    def screenshot(self, *, whole: bool = True) -> bytes:
        """The page as PNG; the whole of it or what the window shows."""
        shot = self.devtools(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole}
        )
        return base64.b64decode(shot["data"])

    def console_problems(self) -> list[str]:
        """The console's errors and warnings since the last call, such as policy violations."""
        entries = self._log("browser")
        return [each["message"] for each in entries if each["level"] in {"SEVERE", "WARNING"}]

    def requests(self) -> list[str]:
        """The addresses requested since the last call."""
        messages = [json.loads(each["message"])["message"] for each in self._log("performance")]
        return [
            each["params"]["request"]["url"]
            for each in messages
            if each["method"] == "Network.requestWillBeSent"
        ]

    def received_bytes(self) -> int:
        """How many bytes came over the wire since the last call; none from the cache."""
        messages = [json.loads(each["message"])["message"] for each in self._log("performance")]
        return sum(
            int(each["params"]["encodedDataLength"])
            for each in messages
            if each["method"] == "Network.loadingFinished"
        )

    def _log(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._request(
            "POST", f"{self._session}/se/log", {"type": kind}
        )
        return found

    def _request(self, method: str, path: str, body: object = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=150)
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise DriverError(f"{answer['error']}: {answer.get('message', '')[:300]}")
        return answer


@contextmanager
def browsing(found: Programs) -> Iterator[Browser]:
    """A browser with a new profile, until the end of the block."""
    port = _free_port()
    # no TemporaryDirectory: a forked child of a test would delete it too
    folder = Path(tempfile.mkdtemp(prefix="browser-"))
    with (folder / "driver.log").open("wb") as output:
        driver = subprocess.Popen(  # noqa: S603 - the two programs found above
            [found.driver, f"--port={port}"], stdout=output, stderr=subprocess.STDOUT
        )
    browser = Browser(port)
    try:
        _wait_for_driver(port, driver)
        browser.open(found.browser, f"{folder}/profile")
        yield browser
    finally:
        try:
            browser.close()
        finally:
            driver.terminate()
            driver.wait(10)
            shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for_driver(port: int, driver: "subprocess.Popen[bytes]") -> None:
    """Wait until the driver listens, at most 20 seconds."""
    for _ in range(200):
        if driver.poll() is not None:
            raise DriverError(f"The driver ended at once with {driver.returncode}.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise DriverError("The driver did not listen within 20 seconds.")


def external(addresses: list[str]) -> list[str]:
    """The addresses that are not on this machine."""
    inside = {"127.0.0.1", "localhost", ""}
    return [
        each
        for each in addresses
        if urlsplit(each).scheme not in {"data", "blob", "chrome"}
        and (urlsplit(each).hostname or "") not in inside
    ]
