"""Charges without tiers: flat, per unit, package, multiplier, shares of an amount, and days."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from aethercrown.formatting import counted
from revenue.pricing.decimals import HUNDRED, ZERO, invalid, rounded
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.usage import ActiveDays, Usage


@dataclass(frozen=True, slots=True)
class Flat:
    """One amount, independent of use."""

    amount: Decimal

    def cost(self, usage: Usage, digits: int) -> Decimal:
        return self.amount

    def describe(self, usage: Usage) -> str:
        return "fixed"


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Every unit costs the same."""

    unit: Decimal

    def cost(self, usage: Usage, digits: int) -> Decimal:
        return self.unit * usage.quantity

    def describe(self, usage: Usage) -> str:
        return f"{usage.quantity:f} at {self.unit:f}"


@dataclass(frozen=True, slots=True)
class Package:
    """Whole packages after the free units; a package that is started counts in full."""

    amount: Decimal
    size: Decimal
    free_units: Decimal

    @classmethod
    def read(cls, price: FieldReader) -> "Package":
        return cls(
            price.amount("amount"),
            price.positive_amount("package_size"),
            price.amount("free_units", ZERO),
        )

    def cost(self, usage: Usage, digits: int) -> Decimal:
        return self._packages(usage) * self.amount

    def describe(self, usage: Usage) -> str:
        free = f" after {self.free_units:f} free" if self.free_units else ""
        packages = counted(int(self._packages(usage)), "package")
        return f"{packages} of {self.size:f} at {self.amount:f}{free}"

    def _packages(self, usage: Usage) -> Decimal:
        return whole_blocks(max(usage.quantity - self.free_units, ZERO), self.size)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """An amount passed on with a mark-up, rounded to the currency's unit."""

    multiplier: Decimal

    def cost(self, usage: Usage, digits: int) -> Decimal:
        return rounded(self.multiplier * usage.quantity, digits)

    def describe(self, usage: Usage) -> str:
        return f"{usage.quantity:f} times {self.multiplier:f}"


@dataclass(frozen=True, slots=True)
class Percentage:
    """A percentage of an amount and a fee per event; the first events or amount may be free."""

    rate: Decimal
    fixed_per_event: Decimal
    free_events: int
    free_amount: Decimal | None

    @classmethod
    def read(cls, price: FieldReader) -> "Percentage":
        return cls(
            price.amount("rate"),
            price.amount("fixed_per_event", ZERO),
            price.integer("free_events", 0),
            price.optional_amount("free_amount"),
        )

    def cost(self, usage: Usage, digits: int) -> Decimal:
        free, events = self._free(usage)
        fees = (
            self.fixed_per_event * (self._events(usage) - events) if self.fixed_per_event else ZERO
        )
        return max(usage.quantity - free, ZERO) * self.rate / HUNDRED + fees

    def describe(self, usage: Usage) -> str:
        free, events = self._free(usage)
        fees = ""
        if self.fixed_per_event:
            charged_events = _events_in_words(self._events(usage) - events)
            fees = f" and {charged_events} at {self.fixed_per_event:f}"
        charged = max(usage.quantity - free, ZERO)
        return f"{self.rate:f} % of {charged:f}{fees}"

    def _events(self, usage: Usage) -> Decimal | int:
        if usage.events is None:
            raise invalid("events", "required", "is required: there is a fee per event")
        return usage.events

    def _free(self, usage: Usage) -> tuple[Decimal, Decimal | int]:
        """The amount and the number of first events that are free."""
        if self.free_amount is not None:
            return self._free_money(usage, self.free_amount)
        if not self.free_events:
            return ZERO, 0
        if usage.events is not None and usage.events <= self.free_events:
            return usage.quantity, usage.events
        return self._total_after(usage), self.free_events

    def _free_money(self, usage: Usage, free: Decimal) -> tuple[Decimal, Decimal | int]:
        """Free events or free amount, whichever is used up first."""
        if usage.running_total:
            leading = sum(each <= free for each in usage.running_total)
            if 0 < self.free_events <= leading:
                return self._total_after(usage), self.free_events
            return free, leading
        if self.free_events or (self.fixed_per_event and usage.quantity > free):
            raise invalid("running_total", "required", "is required: some events are free")
        return (free, 0) if usage.quantity > free else (usage.quantity, usage.events or 0)

    def _total_after(self, usage: Usage) -> Decimal:
        """The running total at the last free event."""
        if len(usage.running_total) < self.free_events:
            message = f"must reach the last of the {self.free_events} free events"
            raise invalid("running_total", "required", message)
        return usage.running_total[self.free_events - 1]


@dataclass(frozen=True, slots=True)
class ClampedPercentage:
    """A percentage of each event's value plus a fee, with a minimum and a maximum per event.

    Without the values of the events, each is taken to have the average value.
    """

    rate: Decimal
    fixed_per_event: Decimal
    free_events: int
    minimum: Decimal
    maximum: Decimal | None

    @classmethod
    def read(cls, price: FieldReader) -> "ClampedPercentage":
        found = cls(
            price.amount("rate"),
            price.amount("fixed_per_event", ZERO),
            price.integer("free_events", 0),
            price.amount("min_per_event", ZERO),
            price.optional_amount("max_per_event"),
        )
        if found.maximum is not None and found.minimum > found.maximum:
            message = f"is above max_per_event: {found.minimum:f} > {found.maximum:f}"
            price.refuse("min_per_event", "crossed", message)
        return found

    def cost(self, usage: Usage, digits: int) -> Decimal:
        if usage.event_values or not usage.quantity:
            return sum((self._event(each) for each in usage.event_values[self.free_events :]), ZERO)
        events = self._events(usage)
        cost = usage.quantity * self.rate / HUNDRED + self.fixed_per_event * events
        cost = max(cost, self.minimum * events)
        if self.maximum is not None:
            cost = min(cost, self.maximum * events)
        return cost * max(events - self.free_events, 0) / events

    def describe(self, usage: Usage) -> str:
        price = f"at {self.rate:f} % and {self.fixed_per_event:f} each"
        if usage.event_values or not usage.quantity:
            return f"{_events_in_words(len(usage.event_values[self.free_events :]))} {price}"
        events = self._events(usage)
        average = rounded(usage.quantity / events, digits=2)
        charged = _events_in_words(max(events - self.free_events, 0))
        return f"{charged} of {average:f} on average {price}"

    def _events(self, usage: Usage) -> Decimal | int:
        if not usage.events:
            message = "is required: there is a minimum or maximum per event"
            raise invalid("events", "required", message)
        return usage.events

    def _event(self, value: Decimal) -> Decimal:
        cost = max(value * self.rate / HUNDRED + self.fixed_per_event, self.minimum)
        return cost if self.maximum is None else min(cost, self.maximum)


def _events_in_words(count: Decimal | int) -> str:
    whole = int(count)
    return counted(whole, "event") if whole == count else f"{count:.2f} events"


def whole_blocks(quantity: Decimal, size: Decimal) -> Decimal:
    """How many blocks of `size` hold the quantity; a block that is started counts in full."""
    whole, rest = divmod(quantity, size)
    return (whole + (1 if rest else 0)).to_integral_value(ROUND_CEILING)


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
