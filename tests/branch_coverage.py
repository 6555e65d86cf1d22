"""Measures which lines and branches the tests run, with SlipCover; loaded by `manage.py test`.

SlipCover puts probes into a module's bytecode as it is imported, and takes out again those that
were hit. Tracing each line, as coverage.py must on Python 3.11, nearly doubles the CPU time of the
suite; this adds a tenth. So it has to begin before any module of ours is imported, and imports
none itself. Each process of the tests leaves one file in COVERAGE_FOLDER; without that variable
nothing is measured. Processes that a test starts are not measured.
"""

import json
import os
from pathlib import Path

import pytest
import slipcover


class Measurement:
    """Coverage of the folders `covered`, kept in `folder` as a file of this process."""

    def __init__(self, folder: Path, covered: list[str]) -> None:
        self.folder = folder
        self.probes = slipcover.Slipcover(branch=True)
        matcher = slipcover.FileMatcher(sources=covered, omit=["*/migrations/*"])
        slipcover.ImportManager(self.probes, matcher).__enter__()

    def pytest_sessionfinish(self) -> None:
        self.folder.mkdir(exist_ok=True)
        text = json.dumps(self.probes.get_coverage())
        (self.folder / f"{os.getpid()}.json").write_text(text, encoding="utf-8")


FOLDER, COVERED = os.environ.get("COVERAGE_FOLDER"), os.environ.get("COVERED", "")
MEASUREMENT = Measurement(Path(FOLDER), COVERED.split(",")) if FOLDER and COVERED else None


def pytest_configure(config: pytest.Config) -> None:
    if MEASUREMENT:
        config.pluginmanager.register(MEASUREMENT)
