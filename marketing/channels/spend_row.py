"""One stored row of a channel as the planner reads it."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple


class SpendRow(NamedTuple):
    """Spend and revenue of one channel on one date; no revenue where it is not known."""

    channel: str
    date: date
    spend: Decimal
    revenue: Decimal | None
