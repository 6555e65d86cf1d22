"""A version of a price book as plain values: plans, factors, discounts, rules, guardrails."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from json import dumps
from typing import Any

from aethercrown.currencies import exponent
from revenue.pricing.decimals import HUNDRED, ZERO
from revenue.pricing.rating.charge import Charge, compile_charge

USAGE, ENGAGEMENT, COMPANY = "usage", "engagement", "company"


@dataclass(frozen=True, slots=True)
class BookFactor:
    """A metric above `above` changes the price by `value`: a multiplier, or percent of discount.

    Factors of company size belong to one plan; the others apply to every plan.
    """

    kind: str
    metric: str
    above: Decimal
    value: Decimal
    plan: str = ""


@dataclass(frozen=True, slots=True)
class BookRule:
    """A metric of `source` above `above` recommends at least this plan.

    With `needs_company` the rule applies only where company data is given.
    """

    plan: str
    source: str
    metric: str
    above: Decimal
    needs_company: bool = False


@dataclass(frozen=True, slots=True)
class BookCharge:
    """A charge on a metric, added to the plan's own price."""

    metric: str
    title: str
    model: str
    price: Mapping[str, Any]
    charge: Charge = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        charge = compile_charge(self.model, self.price, strict=False)
        object.__setattr__(self, "charge", charge)


@dataclass(frozen=True, slots=True)
class BookPlan:
    """What one plan costs; `rank` orders plans from small to large."""

    code: str
    name: str
    rank: int
    base: Decimal
    features: tuple[str, ...] = ()
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    charges: tuple[BookCharge, ...] = ()
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class FactorTable:
    """The factors of one metric by their bounds; the highest bound passed counts."""

    bounds: tuple[Decimal, ...]
    values: tuple[Decimal, ...]

    def value(self, quantity: Decimal, default: Decimal) -> Decimal:
        passed = bisect_left(self.bounds, quantity)
        return self.values[passed - 1] if passed else default


class NoSuchPlan(LookupError):
    """The book has no active plan with this code."""


@dataclass(frozen=True, slots=True)
class BookVersion:
    """One version of a price book.

    `largest_discount` limits the sum of all discounts, `largest_change` how far a renewal may
    move the previous price; both in percent.
    """

    code: str
    number: int
    currency: str
    plans: tuple[BookPlan, ...]
    factors: tuple[BookFactor, ...] = ()
    rules: tuple[BookRule, ...] = ()
    largest_discount: Decimal = HUNDRED
    largest_change: Decimal | None = None
    _tables: dict[tuple[str, str], dict[str, FactorTable]] = field(
        init=False, compare=False, repr=False, default_factory=dict
    )
    _by_code: dict[str, BookPlan] = field(
        init=False, compare=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        self._by_code.update((each.code, each) for each in self.plans)
        factors = sorted(self.factors, key=lambda each: each.above)
        for kind, plan, metric in {(each.kind, each.plan, each.metric): None for each in factors}:
            mine = [e for e in factors if (e.kind, e.plan, e.metric) == (kind, plan, metric)]
            table = FactorTable(tuple(e.above for e in mine), tuple(e.value for e in mine))
            self._tables.setdefault((kind, plan), {})[metric] = table

    @property
    def digits(self) -> int:
        """Decimal places of the currency."""
        return exponent(self.currency)

    @property
    def active(self) -> list[BookPlan]:
        """Plans on sale, the smallest first."""
        on_sale = (each for each in self.plans if each.is_active)
        return sorted(on_sale, key=lambda each: (each.rank, each.code))

    def on_sale(self) -> dict[str, dict[str, Any]]:
        """Name, base price, currency and features of the active plans, by code."""
        return {
            each.code: {
                "name": each.name,
                "base_price": each.base,
                "currency": self.currency,
                "features": list(each.features),
            }
            for each in self.active
        }

    def plan(self, code: str) -> BookPlan:
        """An active plan; raises NoSuchPlan."""
        found = self._by_code.get(code)
        if found is None or not found.is_active:
            known = ", ".join(each.code for each in self.active) or "none"
            raise NoSuchPlan(f"must be an active plan: {known}; not {code!r}")
        return found

    def factor_tables(self, kind: str, plan: str = "") -> Mapping[str, FactorTable]:
        """The factors of a kind by metric; those of company size are asked for by plan."""
        return self._tables.get((kind, plan), {})

    def digest(self) -> str:
        """SHA-256 of everything that a price depends on, independent of the order of rows."""
        rows = {
            "book": self.code,
            "number": self.number,
            "currency": self.currency,
            "largest_discount": number_text(self.largest_discount),
            "largest_change": number_text(self.largest_change),
            "plans": sorted((_plan(each) for each in self.plans), key=lambda row: str(row["code"])),
            "factors": sorted(
                [e.kind, e.metric, number_text(e.above), number_text(e.value), e.plan]
                for e in self.factors
            ),
            "rules": sorted(
                [e.plan, e.source, e.metric, number_text(e.above), str(e.needs_company)]
                for e in self.rules
            ),
        }
        written = dumps(rows, sort_keys=True, separators=(",", ":"))
        return sha256(written.encode()).hexdigest()


def _plan(plan: BookPlan) -> dict[str, Any]:
    charges = [[e.metric, e.title, e.model, json_value(e.price)] for e in plan.charges]
    return {
        "code": plan.code,
        "base": number_text(plan.base),
        "floor": number_text(plan.floor),
        "ceiling": number_text(plan.ceiling),
        "charges": charges,
    }


def number_text(value: Decimal | None) -> str:
    """A number without trailing zeros; empty for None."""
    return "" if value is None else f"{value.normalize() + ZERO:f}"


def json_value(value: Any) -> Any:
    """A price for JSON: Decimals as text."""
    if isinstance(value, Mapping):
        return {str(name): json_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(each) for each in value]
    return f"{value:f}" if isinstance(value, Decimal) else value
