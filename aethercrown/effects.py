"""What a call has committed, noted in the transaction that commits it.

Services of calls that commit in steps call `record`; the API keeps it beside the caller's
Idempotency-Key, so that a repeat whose first answer was lost is answered from the rows instead of
acting again. Outside such a call nothing is recorded.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Recorder = Callable[[Mapping[str, Any]], None]


def record_nothing(_effect: Mapping[str, Any]) -> None:
    """The recorder outside a call with an Idempotency-Key."""


_recorder: ContextVar[Recorder] = ContextVar("recorder", default=record_nothing)


def record(effect: Mapping[str, Any]) -> None:
    """Note a reference to what this transaction commits, such as a key and its new version."""
    _recorder.get()(effect)


@contextmanager
def recorded_by(recorder: Recorder) -> Iterator[None]:
    """In this block `record` calls `recorder`."""
    token = _recorder.set(recorder)
    try:
        yield
    finally:
        _recorder.reset(token)
