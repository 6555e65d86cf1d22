"""The gate's second run, on SQLite: only what a database can decide, and little coverage.

It keeps the tests of models, services and reports, and all tests of a feature that has code of
its own for each database (known by the word `vendor`). Requests, forms, pages and the parts of
the demo company ran on PostgreSQL, over the same services; a test of the first start loads the
whole demo company here too. A file that is left out is not even imported. Coverage nearly
doubles the CPU time of a test, and the first run measures the rest: here it is measured only in
the tests of features with two ways.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

from aethercrown.gate.selection import APPS

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("models", "services", "reports")


def vendor_specific_features() -> tuple[str, ...]:
    """Folders such as `security/audit`."""
    found = set()
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            place = file.relative_to(ROOT)
            inside = len(place.parts) > 2 and place.parts[1] not in {"migrations", "gate"}
            if inside and "vendor" in file.read_text(encoding="utf-8"):
                found.add("/".join(place.parts[:2]))
    return tuple(sorted(found))


def tests_a_layer(place: Path) -> bool:
    """Whether a test file is about models, services or reports, by its name or its folder."""
    is_layer = place.stem.removeprefix("test_") in LAYERS or place.parent.name in LAYERS
    return is_layer and place.parent.name != "demo"


class SecondRun:
    """Leaves tests out, and measures coverage during the tests of vendor-specific features."""

    def __init__(self, features: tuple[str, ...], file: str) -> None:
        self.folders = tuple(str(ROOT / "tests" / each) + os.sep for each in features)
        self.imports = tuple(f"from {each.replace('/', '.')}" for each in features)
        self.known: dict[Path, bool] = {}
        self.coverage = coverage.Coverage(
            data_file=file,
            data_suffix=True,
            branch=True,
            config_file=False,
            include=[str(ROOT / each / "*") for each in features],
        )
        self.used = False

    def is_vendor_specific(self, file: Path) -> bool:
        """Whether the test file belongs to such a feature, or imports it."""
        if file not in self.known:
            text = file.read_text(encoding="utf-8")
            inside = str(file).startswith(self.folders)
            self.known[file] = inside or any(each in text for each in self.imports)
        return self.known[file]

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
        if not is_test or tests_a_layer(collection_path):
            return None
        return None if self.is_vendor_specific(collection_path) else True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if not self.is_vendor_specific(item.path):
            return (yield)
        self.used = True
        self.coverage.start()
        try:
            return (yield)
        finally:
            self.coverage.stop()

    def pytest_sessionfinish(self) -> None:
        if self.used:
            self.coverage.save()


def pytest_configure(config: pytest.Config) -> None:
    file = os.environ.get("COVERAGE_FILE", ".coverage")
    config.pluginmanager.register(SecondRun(vendor_specific_features(), file))
