"""The states of a secret's versions, and the invariants of a key with its versions. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

PENDING, CURRENT, RETIRING = "pending", "current", "retiring"
RETIRED, REVOKED, FAILED, COMPROMISED = "retired", "revoked", "failed", "compromised"
ALLOWED: Mapping[str, frozenset[str]] = {
    PENDING: frozenset({CURRENT, FAILED, RETIRED, REVOKED}),  # retired: the end of a rehearsal
    CURRENT: frozenset({RETIRING, REVOKED, COMPROMISED, RETIRED}),
    RETIRING: frozenset({RETIRED, REVOKED, COMPROMISED}),
    RETIRED: frozenset(),
    REVOKED: frozenset(),
    FAILED: frozenset(),
    COMPROMISED: frozenset(),
}
WITH_CURRENT_VERSION = frozenset({"active", "paused"})  # states of a key


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
