"""Rate one charge exactly, as lines that add up to its total.

The amount stays exact until a line is rounded half up to the currency's unit; each line is the
difference of two rounded running values, so the lines add up by construction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from revenue.pricing.decimals import ZERO, exact_arithmetic, rounded, snapped
from revenue.pricing.rating.charge import Charge, compile_charge
from revenue.pricing.rating.simple import Flat, PerUnit
from revenue.pricing.rating.usage import ActiveDays, Usage


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a bill; `unit_amount` where one unit has one price."""

    kind: str
    description: str
    quantity: Decimal
    unit_amount: Decimal | None
    amount: Decimal

    def as_json(self) -> dict[str, Any]:
        unit = None if self.unit_amount is None else f"{self.unit_amount:f}"
        return {
            "kind": self.kind,
            "description": self.description,
            "quantity": f"{self.quantity:f}",
            "unit_amount": unit,
            "amount": f"{self.amount:f}",
        }


def line_from_json(row: Mapping[str, Any]) -> PriceLine:
    """Read what `PriceLine.as_json` wrote."""
    unit = row["unit_amount"]
    return PriceLine(
        row["kind"],
        row["description"],
        Decimal(row["quantity"]),
        None if unit is None else Decimal(unit),
        Decimal(row["amount"]),
    )


@dataclass(frozen=True, slots=True)
class RatedCharge:
    """A rated charge; `exact` is the amount before the last rounding."""

    exact: Decimal
    lines: tuple[PriceLine, ...]

    @property
    def total(self) -> Decimal:
        with exact_arithmetic():
            return sum((each.amount for each in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class PartOfPeriod:
    """The days of a period on which a charge applied, and the quantity really used on them."""

    days: ActiveDays
    quantity: Decimal

    def of(self, whole: Decimal) -> Decimal:
        return snapped(whole * self.days.active / self.days.whole)

    def line(self, line: PriceLine) -> PriceLine:
        words = f"{line.description}, as of a month, for {self.days}"
        return replace(line, quantity=self.quantity, unit_amount=None, description=words)


def rate(
    charge: Charge | Mapping[str, Any],
    quantity: Decimal | Usage,
    *,
    model: str = "",
    title: str = "Usage",
    digits: int = 2,
    part: "PartOfPeriod | None" = None,
) -> RatedCharge:
    """Rate a compiled charge, or a price with its `model`. Raises InvalidValues.

    With `part` the quantity is that of a whole period, and the amount is billed for its days.
    """
    ready = charge if isinstance(charge, Charge) else compile_charge(model, charge)
    usage = quantity if isinstance(quantity, Usage) else Usage(quantity=quantity)
    with exact_arithmetic():
        steps = ready.steps(usage, digits)
        lines, before = [], ZERO
        for kind, words, whole in steps:
            running = part.of(whole) if part else whole
            now = rounded(running, digits)
            if kind == "usage":
                line = _usage_line(ready, usage, title, now)
                lines.append(part.line(line) if part else line)
            elif now != before:
                lines.append(
                    PriceLine(kind, f"{title}: {words}", Decimal(1), now - before, now - before)
                )
            before = now
        return RatedCharge(running, tuple(lines))


def _usage_line(charge: Charge, usage: Usage, title: str, amount: Decimal) -> PriceLine:
    model = charge.model
    words = f"{title}: {model.describe(usage)}"
    if isinstance(model, Flat):
        return PriceLine("usage", words, Decimal(1), amount, amount)
    unit = model.unit if isinstance(model, PerUnit) else None
    return PriceLine("usage", words, usage.quantity, unit, amount)
