"""What was used: the quantities that a charge is worked out from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from revenue.pricing.decimals import ZERO
from revenue.pricing.rating.field_reader import FieldReader


@dataclass(frozen=True, slots=True)
class Usage:
    """One period's use of one metric; a model reads what it needs and leaves the rest.

    `running_total` is the sum after each of the first events, `previous_quantity` what earlier
    increments of the period billed (None: nothing yet), `previous_billed` their money.
    """

    quantity: Decimal = ZERO
    prorated_quantity: Decimal | None = None
    events: int | None = None
    running_total: tuple[Decimal, ...] = ()
    event_values: tuple[Decimal, ...] = ()
    units: Mapping[str, Decimal] = field(default_factory=dict)
    previous_quantity: Decimal | None = None
    previous_billed: Decimal = ZERO
    usage_amount: Decimal = ZERO
    days: "ActiveDays | None" = None


@dataclass(frozen=True, slots=True)
class ActiveDays:
    """Active days of a period; both ends are days, the last one not counted."""

    period_start: date
    period_end: date
    active_from: date
    active_to: date

    @property
    def whole(self) -> int:
        return (self.period_end - self.period_start).days

    @property
    def active(self) -> int:
        """Days of the period on which it was active."""
        first = max(self.active_from, self.period_start)
        return max((min(self.active_to, self.period_end) - first).days, 0)


def read_usage(given: FieldReader) -> Usage:
    """A use without days, from a mapping; problems gather in `given`."""
    return Usage(
        quantity=given.amount("quantity", ZERO),
        prorated_quantity=given.perhaps("prorated_quantity"),
        events=given.whole("events") if "events" in given else None,
        running_total=given.amounts("running_total"),
        event_values=given.amounts("event_values"),
        units=given.named("units"),
        previous_quantity=given.perhaps("previous_quantity"),
        previous_billed=given.amount("previous_billed", ZERO),
        usage_amount=given.signed("usage_amount", ZERO),
    )
