"""What apps add to back-ups and restores: requirements, refusals, and work after a restore."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from aethercrown.registry import Registry


@dataclass(frozen=True, slots=True)
class BackupHook:
    """The functions of one app; each is optional.

    `needs`: what goes into the manifest. `refusals`: given that, why a back-up cannot be used
    here; called before anything is changed. `finalize`: works on the restored rows and returns
    notes for a person. `snapshot`: what is read from rows before they are replaced, and
    `compare`: given that, what the restored rows lack.
    """

    name: str
    needs: Callable[[], Any] = lambda: None
    refusals: Callable[[Any], list[str]] = lambda _needs: []
    finalize: Callable[[datetime, Any], list[str]] = lambda _now, _needs: []
    snapshot: Callable[[], Any] = lambda: None
    compare: Callable[[Any], list[str]] = lambda _snapshot: []


registered = Registry[BackupHook]("back-up hook")


def needs() -> dict[str, Any]:
    return {hook.name: hook.needs() for hook in registered}


def refusals(wanted: Mapping[str, Any]) -> list[str]:
    return [each for hook in registered for each in hook.refusals(wanted.get(hook.name))]


def finalize_restore(now: datetime, wanted: Mapping[str, Any]) -> list[str]:
    return [each for hook in registered for each in hook.finalize(now, wanted.get(hook.name))]


def snapshot() -> dict[str, Any]:
    """What each hook reads from the rows before the restore; nothing where that fails."""
    try:
        return {hook.name: hook.snapshot() for hook in registered}
    except DatabaseError:
        return {}


def compare(before: Mapping[str, Any]) -> list[str]:
    return [
        each
        for hook in registered
        if before.get(hook.name) is not None
        for each in hook.compare(before[hook.name])
    ]
