"""The hash chain of one stream: each hash covers the hash before it (Haber, Stornetta, 1991). Pure.

The hash is SHA-256 over the previous one, a line feed, and the entry as canonical JSON: sorted
keys, no spaces, ASCII, integers and strings only, times in UTC to the microsecond. Rows of history
have a stream for each table, whose events hold the digest of a row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

GENESIS = "0" * 64  # before the first link of a stream
MAX_DETAIL_CHARACTERS = 10_000
encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """The hashed part of an event; `detail` is canonical JSON."""

    stream: str
    seq: int
    at: datetime
    event: str
    subject: str
    actor: str
    detail: str


def canonical(detail: Mapping[str, str | int]) -> str:
    """`detail` as canonical JSON. Raises TypeError for values other than str and int."""
    for name, value in detail.items():
        if type(name) is not str or type(value) not in (str, int):
            raise TypeError(f"detail[{name!r}] is {type(value).__name__}: must be str or int.")
    text = encode(dict(detail))
    if len(text) > MAX_DETAIL_CHARACTERS:
        raise ValueError(
            f"The detail has {len(text)} characters: at most {MAX_DETAIL_CHARACTERS} are allowed."
        )
    return text


def link_hash(previous: str, entry: ChainEntry) -> str:
    """The hash, in hex, of `entry` after the link whose hash is `previous`."""
    body = encode(
        [
            entry.stream,
            entry.seq,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.event,
            entry.subject,
            entry.actor,
            entry.detail,
        ]
    )
    return sha256(f"{previous}\n{body}".encode("ascii")).hexdigest()


def storable(text: str, max_characters: int) -> str:
    """`text` without NUL and lone surrogates, at most `max_characters` long."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")[:max_characters]


# --- The history of tracked tables --------------------------------------------------------------
HISTORY_ERASED = "history.erased"  # a person's data: the row's digest from then on


def history_stream(table: str) -> str:
    """The stream of a tracked table, such as history:operations.automation."""
    return f"history:{table}"


def row_digest(row: Mapping[str, object]) -> str:
    """SHA-256, in hex, of a row of history with its columns as read from the database."""
    plain = {name: _plain(value) for name, value in row.items()}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(text.encode("ascii")).hexdigest()


def _plain(value: object) -> object:
    """Times in UTC, as databases differ in the zone that they answer in."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
