"""Charges about time: least commitments, whole or for part of a period, and parts of a price."""

from dataclasses import dataclass
from decimal import Decimal

from revenue.pricing.decimals import ZERO, Problem, Wrong, rounded
from revenue.pricing.forms.field_reader import Given
from revenue.pricing.rating.usage import Days, Use


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is still due to reach the amount agreed; for part of a period, both sides in part."""

    plan_fee: Decimal
    commitment: Decimal
    is_prorated: bool = False

    @classmethod
    def read(cls, price: Given) -> "Commitment":
        return cls(price.amount("plan_fee", ZERO), price.amount("commitment"))

    @classmethod
    def read_prorated(cls, price: Given) -> "Commitment":
        price.asked |= {"interval", "billing"}  # said for people; the days decide
        return cls(price.amount("plan_fee", ZERO), price.amount("commitment"), is_prorated=True)

    def cost(self, use: Use, digits: int) -> Decimal:
        committed, fee = self._due(use, digits)
        return max(committed - fee - use.usage_amount, ZERO)

    def says(self, use: Use) -> str:
        return f"up to the commitment of {self.commitment:f}"

    def _due(self, use: Use, digits: int) -> tuple[Decimal, Decimal]:
        if not self.is_prorated:
            return self.commitment, self.plan_fee
        days = known(use)
        return (
            rounded(part(self.commitment, days), digits),
            rounded(part(self.plan_fee, days), digits),
        )


@dataclass(frozen=True, slots=True)
class Proration:
    """The part of a period's amount that falls on its active days."""

    amount: Decimal

    @classmethod
    def read(cls, price: Given) -> "Proration":
        price.asked |= {"period_start", "period_end"}  # the use reads them
        return cls(price.amount("period_amount"))

    def cost(self, use: Use, digits: int) -> Decimal:
        return part(self.amount, known(use))

    def says(self, use: Use) -> str:
        days = known(use)
        return f"{days.active} of {days.whole} days"


def known(use: Use) -> Days:
    if use.days is None:
        raise Wrong(Problem("period_start", "required", "is required: the charge is for days"))
    return use.days


def part(amount: Decimal, days: Days) -> Decimal:
    """The share of `amount` that the active days have of the period."""
    return amount * days.active / days.whole


def checked(given: Given, days: Days) -> Days:
    """The days, noted as a problem where the period holds none or they run backwards."""
    if days.whole <= 0:
        message = f"must be after period_start: {days.period_start} to {days.period_end}"
        given.refuse("period_end", "crossed", message)
    elif days.active_to < days.active_from:
        message = f"ends before it starts: {days.active_from} to {days.active_to}"
        given.refuse("active_from", "crossed", message)
    return days
