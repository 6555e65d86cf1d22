"""The invariants of a key with its versions, and the points at which a rotation is interrupted."""

from collections.abc import Iterable
from typing import NamedTuple

PENDING, CURRENT, RETIRING = "pending", "current", "retiring"
WITH_CURRENT_VERSION = frozenset({"active", "paused"})  # states of a key
STEPS = (
    *("claim", "create", "set", "note", "test", "finish", "revoke", "retire"),
    *("fail", "undo", "release"),
)
FAILPOINTS = tuple(f"rotation.{when}_{step}" for step in STEPS for when in ("before", "after"))


class VersionState(NamedTuple):
    """What the invariants need to know of a version."""

    number: int
    state: str
    has_value: bool = True
    is_destroyed: bool = False


def violations(key_state: str, versions: Iterable[VersionState]) -> list[str]:
    """The broken invariants of a key and its versions, as texts."""
    rows = list(versions)
    found = []
    numbers = [row.number for row in rows]
    current = [row.number for row in rows if row.state == CURRENT]
    pending = [row.number for row in rows if row.state == PENDING]
    retiring = [row.number for row in rows if row.state == RETIRING]
    if key_state in WITH_CURRENT_VERSION and len(current) != 1:
        found.append(f"{len(current)} versions are current")
    if len(current) > 1 or len(pending) > 1:
        found.append(f"current: {current}, pending: {pending}")
    if len(retiring) > 1:
        found.append(f"{len(retiring)} versions are retiring")
    if len(numbers) != len(set(numbers)):
        found.append(f"numbers repeat: {sorted(numbers)}")
    found += [f"version {row.number} is destroyed and holds a value" for row in rows
              if row.is_destroyed and row.has_value]  # fmt: skip
    return found
