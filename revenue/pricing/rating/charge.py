"""A charge ready to be rated: its model, and its discount, minimum and maximum.

The name of a model may end in `_incremental` (the cost of a further quantity after what was
billed before in the period), `_min` and `_max`. The order is fixed: usage,
percent_discount, minimum, maximum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from revenue.pricing.decimals import HUNDRED, ZERO, invalid, rounded
from revenue.pricing.rating import simple
from revenue.pricing.rating.blocks import BlocksAllTiers, BlocksTopTier, Capacity
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.simple import Commitment, Proration
from revenue.pricing.rating.tiered import Graduated, Volume, read_tiers
from revenue.pricing.rating.usage import Usage


class ChargeModel(Protocol):
    """A charge model: the exact cost of a usage, and how it was calculated in words."""

    def cost(self, usage: Usage, digits: int) -> Decimal: ...

    def describe(self, usage: Usage) -> str: ...


MODELS: Mapping[str, Callable[[FieldReader], ChargeModel]] = {
    "flat": lambda price: simple.Flat(price.amount("amount")),
    "per_unit": lambda price: simple.PerUnit(price.amount("unit")),
    "graduated": Graduated.read,
    "volume": lambda price: Volume(read_tiers(price)),
    "volume_prorated": lambda price: Volume(read_tiers(price), is_prorated=True),
    "package": simple.Package.read,
    "percentage": simple.Percentage.read,
    "percentage_min_max": simple.ClampedPercentage.read,
    "graduated_percentage": Graduated.read_percent,
    "tiered_blocks_all_tiers": BlocksAllTiers.read,
    "tiered_blocks_top_tier": BlocksTopTier.read,
    "capacity": Capacity.read,
    "multiplier": lambda price: simple.Multiplier(price.amount("multiplier")),
    "min_commitment": Commitment.read,
    "min_commitment_prorated": Commitment.read_prorated,
    "proration": Proration.read,
}
SUFFIXES = ("_incremental", "_min", "_max")
SETTINGS = {"proration": ("days", "whole"), "in_trial": ("free", "charged")}  # the first: default
INCREMENTAL = frozenset(  # models whose cost depends on the quantity alone: it can be split
    {
        *("per_unit", "graduated", "volume", "package", "graduated_percentage"),
        *("tiered_blocks_all_tiers", "tiered_blocks_top_tier"),
    }
)


@dataclass(frozen=True, slots=True)
class Charge:
    """A validated price; `cost` is the amount, `steps` how it was calculated.

    `is_whole`: its tiers, included units and limits are those of a month also where the plan was
    in force for a part of it. `in_trial`: use during a trial is charged.
    """

    model: ChargeModel
    is_incremental: bool = False
    percent_discount: Decimal = ZERO
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    is_whole: bool = False
    in_trial: bool = False

    def cost(self, usage: Usage, digits: int) -> Decimal:
        """The amount before rounding; the caller opens `decimals.exact_arithmetic`."""
        return self.steps(usage, digits)[-1][2]

    def steps(self, usage: Usage, digits: int) -> list[tuple[str, str, Decimal]]:
        """After each step: its kind, its description, the running amount before rounding."""
        amount = self._usage_cost(usage, digits)
        found = [("usage", "", amount)]
        if self.percent_discount:
            amount -= amount * self.percent_discount / HUNDRED
            found.append(("discount", f"Discount {self.percent_discount:f} %", amount))
        if self.minimum is not None and amount < self.minimum:
            amount = self.minimum
            found.append(("minimum", f"Up to the minimum of {amount:f}", amount))
        if self.maximum is not None:
            left = max(self.maximum - usage.previous_billed, ZERO)
            if amount > left:
                amount = left
                found.append(("maximum", f"Above the maximum of {self.maximum:f}", amount))
        return found

    def _usage_cost(self, usage: Usage, digits: int) -> Decimal:
        if not self.is_incremental or usage.previous_quantity is None:
            return self.model.cost(usage, digits)
        before = replace(usage, quantity=usage.previous_quantity)
        after = replace(usage, quantity=usage.previous_quantity + usage.quantity)
        costs = (self.model.cost(each, digits) for each in (before, after))
        was, now = (rounded(each, digits) for each in costs)
        return now - was


def compile_charge(name: str, price: object, *, path: str = "price", strict: bool = True) -> Charge:
    """Validate a model's name and a price; InvalidValues lists everything that is wrong with them.

    `strict` refuses names in the price that the model does not know.
    """
    base, suffixes = parse_model_name(name)
    fields = FieldReader(price, path)
    model = MODELS[base](fields)
    charge = Charge(
        model,
        "_incremental" in suffixes,
        fields.amount("percent_discount", ZERO),
        fields.amount("minimum") if "_min" in suffixes else fields.optional_amount("minimum"),
        fields.amount("maximum") if "_max" in suffixes else fields.optional_amount("maximum"),
        _setting(fields, "proration") == "whole",
        _setting(fields, "in_trial") == "charged",
    )
    if charge.percent_discount > HUNDRED:
        message = f"must be 100 or less, not {charge.percent_discount:f}"
        fields.refuse("percent_discount", "max_value", message)
    least, most = charge.minimum, charge.maximum
    if least is not None and most is not None and least > most:
        fields.refuse("minimum", "crossed", f"is above the maximum: {least:f} > {most:f}")
    fields.finish(strict=strict)
    return charge


def _setting(fields: FieldReader, name: str) -> str:
    """One of a charge's named settings; the first where it is not given."""
    fields.known.add(name)
    found = str(fields.values.get(name) or SETTINGS[name][0])
    if found not in SETTINGS[name]:
        fields.refuse(name, "invalid_choice", f"must be {' or '.join(SETTINGS[name])}")
    return found


def parse_model_name(name: str) -> tuple[str, frozenset[str]]:
    """A model's name without its suffixes, and the suffixes. Raises InvalidValues."""
    base, suffixes = name, set()
    while base not in MODELS:
        suffix = next((each for each in SUFFIXES if base.endswith(each)), None)
        if suffix is None or suffix in suffixes:
            known = ", ".join(MODELS)
            message = f"{name!r} is no charge model; known: {known}, with _incremental, _min, _max"
            raise invalid("model", "unknown_model", message)
        suffixes.add(suffix)
        base = base.removesuffix(suffix)
    return base, frozenset(suffixes)
