"""The digest of a row of history as canonical JSON, and the event that records it. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

HISTORY = "history:"
ACTS = {"+": "history.created", "~": "history.changed", "-": "history.deleted"}


def stream(table: str) -> str:
    """The stream of a tracked table, such as history:operations.automation."""
    return f"{HISTORY}{table}"


def subject(table: str, key: object) -> str:
    """What a row of history is about: the tracked row."""
    return f"{table}:{key}"


def digest(row: Mapping[str, object]) -> str:
    """SHA-256, in hex, of the row's columns as read from the database."""
    text = json.dumps(
        {name: _plain(value) for name, value in row.items()},
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return sha256(text.encode("ascii")).hexdigest()


def _plain(value: object) -> object:
    """Times in UTC, as databases differ in the zone that they answer in."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
