"""`python -m aethercrown.gate.coverage_report`: what the tests ran, and whether it is enough.

It merges the files that tests.branch_coverage left in COVERAGE_FOLDER, of the folders COVERED.
"""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any, TextIO

import slipcover

from aethercrown.embedded.prefixed_output import print_lines
from aethercrown.gate.selection import APPS_WITH_FEATURES

MIN_PERCENT = 95.0  # of all lines and branches
DJANGO_MODULES = frozenset({"models", "reports", "api", "admin", "tasks"})
MISSING_WIDTH = 90  # characters of the column that lists what did not run


def merged(files: Iterable[Path], covered: Iterable[str]) -> dict[str, Any]:
    """The coverage of all processes; a file that none of them imported counts as not run."""
    everything = slipcover.Slipcover(branch=True, source=list(covered), omit=["*/migrations/*"])
    found: dict[str, Any] = everything.get_coverage()
    for file in sorted(files):
        slipcover.merge_coverage(found, json.loads(file.read_text(encoding="utf-8")))
    return found


def needs_every_branch(path: PurePath) -> bool:
    """Whether a file is pure or a service: every line and branch of those is tested."""
    inside = path.parts[1:]
    is_feature = path.parts[0] in APPS_WITH_FEATURES and len(inside) > 1
    others = DJANGO_MODULES.union({"migrations", "management"})
    return is_feature and others.isdisjoint({*inside[:-1], path.stem})


def shortfalls(coverage: dict[str, Any]) -> list[str]:
    """A line for each bar that is missed."""
    percent = coverage["summary"]["percent_covered"]
    found = [f"{percent:.2f} % is covered, not {MIN_PERCENT:g} %."] if percent < MIN_PERCENT else []
    return found + [
        f"{name}: {each['summary']['percent_covered']:.2f} %, pure modules and services need 100 %."
        for name, each in sorted(coverage["files"].items())
        if needs_every_branch(PurePath(name)) and each["summary"]["percent_covered"] < 100
    ]


def main(folder: Path, covered: list[str], output: TextIO) -> int:
    """Print what did not run and each bar that is missed; 1 if one is."""
    coverage = merged(folder.glob("*.json"), covered)
    slipcover.print_coverage(
        coverage, outfile=output, skip_covered=True, missing_width=MISSING_WIDTH
    )
    missed = shortfalls(coverage)
    print_lines([f"{coverage['summary']['percent_covered']:.2f} % is covered.", *missed], output)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(
        main(Path(os.environ["COVERAGE_FOLDER"]), os.environ["COVERED"].split(","), sys.stdout)
    )
