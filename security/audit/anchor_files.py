"""Anchors in files, which the owner of the database cannot change. Pure.

One line an anchor, one file a month. A line that a crash cut short is skipped, and written again
with the next anchor.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from security.audit.anchors import AnchorRecord, from_line

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


class InvalidAnchorFile(ValueError):
    """A line is no anchor, or two lines of one number differ."""


def read_all(folder: Path) -> list[AnchorRecord]:
    """Every anchor of the folder, sorted by number. Raises InvalidAnchorFile with the bad line."""
    found: dict[int, AnchorRecord] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for record in _lines(path):
            if found.setdefault(record.number, record) != record:
                raise InvalidAnchorFile(f"{path.name} holds two different anchors {record.number}")
    return [found[number] for number in sorted(found)]


def append(folder: Path, records: Iterable[AnchorRecord]) -> int:
    """Append anchors to the file of their month, and sync it to disk; how many."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    count = 0
    for record in records:
        _append(folder / f"{record.at[:7]}.jsonl", record.line())
        count += 1
    return count


def _lines(path: Path) -> list[AnchorRecord]:
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1].splitlines()
    records = []
    for number, line in enumerate(whole, start=1):
        try:
            records.append(from_line(line))
        except json.JSONDecodeError:
            continue  # cut short by a crash; where somebody cut it, its number is missing
        except ValueError as error:
            raise InvalidAnchorFile(f"{path.name} line {number} is no anchor") from error
    return records


def _append(path: Path, line: str) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    with os.fdopen(handle, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        file.write(("\n" if torn else "").encode() + line.encode() + b"\n")
        file.flush()
        os.fsync(handle)
