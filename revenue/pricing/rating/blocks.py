"""Charges by blocks of units, and by the capacity that several units need together."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from aethercrown.formatting import counted
from revenue.pricing.decimals import ZERO, invalid
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.simple import whole_blocks
from revenue.pricing.rating.usage import Usage


@dataclass(frozen=True, slots=True)
class BlockTier:
    """A tier of `most` blocks (None: no limit) of `size` units; a started block costs in full."""

    size: Decimal
    most: Decimal | None
    price: Decimal

    @property
    def capacity(self) -> Decimal | None:
        return None if self.most is None else self.size * self.most

    def describe(self, blocks: Decimal) -> str:
        return f"{counted(int(blocks), 'block')} of {self.size:f} at {self.price:f}"


@dataclass(frozen=True, slots=True)
class Blocks:
    """The tiers of a charge by blocks."""

    tiers: tuple[BlockTier, ...]

    @classmethod
    def read(cls, price: FieldReader) -> Self:
        tiers = (
            BlockTier(
                row.positive_amount("block"), row.optional_amount("max_blocks"), row.amount("price")
            )
            for row in price.rows("tiers")
        )
        return cls(tuple(tiers))


class BlocksAllTiers(Blocks):
    """Each tier's units in its own blocks. Units beyond the last tier's capacity cost nothing."""

    __slots__ = ()

    def cost(self, usage: Usage, digits: int) -> Decimal:
        return sum((count * tier.price for count, tier in self._taken(usage.quantity)), ZERO)

    def describe(self, usage: Usage) -> str:
        parts = self._taken(usage.quantity)
        return "; ".join(tier.describe(count) for count, tier in parts) or "none"

    def _taken(self, quantity: Decimal) -> list[tuple[Decimal, BlockTier]]:
        taken = []
        for tier in self.tiers:
            inside = quantity if tier.capacity is None else min(quantity, tier.capacity)
            if inside > 0:
                taken.append((whole_blocks(inside, tier.size), tier))
            quantity -= inside
        return taken


class BlocksTopTier(Blocks):
    """All units in blocks of the tier that the total falls in; beyond the last, the last."""

    __slots__ = ()

    def cost(self, usage: Usage, digits: int) -> Decimal:
        tier = self._tier(usage.quantity)
        return whole_blocks(usage.quantity, tier.size) * tier.price

    def describe(self, usage: Usage) -> str:
        tier = self._tier(usage.quantity)
        return tier.describe(whole_blocks(usage.quantity, tier.size))

    def _tier(self, quantity: Decimal) -> BlockTier:
        end = ZERO
        for tier in self.tiers:
            if tier.capacity is None or quantity <= (end := end + tier.capacity):
                return tier
        return self.tiers[-1]


@dataclass(frozen=True, slots=True)
class Capacity:
    """The first tier whose every stated limit holds."""

    tiers: tuple[tuple[Mapping[str, Decimal], Decimal], ...]

    @classmethod
    def read(cls, price: FieldReader) -> "Capacity":
        return cls(
            tuple((row.amounts_by_name("max"), row.amount("price")) for row in price.rows("tiers"))
        )

    def cost(self, usage: Usage, digits: int) -> Decimal:
        return self._tier(usage)[1]

    def describe(self, usage: Usage) -> str:
        limits = self._tier(usage)[0]
        return ", ".join(f"{each} up to {most:f}" for each, most in limits.items()) or "no limit"

    def _tier(self, usage: Usage) -> tuple[Mapping[str, Decimal], Decimal]:
        for limits, price in self.tiers:
            if all(usage.units.get(each, ZERO) <= most for each, most in limits.items()):
                return limits, price
        used = ", ".join(f"{name} {quantity:f}" for name, quantity in usage.units.items())
        raise invalid("units", "over_capacity", f"no tier holds {used}")
