"""The gate's second run, on SQLite: only what a database can decide.

It keeps the tests of models, services and reports, and all tests of a feature that has code of
its own for each database (known by the word `vendor`). Requests, forms, pages and the parts of
the demo company ran on PostgreSQL, over the same services; a test of the first start loads the
whole demo company here too. A file that is left out is not even imported.
"""

import os
from pathlib import Path

import pytest

from aethercrown.gate.selection import vendor_specific_features

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("models", "services", "reports")


def tests_a_layer(place: Path) -> bool:
    """Whether a test file is about models, services or reports, by its name or its folder."""
    is_layer = place.stem.removeprefix("test_") in LAYERS or place.parent.name in LAYERS
    return is_layer and place.parent.name != "demo"


class SecondRun:
    """Leaves tests out."""

    def __init__(self, features: tuple[str, ...]) -> None:
        self.folders = tuple(str(ROOT / "tests" / each) + os.sep for each in features)
        self.imports = tuple(f"from {each.replace('/', '.')}" for each in features)
        self.known: dict[Path, bool] = {}

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


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SecondRun(vendor_specific_features(ROOT)))
