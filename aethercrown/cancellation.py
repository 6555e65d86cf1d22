"""Stop a long calculation between two of its steps. Pure.

Long pure code calls `checkpoint()` in its outer loops; who runs it decides with `checking` or
`deadline` what is checked there. Outside both a checkpoint does nothing.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class DeadlineExceeded(Exception):
    """The calculation took longer than it may."""


def check_nothing() -> None:
    """The check outside `checking`."""


_check: ContextVar[Callable[[], object]] = ContextVar("check", default=check_nothing)


def checkpoint() -> None:
    """Raise if this calculation is to stop."""
    _check.get()()


@contextmanager
def checking(check: Callable[[], object]) -> Iterator[None]:
    """In this block `checkpoint` calls `check`, which raises to stop, and then the outer check."""
    outer = _check.get()

    def both() -> None:
        check()
        outer()

    token = _check.set(both)
    try:
        yield
    finally:
        _check.reset(token)


@contextmanager
def deadline(seconds: float, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """In this block `checkpoint` raises DeadlineExceeded after `seconds`."""
    ends = clock() + seconds

    def check() -> None:
        if clock() > ends:
            raise DeadlineExceeded(f"It took longer than {seconds:g} s.")

    with checking(check):
        yield
