"""The values of one secret as a process keeps them: which is in use, and when to look again.

A new value is made known first and used later, when each process has read it: so none meets
what it cannot check, and none needs to ask the database at each request.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

FRESH_SECONDS = 150.0  # that a process keeps what it has read
SETTLING = timedelta(minutes=10)  # from known to used: far above FRESH_SECONDS and clocks' skew


class Kept(NamedTuple):
    """One stored value."""

    number: int
    value: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """All values of a secret, the newest first; `used` is the place of the one in use."""

    values: tuple[str, ...] = field(repr=False)
    numbers: tuple[int, ...]
    used: int
    until: float

    @property
    def value(self) -> str:
        return self.values[self.used]


def held(rows: Sequence[Kept], now: datetime, clock: float) -> Held:
    """What a process keeps of `rows`, newest first and at least one, read at `clock` seconds.

    In use is the newest that is old enough; of values that were made together, the newest.
    """
    limit = max(now - SETTLING, rows[-1].made_at)
    used = next(place for place, row in enumerate(rows) if row.made_at <= limit)
    values, numbers = (row.value for row in rows), (row.number for row in rows)
    return Held(tuple(values), tuple(numbers), used, clock + FRESH_SECONDS)
