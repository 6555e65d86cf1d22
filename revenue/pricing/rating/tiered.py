"""Charges by tiers of the quantity: graduated, volume, and graduated shares of an amount.

A tier ends at its `up_to`, that quantity included; the last one has none. A tier may state where
it begins (`from`), and then a gap or an overlap with the tier before is refused.
"""

from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal

from revenue.pricing.decimals import HUNDRED, ZERO
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.usage import Usage


@dataclass(frozen=True, slots=True)
class Tiers:
    """Tiers in order; `bounds` are the inclusive ends of all but the last."""

    bounds: tuple[Decimal, ...]
    units: tuple[Decimal, ...]
    flats: tuple[Decimal, ...]

    def of(self, quantity: Decimal) -> int:
        """The index of the tier that the quantity falls in."""
        return bisect_left(self.bounds, quantity)

    def lower(self, place: int) -> Decimal:
        return self.bounds[place - 1] if place else ZERO

    def span(self, place: int) -> str:
        if place == len(self.bounds):
            return f"above {self.lower(place):f}" if place else "all"
        return f"up to {self.bounds[place]:f}"


def read_tiers(price: FieldReader, unit: str = "unit") -> Tiers:
    """The tiers of a price, checked for order, gaps and overlaps."""
    rows = price.rows("tiers")
    bounds = [each.optional_amount("up_to") for each in rows]
    before: Decimal | None = ZERO
    for row, end in zip(rows, bounds, strict=True):
        _check_start(row, before, is_first=row is rows[0])
        _check_end(row, end, before, is_last=row is rows[-1])
        before = end
    return Tiers(
        tuple(each or ZERO for each in bounds[:-1]),
        tuple(row.amount(unit, ZERO) for row in rows),
        tuple(row.amount("flat", ZERO) for row in rows),
    )


def _check_start(row: FieldReader, before: Decimal | None, *, is_first: bool) -> None:
    start = row.optional_amount("from")
    if start is None or before is None or start == before:
        return
    if is_first:
        row.refuse("from", "gap", f"must be 0 in the first tier, not {start:f}")
    elif start > before:
        message = f"leaves a gap: the tier before ends at {before:f}, this begins at {start:f}"
        row.refuse("from", "gap", message)
    else:
        message = f"overlaps the tier before, which ends at {before:f}: this begins at {start:f}"
        row.refuse("from", "overlap", message)


def _check_end(
    row: FieldReader, end: Decimal | None, before: Decimal | None, *, is_last: bool
) -> None:
    if is_last and end is not None:
        row.refuse("up_to", "not_open", f"must be null in the last tier, not {end:f}")
    if not is_last and end is None:
        row.refuse("up_to", "open", "may be null in the last tier only")
    if end is not None and end <= (before or ZERO):
        row.refuse("up_to", "not_rising", f"must be above {before or ZERO:f}, not {end:f}")


@dataclass(frozen=True, slots=True)
class Graduated:
    """Each unit at the price of its own tier; `paid` is the cost of all tiers below each.

    The first tier's flat is due even at 0; a later one only once the quantity is above its start.
    """

    tiers: Tiers
    paid: tuple[Decimal, ...]
    is_percent: bool = False

    @classmethod
    def read(cls, price: FieldReader) -> "Graduated":
        tiers = read_tiers(price)
        return cls(tiers, _paid(tiers))

    @classmethod
    def read_percent(cls, price: FieldReader) -> "Graduated":
        stated = read_tiers(price, "rate")
        units = tuple(each / HUNDRED for each in stated.units)
        tiers = Tiers(stated.bounds, units, stated.flats)
        return cls(tiers, _paid(tiers), is_percent=True)

    def cost(self, usage: Usage, digits: int) -> Decimal:
        tiers, quantity = self.tiers, usage.quantity
        place = bisect_left(tiers.bounds, quantity)
        inside = quantity - tiers.bounds[place - 1] if place else quantity
        return self.paid[place] + tiers.flats[place] + inside * tiers.units[place]

    def describe(self, usage: Usage) -> str:
        reached = range(self.tiers.of(usage.quantity) + 1)
        return "; ".join(self._part(place, usage.quantity) for place in reached)

    def _part(self, place: int, quantity: Decimal) -> str:
        tiers, last = self.tiers, self.tiers.of(quantity)
        end = quantity if place == last else tiers.bounds[place]
        inside = end - tiers.lower(place)
        unit = tiers.units[place]
        price = f"{(unit * HUNDRED).normalize():f} %" if self.is_percent else f"{unit:f}"
        flat = f" + {tiers.flats[place]:f}" if tiers.flats[place] else ""
        return f"{tiers.span(place)}: {inside:f} at {price}{flat}"


def _paid(tiers: Tiers) -> tuple[Decimal, ...]:
    """The cost of all tiers below each one."""
    paid = [ZERO]
    for place, end in enumerate(tiers.bounds):
        inside = end - tiers.lower(place)
        paid.append(paid[-1] + tiers.flats[place] + inside * tiers.units[place])
    return tuple(paid)


@dataclass(frozen=True, slots=True)
class Volume:
    """All units at the price of the tier that the quantity falls in."""

    tiers: Tiers
    is_prorated: bool = False

    def cost(self, usage: Usage, digits: int) -> Decimal:
        tiers = self.tiers
        place = bisect_left(tiers.bounds, usage.quantity)
        return self._charged(usage) * tiers.units[place] + tiers.flats[place]

    def describe(self, usage: Usage) -> str:
        place = self.tiers.of(usage.quantity)
        unit, flat = self.tiers.units[place], self.tiers.flats[place]
        extra = f" + {flat:f}" if flat else ""
        return f"{self.tiers.span(place)}: {self._charged(usage):f} at {unit:f}{extra}"

    def _charged(self, usage: Usage) -> Decimal:
        if self.is_prorated and usage.prorated_quantity is not None:
            return usage.prorated_quantity
        return usage.quantity
