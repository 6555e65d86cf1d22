"""Every point at which a rotation can be struck: before and after each commit and outside call."""

from collections.abc import Callable

Strike = Callable[[str], None]
STEPS = (
    *("claim", "create", "set", "note", "test", "finish", "revoke", "retire"),
    *("fail", "undo", "release"),
)
NAMES = tuple(f"rotation.{when}_{step}" for step in STEPS for when in ("before", "after"))


def nothing(_name: str) -> None:
    """What happens at a failpoint outside tests."""
