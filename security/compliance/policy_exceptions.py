"""Exceptions for an auditor: where a key was not managed as its policy demands. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from aethercrown.formatting import counted


class KeySummary(NamedTuple):
    """The columns of a key that the rules need."""

    key_id: str
    level: str
    state: str
    due_at: datetime
    fail_count: int
    last_error: str


class VersionSummary(NamedTuple):
    """One version of a key."""

    key_id: str
    number: int
    state: str
    current_at: datetime | None
    replaced_at: datetime | None
    extended_at: datetime | None
    interval: timedelta


class PolicyException(NamedTuple):
    """One row of the table of exceptions."""

    kind: str
    key_id: str
    version: int | None
    at: datetime | None
    message: str


def of_keys(keys: Iterable[KeySummary], now: datetime) -> Iterator[PolicyException]:
    """Keys that are overdue, paused, failing or without a value."""
    for key in keys:
        if key.state in {"active", "paused", "failed"} and key.due_at <= now:
            late = (now - key.due_at).days
            message = f"{key.level}, due for {counted(late, 'day')}."
            yield PolicyException("overdue", key.key_id, None, key.due_at, message)
        if key.state == "paused":
            yield PolicyException(
                "paused", key.key_id, None, None, "Not rotated until it is resumed."
            )
        if key.state == "failed":
            yield PolicyException("no value", key.key_id, None, None, "No value of this key works.")
        if key.fail_count:
            message = f"{counted(key.fail_count, 'failure')} in a row: {key.last_error}"
            yield PolicyException("failing", key.key_id, None, None, message)


def of_versions(versions: Iterable[VersionSummary], now: datetime) -> Iterator[PolicyException]:
    """Versions that were compromised, failed, were extended, or stayed current for too long."""
    for each in versions:
        if each.state == "compromised":
            message = "Refused at once, without grace."
            yield PolicyException(
                "compromised", each.key_id, each.number, each.replaced_at, message
            )
        if each.state == "failed":
            message = "Never became current: it could not be set, or did not work."
            yield PolicyException("failed", each.key_id, each.number, None, message)
        if each.extended_at is not None:
            message = "Still in use at its end, which was extended once."
            yield PolicyException("extended", each.key_id, each.number, each.extended_at, message)
        if each.current_at is not None:
            current_for = (each.replaced_at or now) - each.current_at
            if current_for > each.interval:
                lasted = counted(current_for.days, "day")
                message = f"Current for {lasted}; the interval is {each.interval.days}."
                yield PolicyException(
                    "current too long", each.key_id, each.number, each.current_at, message
                )
