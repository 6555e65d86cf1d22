"""What an auditor asks about: where a key was not kept as its policy says."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple


class Kept(NamedTuple):
    """A key as its rules look at it."""

    key_id: str
    level: str
    state: str
    due_at: datetime
    fail_count: int
    last_error: str


class Had(NamedTuple):
    """One version of a key."""

    key_id: str
    number: int
    state: str
    reason: str
    current_at: datetime | None
    replaced_at: datetime | None
    extended_at: datetime | None
    interval: timedelta


class Finding(NamedTuple):
    """One row of the table of exceptions."""

    kind: str
    key_id: str
    version: int | None
    at: datetime | None
    words: str


def of_keys(keys: Iterable[Kept], now: datetime) -> Iterator[Finding]:
    """Keys that are late, stand still or fail."""
    for key in keys:
        if key.state in {"active", "paused", "failed"} and key.due_at <= now:
            late = (now - key.due_at).days
            words = f"{key.level}, due for {late} days."
            yield Finding("overdue", key.key_id, None, key.due_at, words)
        if key.state == "paused":
            yield Finding("paused", key.key_id, None, None, "Not rotated until it is resumed.")
        if key.state == "failed":
            yield Finding("no value", key.key_id, None, None, "No value of this key works.")
        if key.fail_count:
            words = f"{key.fail_count} failures in a row: {key.last_error}"
            yield Finding("failing", key.key_id, None, None, words)


def of_versions(versions: Iterable[Had], now: datetime) -> Iterator[Finding]:
    """Versions that were compromised, failed, were put off, or were kept for too long."""
    for each in versions:
        if each.state == "compromised":
            words = "Refused at once, without grace."
            yield Finding("compromised", each.key_id, each.number, each.replaced_at, words)
        if each.state == "failed":
            words = "Never became current: it could not be set, or did not work."
            yield Finding("failed", each.key_id, each.number, None, words)
        if each.extended_at is not None:
            words = "Still in use at its end, which was put off once."
            yield Finding("put off", each.key_id, each.number, each.extended_at, words)
        if each.current_at is not None:
            kept = (each.replaced_at or now) - each.current_at
            if kept > each.interval:
                words = f"Current for {kept.days} days; the interval is {each.interval.days}."
                yield Finding("kept too long", each.key_id, each.number, each.current_at, words)
