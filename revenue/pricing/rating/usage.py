"""What was used: the quantities from which a charge is calculated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from revenue.pricing.decimals import ZERO
from revenue.pricing.rating.field_reader import FieldReader


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of one metric in one period; a charge model reads only what it needs.

    `running_total` is the sum after each of the first events. `previous_quantity` and
    `previous_billed` are the quantity and the money of increments billed earlier in the period
    (None: nothing was billed yet). `events` is a fraction where a part of a period is rated as
    if it had gone on for the whole.
    """

    quantity: Decimal = ZERO
    prorated_quantity: Decimal | None = None
    events: Decimal | int | None = None
    running_total: tuple[Decimal, ...] = ()
    event_values: tuple[Decimal, ...] = ()
    units: Mapping[str, Decimal] = field(default_factory=dict)
    previous_quantity: Decimal | None = None
    previous_billed: Decimal = ZERO
    usage_amount: Decimal = ZERO
    days: "ActiveDays | None" = None


@dataclass(frozen=True, slots=True)
class ActiveDays:
    """Active days of a period; the last day of each range is not counted."""

    period_start: date
    period_end: date
    active_from: date
    active_to: date

    @classmethod
    def of_count(cls, start: date, end: date, days: int) -> "ActiveDays":
        """So many days of a period, whichever they are."""
        return cls(start, end, start, start + timedelta(days=days))

    @property
    def whole(self) -> int:
        """Days of the period."""
        return (self.period_end - self.period_start).days

    @property
    def active(self) -> int:
        """Days of the period on which it was active."""
        first = max(self.active_from, self.period_start)
        return max((min(self.active_to, self.period_end) - first).days, 0)

    def __str__(self) -> str:
        if self.active == self.whole:
            return "the whole period"
        return f"{self.active} of {self.whole} days"


def read_usage(fields: FieldReader) -> Usage:
    """A usage without days, from a mapping; problems are collected in `fields`."""
    return Usage(
        quantity=fields.amount("quantity", ZERO),
        prorated_quantity=fields.optional_amount("prorated_quantity"),
        events=fields.integer("events") if "events" in fields else None,
        running_total=fields.amounts("running_total"),
        event_values=fields.amounts("event_values"),
        units=fields.amounts_by_name("units"),
        previous_quantity=fields.optional_amount("previous_quantity"),
        previous_billed=fields.amount("previous_billed", ZERO),
        usage_amount=fields.signed("usage_amount", ZERO),
    )
