"""One change of a subscription as a plain value."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple


class PlanChange(NamedTuple):
    """From the day `on`, a subscription is on `plan` at `amount` a month; 0 is paused or ended.

    Of several on one day, the one recorded last is valid.
    """

    on: date
    subscription: str
    amount: Decimal
    plan: str = ""
