"""Charges without tiers: flat, per unit, package, multiplier, and shares of an amount."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from revenue.pricing.decimals import HUNDRED, ZERO, FieldProblem, InvalidValues, rounded
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.usage import Usage


@dataclass(frozen=True, slots=True)
class Flat:
    """The same amount whatever the use."""

    amount: Decimal

    @classmethod
    def read(cls, price: FieldReader) -> "Flat":
        return cls(price.amount("amount"))

    def cost(self, use: Usage, digits: int) -> Decimal:
        return self.amount

    def says(self, use: Usage) -> str:
        return "fixed"


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Every unit costs the same."""

    unit: Decimal

    @classmethod
    def read(cls, price: FieldReader) -> "PerUnit":
        return cls(price.amount("unit"))

    def cost(self, use: Usage, digits: int) -> Decimal:
        return self.unit * use.quantity

    def says(self, use: Usage) -> str:
        return f"{use.quantity:f} at {self.unit:f}"


@dataclass(frozen=True, slots=True)
class Package:
    """Whole packages, a started one in full, after the free units."""

    amount: Decimal
    size: Decimal
    free_units: Decimal

    @classmethod
    def read(cls, price: FieldReader) -> "Package":
        return cls(
            price.amount("amount"),
            price.above_zero("package_size"),
            price.amount("free_units", ZERO),
        )

    def cost(self, use: Usage, digits: int) -> Decimal:
        return self._packages(use) * self.amount

    def says(self, use: Usage) -> str:
        free = f" after {self.free_units:f} free" if self.free_units else ""
        return f"{self._packages(use):f} packages of {self.size:f} at {self.amount:f}{free}"

    def _packages(self, use: Usage) -> Decimal:
        return whole_blocks(max(use.quantity - self.free_units, ZERO), self.size)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """An amount passed on with a mark-up, rounded to the currency's unit."""

    multiplier: Decimal

    @classmethod
    def read(cls, price: FieldReader) -> "Multiplier":
        return cls(price.amount("multiplier"))

    def cost(self, use: Usage, digits: int) -> Decimal:
        return rounded(self.multiplier * use.quantity, digits)

    def says(self, use: Usage) -> str:
        return f"{use.quantity:f} times {self.multiplier:f}"


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of an amount and a fee for each event; the first events or money may be free."""

    rate: Decimal
    fixed_per_event: Decimal
    free_events: int
    free_amount: Decimal | None

    @classmethod
    def read(cls, price: FieldReader) -> "Percentage":
        return cls(
            price.amount("rate"),
            price.amount("fixed_per_event", ZERO),
            price.whole("free_events", 0),
            price.perhaps("free_amount"),
        )

    def cost(self, use: Usage, digits: int) -> Decimal:
        free, events = self._free(use)
        fees = self.fixed_per_event * (self._events(use) - events) if self.fixed_per_event else ZERO
        return max(use.quantity - free, ZERO) * self.rate / HUNDRED + fees

    def says(self, use: Usage) -> str:
        free, events = self._free(use)
        fees = ""
        if self.fixed_per_event:
            fees = f" and {self._events(use) - events} events at {self.fixed_per_event:f}"
        charged = max(use.quantity - free, ZERO)
        return f"{self.rate:f} % of {charged:f}{fees}"

    def _events(self, use: Usage) -> int:
        if use.events is None:
            raise InvalidValues(
                FieldProblem("events", "required", "is required: each event has a fee")
            )
        return use.events

    def _free(self, use: Usage) -> tuple[Decimal, int]:
        """The money and the number of leading events that cost nothing."""
        if self.free_amount is not None:
            return self._free_money(use, self.free_amount)
        if not self.free_events:
            return ZERO, 0
        if use.events is not None and use.events <= self.free_events:
            return use.quantity, use.events
        return self._total_after(use), self.free_events

    def _free_money(self, use: Usage, free: Decimal) -> tuple[Decimal, int]:
        """Whatever ends first: the free events, or the free money."""
        if use.running_total:
            leading = sum(each <= free for each in use.running_total)
            if 0 < self.free_events <= leading:
                return self._total_after(use), self.free_events
            return free, leading
        if self.free_events or (self.fixed_per_event and use.quantity > free):
            raise InvalidValues(
                FieldProblem("running_total", "required", "is required: events are free")
            )
        return (free, 0) if use.quantity > free else (use.quantity, use.events or 0)

    def _total_after(self, use: Usage) -> Decimal:
        """The running total at the last free event."""
        if len(use.running_total) < self.free_events:
            message = f"must reach the last of the {self.free_events} free events"
            raise InvalidValues(FieldProblem("running_total", "required", message))
        return use.running_total[self.free_events - 1]


@dataclass(frozen=True, slots=True)
class ClampedPercentage:
    """A share of each event's value plus a fee, held between a least and a most per event."""

    rate: Decimal
    fixed_per_event: Decimal
    free_events: int
    least: Decimal
    most: Decimal | None

    @classmethod
    def read(cls, price: FieldReader) -> "ClampedPercentage":
        found = cls(
            price.amount("rate"),
            price.amount("fixed_per_event", ZERO),
            price.whole("free_events", 0),
            price.amount("min_per_event", ZERO),
            price.perhaps("max_per_event"),
        )
        if found.most is not None and found.least > found.most:
            message = f"is above max_per_event: {found.least:f} > {found.most:f}"
            price.refuse("min_per_event", "crossed", message)
        return found

    def cost(self, use: Usage, digits: int) -> Decimal:
        return sum((self._event(each) for each in use.event_values[self.free_events :]), ZERO)

    def says(self, use: Usage) -> str:
        charged = len(use.event_values[self.free_events :])
        return f"{charged} events at {self.rate:f} % and {self.fixed_per_event:f} each"

    def _event(self, value: Decimal) -> Decimal:
        cost = max(value * self.rate / HUNDRED + self.fixed_per_event, self.least)
        return cost if self.most is None else min(cost, self.most)


def whole_blocks(quantity: Decimal, size: Decimal) -> Decimal:
    """How many blocks of `size` hold the quantity; a started one counts whole."""
    whole, rest = divmod(quantity, size)
    return (whole + (1 if rest else 0)).to_integral_value(ROUND_CEILING)
