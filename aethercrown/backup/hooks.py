"""What apps know of a back-up that the kernel does not: what it needs, and what must follow it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError


def nothing() -> Any:
    return None


def no_objection(_needs: Any) -> list[str]:
    return []


def no_work(_now: datetime, _needs: Any) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class BackupHook:
    """`needs` goes into the manifest. `refusals` are looked at before anything is touched.

    `settle` works on the restored rows and says what a person should know. `note` looks at rows
    that are about to be replaced, and `compare` says what they knew that the restored do not.
    """

    name: str
    needs: Callable[[], Any] = nothing
    refusals: Callable[[Any], list[str]] = no_objection
    settle: Callable[[datetime, Any], list[str]] = no_work
    note: Callable[[], Any] = nothing
    compare: Callable[[Any], list[str]] = no_objection


_parts: dict[str, BackupHook] = {}


def register(part: BackupHook) -> None:
    """Make a part known; doing it again changes nothing."""
    _parts[part.name] = part


def needs() -> dict[str, Any]:
    return {name: part.needs() for name, part in _parts.items()}


def refusals(wanted: Mapping[str, Any]) -> list[str]:
    return [each for name, part in _parts.items() for each in part.refusals(wanted.get(name))]


def finalize_restore(now: datetime, wanted: Mapping[str, Any]) -> list[str]:
    return [each for name, part in _parts.items() for each in part.settle(now, wanted.get(name))]


def measure() -> dict[str, Any]:
    """What the rows that will be replaced know; nothing where they cannot be read."""
    try:
        return {name: part.note() for name, part in _parts.items()}
    except DatabaseError:
        return {}


def compare(before: Mapping[str, Any]) -> list[str]:
    return [
        each
        for name, part in _parts.items()
        if before.get(name) is not None
        for each in part.compare(before[name])
    ]
