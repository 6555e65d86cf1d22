"""Charges about time: least commitments, whole or for part of a period, and parts of a price."""

from dataclasses import dataclass
from decimal import Decimal

from revenue.pricing.decimals import ZERO, FieldProblem, InvalidValues, rounded
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.usage import ActiveDays, Usage


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is still due to reach the amount agreed; for part of a period, both sides in part."""

    plan_fee: Decimal
    commitment: Decimal
    is_prorated: bool = False

    @classmethod
    def read(cls, price: FieldReader) -> "Commitment":
        return cls(price.amount("plan_fee", ZERO), price.amount("commitment"))

    @classmethod
    def read_prorated(cls, price: FieldReader) -> "Commitment":
        price.asked |= {"interval", "billing"}  # said for people; the days decide
        return cls(price.amount("plan_fee", ZERO), price.amount("commitment"), is_prorated=True)

    def cost(self, use: Usage, digits: int) -> Decimal:
        committed, fee = self._due(use, digits)
        return max(committed - fee - use.usage_amount, ZERO)

    def says(self, use: Usage) -> str:
        return f"up to the commitment of {self.commitment:f}"

    def _due(self, use: Usage, digits: int) -> tuple[Decimal, Decimal]:
        if not self.is_prorated:
            return self.commitment, self.plan_fee
        days = required_days(use)
        return (
            rounded(prorated(self.commitment, days), digits),
            rounded(prorated(self.plan_fee, days), digits),
        )


@dataclass(frozen=True, slots=True)
class Proration:
    """The part of a period's amount that falls on its active days."""

    amount: Decimal

    @classmethod
    def read(cls, price: FieldReader) -> "Proration":
        price.asked |= {"period_start", "period_end"}  # the use reads them
        return cls(price.amount("period_amount"))

    def cost(self, use: Usage, digits: int) -> Decimal:
        return prorated(self.amount, required_days(use))

    def says(self, use: Usage) -> str:
        days = required_days(use)
        return f"{days.active} of {days.whole} days"


def required_days(use: Usage) -> ActiveDays:
    if use.days is None:
        raise InvalidValues(
            FieldProblem("period_start", "required", "is required: the charge is for days")
        )
    return use.days


def prorated(amount: Decimal, days: ActiveDays) -> Decimal:
    """The share of `amount` that the active days have of the period."""
    return amount * days.active / days.whole


def checked_days(given: FieldReader, days: ActiveDays) -> ActiveDays:
    """The days, noted as a problem where the period holds none or they run backwards."""
    if days.whole <= 0:
        message = f"must be after period_start: {days.period_start} to {days.period_end}"
        given.refuse("period_end", "crossed", message)
    elif days.active_to < days.active_from:
        message = f"ends before it starts: {days.active_from} to {days.active_to}"
        given.refuse("active_from", "crossed", message)
    return days
