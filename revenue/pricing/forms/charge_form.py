"""Convert a charge's price to form fields and back, and assign problems to fields; pure.

Tiers are text, one line a tier; its values are separated by commas in the order of TIER_COLUMNS.
The first value of the last line may be empty: the last tier has no end.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from revenue.pricing.decimals import FieldProblem, InvalidValues
from revenue.pricing.rating.charge import INCREMENTAL, parse_model_name

COMMON_FIELDS = ("percent_discount", "minimum", "maximum", "proration", "in_trial")
TIERS = "tiers"
TIER_COLUMNS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("graduated", "volume", "volume_prorated"), ("up_to", "unit", "flat")),
    "graduated_percentage": ("up_to", "rate", "flat"),
    **dict.fromkeys(
        ("tiered_blocks_all_tiers", "tiered_blocks_top_tier"), ("max_blocks", "block", "price")
    ),
    "capacity": ("max", "price"),
}
FIELDS_BY_MODEL: Mapping[str, tuple[str, ...]] = {  # the fields of each charge model
    "flat": ("amount",),
    "per_unit": ("unit",),
    **dict.fromkeys(TIER_COLUMNS, (TIERS,)),
    "package": ("amount", "package_size", "free_units"),
    "percentage": ("rate", "fixed_per_event", "free_amount"),
    "percentage_min_max": (
        *("rate", "fixed_per_event", "free_events"),
        *("min_per_event", "max_per_event"),
    ),
    "multiplier": ("multiplier",),
    "min_commitment": ("commitment",),
    "min_commitment_prorated": ("commitment",),
    "proration": ("period_amount",),
}
HELP_TEXTS: Mapping[str, str] = {
    "amount": "flat: the price; package: the price of one package.",
    "unit": "per_unit: the price of each unit.",
    "package_size": "package: units in one package; a package that is started counts in full.",
    "free_units": "package: units that are free.",
    "rate": "percentage, percentage_min_max: percent of the amount.",
    "fixed_per_event": "percentage, percentage_min_max: the fee per event.",
    "free_events": "percentage_min_max: events that are free.",
    "free_amount": "percentage without a fee per event: the amount that is free.",
    "min_per_event": "percentage_min_max: the least amount per event.",
    "max_per_event": "percentage_min_max: the most per event; empty: no limit.",
    "multiplier": "multiplier: what the quantity is multiplied by.",
    "commitment": "min_commitment, min_commitment_prorated: the least a month for fee and charges.",
    "period_amount": "proration: the price of a whole month; billed for the days on a plan.",
    "percent_discount": "Subtracted from the charge, before the minimum.",
    "minimum": "The least amount a month.",
    "maximum": "The most a month.",
    "proration": (
        "days (default): tiers, included units and limits count by the days on the plan. "
        "whole: a part of a month has them in full."
    ),
    "in_trial": "free (default): use in a trial is not billed. charged: it is billed.",
    TIERS: (
        "One tier a line. graduated, volume, volume_prorated: up to, unit price, fixed amount. "
        "graduated_percentage: up to, percent, fixed amount. tiered_blocks: most blocks, "
        "units in a block, price of a block. capacity: metric=most metric=most, price. "
        "The first value of the last line is empty, because the last tier has no end: “, 0.0009”."
    ),
}
MODEL_NAMES = tuple(sorted([*FIELDS_BY_MODEL, *(f"{model}_incremental" for model in INCREMENTAL)]))
NAMES = tuple(
    dict.fromkeys([*(n for each in FIELDS_BY_MODEL.values() for n in each), *COMMON_FIELDS])
)
LAYOUT: Sequence[str | tuple[str, ...]] = (  # the rows of the form
    TIERS,
    ("amount", "unit"),
    ("package_size", "free_units"),
    ("rate", "fixed_per_event"),
    ("free_events", "free_amount"),
    ("min_per_event", "max_per_event"),
    ("multiplier", "commitment"),
    "period_amount",
    ("minimum", "maximum"),
    "percent_discount",
    ("proration", "in_trial"),
)


def base_model(model: str) -> str:
    """A model's name without _incremental, _min and _max."""
    try:
        return parse_model_name(model)[0]
    except InvalidValues:
        return model


def price_from_fields(
    model: str, fields: Mapping[str, str]
) -> tuple[dict[str, Any], list[FieldProblem]]:
    """The price from form fields, and a problem for each filled one that the model does not use."""
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
        lines = (line for line in fields.get(TIERS, "").splitlines() if line.strip())
        price[TIERS] = [_tier(line, columns) for line in lines]
    return price, problems


def _tier(line: str, columns: Sequence[str]) -> dict[str, Any]:
    parts = [part.strip() for part in line.split(",")]
    found = tier_of(dict(zip(columns, parts, strict=False)), columns)
    if len(parts) > len(columns):
        found["more"] = ", ".join(parts[len(columns) :])
    return found


def tier_of(named: Mapping[str, str], columns: Sequence[str]) -> dict[str, Any]:
    """A tier of a price from its texts by column; without its first value it has no end."""
    given = {name: named.get(name, "").strip() for name in columns}
    found: dict[str, Any] = {name: value for name, value in given.items() if value}
    if columns[0] == "max":
        pairs = (pair.partition("=") for pair in given["max"].split())
        found["max"] = {metric: most for metric, _, most in pairs}
    elif columns[0] not in found:
        found[columns[0]] = None
    return found


def tier_texts(model: str, price: Any) -> list[dict[str, str]]:
    """The tiers of a stored price as texts by column; none where the model has no tiers."""
    columns = TIER_COLUMNS.get(base_model(model), ())
    tiers = price.get(TIERS, ()) if isinstance(price, Mapping) else ()
    return [{name: _part(each.get(name)) for name in columns} for each in tiers if columns]


def fields_from_price(model: str, price: Any) -> dict[str, str]:
    """The form fields of a stored price."""
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
    """For each problem the form field and the message; problems of tiers name the line."""
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
