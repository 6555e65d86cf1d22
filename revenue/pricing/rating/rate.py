"""Rate one charge exactly, as lines that add up to its total.

The amount stays exact until a line is rounded half up to the currency's unit; each line is the
difference of two rounded running values, so the lines add up by construction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from revenue.pricing.decimals import ZERO, exact_arithmetic, rounded
from revenue.pricing.rating.charge import Charge, compile_charge
from revenue.pricing.rating.simple import Flat, PerUnit
from revenue.pricing.rating.usage import Usage


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


def rate(
    charge: Charge | Mapping[str, Any],
    quantity: Decimal | Usage,
    *,
    model: str = "",
    title: str = "Usage",
    digits: int = 2,
) -> RatedCharge:
    """Rate a compiled charge, or a price with its `model`. Raises InvalidValues."""
    ready = charge if isinstance(charge, Charge) else compile_charge(model, charge)
    usage = quantity if isinstance(quantity, Usage) else Usage(quantity=quantity)
    with exact_arithmetic():
        steps = ready.steps(usage, digits)
        lines, before = [], ZERO
        for kind, words, running in steps:
            now = rounded(running, digits)
            if kind == "usage":
                lines.append(_usage_line(ready, usage, title, now))
            elif now != before:
                lines.append(
                    PriceLine(kind, f"{title}: {words}", Decimal(1), now - before, now - before)
                )
            before = now
        return RatedCharge(steps[-1][2], tuple(lines))


def _usage_line(charge: Charge, usage: Usage, title: str, amount: Decimal) -> PriceLine:
    model = charge.model
    words = f"{title}: {model.describe(usage)}"
    if isinstance(model, Flat):
        return PriceLine("usage", words, Decimal(1), amount, amount)
    unit = model.unit if isinstance(model, PerUnit) else None
    return PriceLine("usage", words, usage.quantity, unit, amount)
