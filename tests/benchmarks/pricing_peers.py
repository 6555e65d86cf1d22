"""The ways to rate that ours is measured against: floats, fractions, and a query an invoice."""

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from revenue.pricing.rating.charge import compile_charge
from revenue.pricing.rating.rate import rate

Price = Mapping[str, Any]


def in_floats(model: str, price: Price, quantity: float) -> float:
    """A charge as it is often written: floats, rounded once at the end."""
    return round(float(_raw(model, price, quantity, float)), 2)


def in_fractions(model: str, price: Price, quantity: Decimal) -> Decimal:
    """The truth: exact fractions, rounded half up to the cent."""
    cents = _raw(model, price, Fraction(quantity), Fraction) * 100
    return Decimal(int(cents + Fraction(1, 2))) / 100


def _raw(model: str, price: Price, quantity: Any, number: Any) -> Any:
    if model == "package":
        packages = max(quantity - number(price["free_units"]), 0) / number(price["package_size"])
        return ceil(packages) * number(price["amount"])
    tiers = price["tiers"]
    if model == "volume":
        tier = next(t for t in tiers if t["up_to"] is None or quantity <= number(t["up_to"]))
        return quantity * number(tier["unit"]) + number(tier["flat"])
    total, lower = number(0), number(0)
    for place, tier in enumerate(tiers):
        if place and quantity <= lower:
            break
        end = quantity if tier["up_to"] is None else min(quantity, number(tier["up_to"]))
        total += (end - lower) * number(tier["unit"]) + number(tier["flat"])
        lower = end
    return total


class OneByOne:
    """Prices read anew for every invoice: a query a charge, then rated by our own rater."""

    def __init__(self, charges: Sequence[tuple[str, Price]]) -> None:
        self.database = sqlite3.connect(":memory:")
        self.database.execute("CREATE TABLE tier (charge, place, up_to, unit, flat)")
        self.models = [model for model, _ in charges]
        self.plain = {at: price for at, (_, price) in enumerate(charges) if "tiers" not in price}
        for at, (_, price) in enumerate(charges):
            rows = [
                (at, place, each["up_to"], each["unit"], each["flat"])
                for place, each in enumerate(price.get("tiers", ()))
            ]
            self.database.executemany("INSERT INTO tier VALUES (?, ?, ?, ?, ?)", rows)

    def invoice(self, quantities: Sequence[Decimal]) -> Decimal:
        return sum(
            (self._charge(at, model, quantities[at]) for at, model in enumerate(self.models)),
            Decimal(0),
        )

    def _charge(self, at: int, model: str, quantity: Decimal) -> Decimal:
        found = self.database.execute(
            "SELECT up_to, unit, flat FROM tier WHERE charge = ? ORDER BY place", (at,)
        )
        tiers = [{"up_to": up_to, "unit": unit, "flat": flat} for up_to, unit, flat in found]
        price = {"tiers": tiers} if tiers else self.plain[at]
        return rate(compile_charge(model, price), quantity).total
