"""The average of a gauge over time, which holds each reading until the next; pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

DECIMALS = 6


class GaugeReading(NamedTuple):
    """The value of a gauge from a moment on."""

    at: datetime
    value: Decimal


def average(
    opening: Decimal | None, readings: Iterable[GaugeReading], start: datetime, end: datetime
) -> Decimal | None:
    """The average from `start` to `end`, rounded to six decimals; None where nothing is known.

    `opening` is the value at the start. Without one, time counts from the first reading. Of two
    readings at one time the larger is the later one.
    """
    held, since = opening, start
    total, known = Decimal(0), Decimal(0)
    for at, value in sorted(readings):
        if held is not None:
            total, known = _plus(total, known, held, since, at)
        held, since = value, at
    if held is None:
        return None
    total, known = _plus(total, known, held, since, end)
    return round(total / known, DECIMALS) if known else held


def _plus(
    total: Decimal, known: Decimal, held: Decimal, since: datetime, until: datetime
) -> tuple[Decimal, Decimal]:
    seconds = Decimal(str((until - since).total_seconds()))
    return total + held * seconds, known + seconds
