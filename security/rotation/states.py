"""Which states of a version follow which, and what must hold for the versions of a key."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

PENDING, CURRENT, RETIRING = "pending", "current", "retiring"
RETIRED, REVOKED, FAILED, COMPROMISED = "retired", "revoked", "failed", "compromised"
FOLLOWS: Mapping[str, frozenset[str]] = {
    PENDING: frozenset({CURRENT, FAILED, RETIRED, REVOKED}),  # retired: a rehearsal's end
    CURRENT: frozenset({RETIRING, REVOKED, COMPROMISED, RETIRED}),
    RETIRING: frozenset({RETIRED, REVOKED, COMPROMISED}),
    RETIRED: frozenset(),
    REVOKED: frozenset(),
    FAILED: frozenset(),
    COMPROMISED: frozenset(),
}
WORKING = frozenset({CURRENT, RETIRING})
LIVE = frozenset({"active", "paused"})  # states of a key that must have a current version


class WrongStep(Exception):
    """The state of the key or of its version forbids the step: the API answers 409."""


def check(name: str, state: str, wanted: str) -> None:
    """Raise WrongStep unless `wanted` follows `state`."""
    if wanted not in FOLLOWS[state]:
        raise WrongStep(f"{name} is {state} and cannot become {wanted}.")


class Row(NamedTuple):
    """A version as the invariants look at it."""

    number: int
    state: str
    holds_value: bool = True
    destroyed: bool = False


def broken(key_state: str, versions: Iterable[Row]) -> list[str]:
    """What does not hold for a key and its versions; empty where all is well."""
    rows = list(versions)
    found = []
    numbers = [row.number for row in rows]
    current = [row.number for row in rows if row.state == CURRENT]
    pending = [row.number for row in rows if row.state == PENDING]
    retiring = [row.number for row in rows if row.state == RETIRING]
    if key_state in LIVE and len(current) != 1:
        found.append(f"{len(current)} versions are current")
    if len(current) > 1 or len(pending) > 1:
        found.append(f"current: {current}, pending: {pending}")
    if len(retiring) > 1:
        found.append(f"{len(retiring)} versions are retiring")
    if len(numbers) != len(set(numbers)):
        found.append(f"numbers repeat: {sorted(numbers)}")
    found += [f"version {row.number} is destroyed and holds a value" for row in rows
              if row.destroyed and row.holds_value]  # fmt: skip
    return found
