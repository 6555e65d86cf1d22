"""Registers: what each app makes known under a name when it starts. Pure."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


@contextmanager
def apart(register: dict[str, Entry], entries: Iterable[Entry]) -> Iterator[None]:
    """Let the register hold only `entries` within the block, and what is added in it.

    What was known before comes back after the block. For one thread, such as a test.
    """
    before = dict(register)
    register.clear()
    register.update({each.name: each for each in entries})
    try:
        yield
    finally:
        register.clear()
        register.update(before)
