"""The points at which tests interrupt a rotation: around each commit and each target call."""

from collections.abc import Callable

Failpoint = Callable[[str], None]
STEPS = (
    *("claim", "create", "set", "note", "test", "finish", "revoke", "retire"),
    *("fail", "undo", "release"),
)
NAMES = tuple(f"rotation.{when}_{step}" for step in STEPS for when in ("before", "after"))


def no_failpoint(_name: str) -> None:
    """What runs outside tests."""
