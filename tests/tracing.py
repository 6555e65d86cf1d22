"""Counts lines in tests of those features only that have a way of their own for each database.

Tracing nearly doubles the cost of a test (24 s of CPU became 42), and the run on PostgreSQL
counts all the rest: so the gate's second run, on SQLite, loads this instead of pytest-cov. Such
a feature is known by the word `vendor`; the tests of its folder, and those that import it, are
traced and must reach both ways.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

from aethercrown.gate import steps

ROOT = Path(__file__).resolve().parent.parent


def with_two_ways() -> tuple[str, ...]:
    """Folders such as `security/audit`."""
    files = (each for app in steps.APPS for each in ROOT.glob(f"{app}/*/*.py"))
    found = {each.parent for each in files if "vendor" in each.read_text(encoding="utf-8")}
    found = {each for each in found if each.name not in {"migrations", "gate"}}
    return tuple(sorted(str(each.relative_to(ROOT)) for each in found))


class Tracing:
    """Starts with a test of a traced feature and stops after it; stored once, at the end."""

    def __init__(self, features: tuple[str, ...], file: str) -> None:
        self.folders = tuple(str(ROOT / "tests" / each) + os.sep for each in features)
        self.names = tuple(f"from {each.replace('/', '.')}" for each in features)
        self.traced: dict[Path, bool] = {}
        self.lines = coverage.Coverage(
            data_file=file,
            data_suffix=True,
            branch=True,
            config_file=False,
            include=[str(ROOT / each / "*") for each in features],
        )
        self.used = False

    def is_traced(self, file: Path) -> bool:
        if file not in self.traced:
            text = file.read_text(encoding="utf-8")
            inside = str(file).startswith(self.folders)
            self.traced[file] = inside or any(each in text for each in self.names)
        return self.traced[file]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if not self.is_traced(item.path):
            return (yield)
        self.used = True
        self.lines.start()
        try:
            return (yield)
        finally:
            self.lines.stop()

    def pytest_sessionfinish(self) -> None:
        if self.used:
            self.lines.save()


def pytest_configure(config: pytest.Config) -> None:
    file = os.environ.get("COVERAGE_FILE", ".coverage")
    config.pluginmanager.register(Tracing(with_two_ways(), file))
