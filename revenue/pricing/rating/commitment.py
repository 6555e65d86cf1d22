"""Charges about time: minimum commitments, and prices prorated by days."""

from dataclasses import dataclass
from decimal import Decimal

from revenue.pricing.decimals import ZERO, invalid, rounded
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.usage import ActiveDays, Usage


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is missing to the committed amount; commitment and fee may be prorated by days."""

    plan_fee: Decimal
    commitment: Decimal
    is_prorated: bool = False

    @classmethod
    def read(cls, price: FieldReader) -> "Commitment":
        return cls(price.amount("plan_fee", ZERO), price.amount("commitment"))

    @classmethod
    def read_prorated(cls, price: FieldReader) -> "Commitment":
        price.known |= {"interval", "billing"}  # allowed as notes; only the days count
        return cls(price.amount("plan_fee", ZERO), price.amount("commitment"), is_prorated=True)

    def cost(self, usage: Usage, digits: int) -> Decimal:
        committed, fee = self.commitment, self.plan_fee
        if self.is_prorated:
            days = required_days(usage)
            committed, fee = (rounded(prorated(each, days), digits) for each in (committed, fee))
        return max(committed - fee - usage.usage_amount, ZERO)

    def describe(self, usage: Usage) -> str:
        part = f" for {required_days(usage)}" if self.is_prorated else ""
        return f"up to the commitment of {self.commitment:f}{part}"


@dataclass(frozen=True, slots=True)
class Proration:
    """The share of a period's amount that falls on its active days."""

    amount: Decimal

    @classmethod
    def read(cls, price: FieldReader) -> "Proration":
        price.known |= {"period_start", "period_end"}  # worked cases read them from the price
        return cls(price.amount("period_amount"))

    def cost(self, usage: Usage, digits: int) -> Decimal:
        return prorated(self.amount, required_days(usage))

    def describe(self, usage: Usage) -> str:
        return str(required_days(usage))


def required_days(usage: Usage) -> ActiveDays:
    if usage.days is None:
        message = "is required: the charge is for days"
        raise invalid("period_start", "required", message)
    return usage.days


def prorated(amount: Decimal, days: ActiveDays) -> Decimal:
    """The share of `amount` that the active days have of the period."""
    return amount * days.active / days.whole


def checked_days(fields: FieldReader, days: ActiveDays) -> ActiveDays:
    """The days; a period without days and days in the wrong order are noted as problems."""
    if days.whole <= 0:
        message = f"must be after period_start: {days.period_start} to {days.period_end}"
        fields.refuse("period_end", "crossed", message)
    elif days.active_to < days.active_from:
        message = f"ends before it starts: {days.active_from} to {days.active_to}"
        fields.refuse("active_from", "crossed", message)
    return days
