"""The values of one secret in a process's memory: which one is active, and when to read again.

A new value becomes active ACTIVATION_DELAY after it was stored, when every process has read it.
So no process meets a value that it does not know, and none reads the database at each request.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

CACHE_SECONDS = 150.0
ACTIVATION_DELAY = timedelta(minutes=10)  # far above CACHE_SECONDS and the clocks' skew


class StoredSecret(NamedTuple):
    """One stored value."""

    number: int
    value: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CachedSecret:
    """All values, the newest first; `active` is the index in use, `until` in clock seconds."""

    values: tuple[str, ...] = field(repr=False)
    active: int
    until: float

    @property
    def value(self) -> str:
        return self.values[self.active]


def cached(rows: Sequence[StoredSecret], now: datetime, clock: float) -> CachedSecret:
    """Choose the active value of `rows` (newest first, at least one), read at `clock` seconds.

    It is the newest that is older than ACTIVATION_DELAY; of values stored together, the newest.
    """
    limit = max(now - ACTIVATION_DELAY, rows[-1].created_at)
    active = next(place for place, row in enumerate(rows) if row.created_at <= limit)
    return CachedSecret(tuple(row.value for row in rows), active, clock + CACHE_SECONDS)
