"""Erasures in a file outside the database, so that a restore of an older state repeats them. Pure.

One line an erasure: the customer's number and two times. It names nobody.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PRIVATE_FILE = 0o600


class ErasedCustomer(NamedTuple):
    """The row's number, and when it was created (which tells it from another of that number)."""

    customer: int
    created_at: str


def read(path: Path) -> list[ErasedCustomer]:
    """The erasures of the file; a line that a crash cut short is skipped."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
            found.append(ErasedCustomer(int(row["customer"]), str(row["created_at"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def add(path: Path, erased: Iterable[ErasedCustomer]) -> int:
    """Append the erasures that the file has not yet, and sync it to disk; how many."""
    known = set(read(path))
    new = [each for each in erased if each not in known]
    if new:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        with os.fdopen(handle, "ab") as file:
            text = "".join(f"\n{json.dumps(each._asdict())}" for each in new)
            file.write(f"{text}\n".encode())  # begins a line of its own after a torn one
            file.flush()
            os.fsync(handle)
    return len(new)
