"""A charge's price as plain fields, and back: what a form asks, and which field is wrong; pure.

Tiers are lines of text, a tier a line, its parts set apart by commas in the order of COLUMNS; the
last line's first part may be empty, for the last tier has no end.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from revenue.pricing.decimals import FieldProblem

COMMON_FIELDS = ("percent_discount", "minimum", "maximum")
TIERS = "tiers"
FIELDS_BY_MODEL: Mapping[str, tuple[str, ...]] = {  # what each model of a book asks for
    "flat": ("amount",),
    "per_unit": ("unit",),
    "graduated": (TIERS,),
    "volume": (TIERS,),
    "graduated_percentage": (TIERS,),
    "tiered_blocks_all_tiers": (TIERS,),
    "tiered_blocks_top_tier": (TIERS,),
    "capacity": (TIERS,),
    "package": ("amount", "package_size", "free_units"),
    "percentage": ("rate", "fixed_per_event", "free_events", "free_amount"),
    "multiplier": ("multiplier",),
    "min_commitment": ("commitment",),
}
TIER_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "graduated": ("up_to", "unit", "flat"),
    "volume": ("up_to", "unit", "flat"),
    "graduated_percentage": ("up_to", "rate", "flat"),
    "tiered_blocks_all_tiers": ("max_blocks", "block", "price"),
    "tiered_blocks_top_tier": ("max_blocks", "block", "price"),
    "capacity": ("max", "price"),
}
HELP_TEXTS: Mapping[str, str] = {
    "amount": "flat: the price; package: the price of one package.",
    "unit": "per_unit: the price of each unit.",
    "package_size": "package: units in one; a started one counts whole.",
    "free_units": "package: units that cost nothing.",
    "rate": "percentage: percent of the amount.",
    "fixed_per_event": "percentage: the fee for each event.",
    "free_events": "percentage: events without a fee.",
    "free_amount": "percentage: the amount that is free.",
    "multiplier": "multiplier: what the quantity is multiplied by.",
    "commitment": "min_commitment: the least of a month, all charges before it counted.",
    "percent_discount": "Taken off what was used, before the minimum.",
    "minimum": "At least so much a month.",
    "maximum": "At most so much a month.",
    TIERS: (
        "One tier a line. graduated, volume: up to, unit price, fixed amount. "
        "graduated_percentage: up to, percent, fixed amount. tiered_blocks: most blocks, "
        "units in a block, price of a block. capacity: metric=most metric=most, price. "
        "The last line begins with nothing, for its tier is open: “, 0.0009”."
    ),
}
NAMES = tuple(
    dict.fromkeys([*(n for each in FIELDS_BY_MODEL.values() for n in each), *COMMON_FIELDS])
)
LAYOUT: Sequence[str | tuple[str, ...]] = (  # how a form sets them out
    TIERS,
    ("amount", "unit"),
    ("package_size", "free_units"),
    ("rate", "fixed_per_event"),
    ("free_events", "free_amount"),
    ("multiplier", "commitment"),
    ("minimum", "maximum"),
    "percent_discount",
)


@dataclass(frozen=True, slots=True)
class FormPrice:
    """A price as the rater takes it, and what of the fields has no place in its model."""

    price: dict[str, Any]
    problems: tuple[FieldProblem, ...]


def base_model(model: str) -> str:
    """A model without the suffixes that the fields say by themselves."""
    for suffix in ("_min", "_max"):
        model = model.removesuffix(suffix)
    return model.removesuffix("_min")


def price_from_fields(model: str, fields: Mapping[str, str]) -> FormPrice:
    """The price that filled fields make; a field that the model does not use is a problem."""
    mine = FIELDS_BY_MODEL.get(base_model(model), ())
    problems = [
        FieldProblem(name, "unused", f"is not used by {model}; leave it empty")
        for name in NAMES
        if fields.get(name) and name not in mine and name not in COMMON_FIELDS
    ]
    price: dict[str, Any] = {
        name: fields[name] for name in (*mine, *COMMON_FIELDS) if name != TIERS and fields.get(name)
    }
    if TIERS in mine:
        columns = TIER_COLUMNS[base_model(model)]
        price[TIERS] = [_tier(line, columns) for line in _lines(fields.get(TIERS, ""))]
    return FormPrice(price, tuple(problems))


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _tier(line: str, columns: Sequence[str]) -> dict[str, Any]:
    parts = [part.strip() for part in line.split(",")]
    named = dict(zip(columns, parts, strict=False))
    found: dict[str, Any] = {name: value for name, value in named.items() if value}
    if columns[0] == "max":
        pairs = (pair.partition("=") for pair in named.get("max", "").split())
        found["max"] = {metric: most for metric, _, most in pairs}
    elif columns[0] not in found:
        found[columns[0]] = None
    if len(parts) > len(columns):
        found["more"] = ", ".join(parts[len(columns) :])
    return found


def fields_from_price(model: str, price: Any) -> dict[str, str]:
    """What the fields of a form hold for a price that is stored."""
    known = price if isinstance(price, Mapping) else {}
    found = {
        name: str(known[name]) for name in NAMES if name != TIERS and known.get(name) is not None
    }
    columns = TIER_COLUMNS.get(base_model(model))
    if columns:
        found[TIERS] = "\n".join(_line(each, columns) for each in known.get(TIERS, ()))
    return found


def _line(tier: Mapping[str, Any], columns: Sequence[str]) -> str:
    parts = [_part(tier.get(name)) for name in columns]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return ", ".join(parts)


def _part(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{metric}={most}" for metric, most in value.items())
    return "" if value is None else str(value)


def problems_by_field(problems: Iterable[FieldProblem]) -> list[tuple[str, str]]:
    """The field that each problem of a price stands at, and its words; a tier by its line."""
    found = []
    for each in problems:
        path = each.path.removeprefix("price").lstrip(".")
        if path.startswith(f"{TIERS}["):
            line, _, part = path.removeprefix(f"{TIERS}[").partition("]")
            words = f"Line {int(line) + 1}: {part.lstrip('.')} {each.message}".replace("  ", " ")
            found.append((TIERS, words))
        else:
            name = path if path in {*NAMES, "model"} else "model"
            found.append((name, each.message if name == path else str(each)))
    return found
