"""Why a task waits, in words: the same for tasks in memory and in rows."""

from collections.abc import Sequence

NAMED = 5  # tasks that a text names


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f", {more} more" if more > 0 else "")


def blocked(names: Sequence[str]) -> str:
    return f"blocked by {listed(names)}"


def no_worker(pool: str) -> str:
    return f"no worker in its pool ({pool})"


def behind(ahead: int) -> str:
    return f"behind {ahead}"
