"""The gate's second run, on SQLite: only what a database can decide.

It keeps the tests of models, services and reports. Of a feature that has code of its own for each
database (known by the word `vendor`) it keeps all but admin and pages, and everywhere the tests
that import such code. Requests, forms, pages and the parts of the demo company ran on PostgreSQL,
over the same services; a test of the first start loads the whole demo company here too. A file
that is left out is not even imported.
"""

import os
from pathlib import Path

import pytest

from aethercrown.gate.selection import feature_folders, vendor_specific_modules

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("models", "services", "reports")
PAGES = ("admin", "views", "browser")


def tests_a_layer(place: Path) -> bool:
    """Whether a test file is about models, services or reports, by its name or its folder."""
    is_layer = place.stem.removeprefix("test_") in LAYERS or place.parent.name in LAYERS
    return is_layer and place.parent.name != "demo"


class SecondRun:
    """Leaves tests out; `modules` have a way for each database."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.folders = tuple(
            str(ROOT / "tests" / each) + os.sep for each in feature_folders(modules)
        )
        self.imports = tuple(f"from {each} import" for each in modules)

    def is_vendor_specific(self, file: Path) -> bool:
        """Whether a test file is about code with two ways, by its place or by what it imports."""
        text = file.read_text(encoding="utf-8")
        is_page = file.stem.removeprefix("test_") in PAGES
        inside = str(file).startswith(self.folders) and not is_page
        return inside or any(each in text for each in self.imports)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
        if not is_test or tests_a_layer(collection_path):
            return None
        return None if self.is_vendor_specific(collection_path) else True


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SecondRun(vendor_specific_modules(ROOT)))
