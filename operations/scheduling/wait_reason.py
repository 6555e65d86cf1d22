"""Why a task waits, in words; the same for tasks in memory and in the database."""

from collections.abc import Sequence

MAX_NAMES = 5  # tasks named in a text


def list_names(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f", {more} more" if more > 0 else "")


def blocked(names: Sequence[str]) -> str:
    return f"blocked by {list_names(names)}"


def no_worker(pool: str, last_call: str = "") -> str:
    """`last_call` is when the last of those that are silent now called, in words."""
    silent = f" calls any more: the last call was {last_call}" if last_call else ""
    return f"no worker in its pool ({pool}){silent}"


def behind(ahead: int) -> str:
    return f"behind {ahead}"
