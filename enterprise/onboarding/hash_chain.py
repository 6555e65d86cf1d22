"""The hash chain of a flow's log: an entry that is changed or left out is found. Pure."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any


def entry_hash(previous: str, values: Mapping[str, Any]) -> str:
    """SHA-256 over the hash of the entry before and this entry as canonical JSON."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(f"{previous}\n{text}".encode()).hexdigest()


def first_fault(entries: Iterable[tuple[int, str, str, Mapping[str, Any]]]) -> int | None:
    """The number of the first entry that does not fit; None if the chain is whole.

    An entry is (sequence, previous hash, own hash, values), in order; numbers begin at 1.
    """
    last, expected = "", 1
    for sequence, previous, own, values in entries:
        if sequence != expected or previous != last or own != entry_hash(previous, values):
            return expected
        last, expected = own, expected + 1
    return None
