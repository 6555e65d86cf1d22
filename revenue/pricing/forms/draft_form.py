"""The form of a draft: what is entered, its rows added and removed, and its values checked; pure.

Names of fields: `plan.<code>.base_price`, `charge.<n>.model`, `charge.<n>.tier.<m>.up_to`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from aethercrown.currencies import exponent
from revenue.pricing.decimals import (
    FieldProblem,
    InvalidValues,
    non_negative,
    read_date,
)
from revenue.pricing.forms import charge_form, preview_text
from revenue.pricing.forms.charge_form import TIER_COLUMNS, TIERS, base_model
from revenue.pricing.price_book.validation import validate_charge

MAX_CHARGES, MAX_TIERS = 200, 100
MAX_TITLE, MAX_NOTES = 100, 5_000
# every column of tiers: what a model does not use is kept while another one is tried
ALL_COLUMNS = tuple(dict.fromkeys(column for each in TIER_COLUMNS.values() for column in each))
PRICE_PARTS = ("base_price", "floor", "ceiling")
MODEL_TITLES: Mapping[str, str] = {  # as people choose them
    "flat": "Flat: one amount a month",
    "per_unit": "Per unit: each unit costs the same",
    "graduated": "Graduated: each tier prices the units inside it",
    "volume": "Volume: the tier of the whole quantity prices all units",
    "volume_prorated": "Volume, units prorated",
    "package": "Package: a price for each package of units",
    "percentage": "Percentage of an amount, with a fee per event",
    "percentage_min_max": "Percentage of each event, between a least and a most",
    "graduated_percentage": "Graduated percentage",
    "tiered_blocks_all_tiers": "Blocks: every tier that is reached",
    "tiered_blocks_top_tier": "Blocks: only the tier of the total",
    "capacity": "Capacity: the first tier that is large enough",
    "multiplier": "Multiplier of the quantity",
    "min_commitment": "Minimum commitment a month",
    "min_commitment_prorated": "Minimum commitment, by days",
    "proration": "Amount a month, by days",
}
PART_TITLES: Mapping[str, str] = {
    "amount": "Amount",
    "unit": "Price of a unit",
    "package_size": "Units in a package",
    "free_units": "Free units",
    "rate": "Percent",
    "fixed_per_event": "Fee per event",
    "free_events": "Free events",
    "free_amount": "Free amount",
    "min_per_event": "Least per event",
    "max_per_event": "Most per event",
    "multiplier": "Multiplier",
    "commitment": "Least a month",
    "period_amount": "Amount of a whole month",
    "percent_discount": "Discount in percent",
    "minimum": "Least a month, after discount",
    "maximum": "Most a month",
    "proration": "Part of a month: days or whole",
    "in_trial": "In a trial: free or charged",
    "up_to": "Up to",
    "flat": "Fixed amount",
    "max_blocks": "Most blocks",
    "block": "Units in a block",
    "price": "Price",
    "max": "Most of each metric, such as user_seats=10",
}


def model_title(model: str) -> str:
    """What people call a charge model, also one with _incremental behind it."""
    base = base_model(model)
    title = MODEL_TITLES.get(base, base.replace("_", " "))
    return title if model == base else f"{title}, by increments"


def part_title(model: str, name: str) -> str:
    """What people call a part of a price; "up to" counts blocks or units."""
    if name == "rate" and base_model(model) == "graduated_percentage":
        return "Percent inside the tier"
    return PART_TITLES[name]


@dataclass(frozen=True, slots=True)
class EnteredCharge:
    """A charge as texts; `key` is that of its stored row, "" of a new one."""

    key: str = ""
    plan: str = ""
    metric: str = ""
    title: str = ""
    model: str = "per_unit"
    parts: Mapping[str, str] | None = None
    tiers: Sequence[Mapping[str, str]] = ()
    use: str = ""

    @property
    def part_names(self) -> list[str]:
        """The parts of a price that its model uses, without tiers."""
        mine = charge_form.FIELDS_BY_MODEL.get(base_model(self.model), ())
        return [each for each in mine if each != TIERS]

    @property
    def tier_columns(self) -> tuple[str, ...]:
        return TIER_COLUMNS.get(base_model(self.model), ())

    @property
    def price(self) -> dict[str, Any]:
        """The price that the texts make; what its model does not use is left out."""
        given, columns = self.parts or {}, self.tier_columns
        names = (*self.part_names, *charge_form.COMMON_FIELDS)
        found: dict[str, Any] = {each: given[each] for each in names if given.get(each)}
        if columns:
            rows = (self.tiers[at] for at in self.filled_tiers)
            found[TIERS] = [charge_form.tier_of(each, columns) for each in rows]
        return found

    @property
    def filled_tiers(self) -> list[int]:
        """The places of the tiers that have something in a column of the model."""
        return [
            at
            for at, each in enumerate(self.tiers)
            if any(each.get(column) for column in self.tier_columns)
        ]

    def cost(self, currency: str) -> str:
        """What the chosen use costs, or sample uses, or why it cannot be said."""
        return preview_text.preview(self.model, self.price, self.use, currency)


@dataclass(frozen=True, slots=True)
class EnteredDraft:
    """Everything in the form as texts; `seen` is the state of the draft when it was opened."""

    effective_from: str
    largest_discount: str
    notes: str
    prices: Mapping[str, Mapping[str, str]]
    charges: Sequence[EnteredCharge]
    seen: str = ""


@dataclass(frozen=True, slots=True)
class ChargeValues:
    """A charge to store."""

    key: int | None
    plan: str
    metric: str
    title: str
    model: str
    price: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DraftValues:
    """What is to be stored of a draft."""

    effective_from: date
    largest_discount: Decimal
    notes: str
    prices: Mapping[str, Mapping[str, Decimal | None]]
    charges: Sequence[ChargeValues]


def entered(posted: Mapping[str, str], plans: Iterable[str]) -> EnteredDraft:
    """Read a posted form; what it lacks is empty."""

    def text(name: str) -> str:
        return posted.get(name, "").replace("\0", "").strip()

    return EnteredDraft(
        text("effective_from"),
        text("largest_discount"),
        text("notes"),
        {code: {part: text(f"plan.{code}.{part}") for part in PRICE_PARTS} for code in plans},
        [_charge(f"charge.{at}", text) for at in range(_count(text("charge_count"), MAX_CHARGES))],
        text("seen"),
    )


def _charge(path: str, text: Any) -> EnteredCharge:
    model = text(f"{path}.model")
    count = _count(text(f"{path}.tier_count"), MAX_TIERS)
    return EnteredCharge(
        text(f"{path}.key"),
        text(f"{path}.plan"),
        text(f"{path}.metric"),
        text(f"{path}.title"),
        model,
        {name: text(f"{path}.{name}") for name in charge_form.NAMES if name != TIERS},
        [
            {column: text(f"{path}.tier.{at}.{column}") for column in ALL_COLUMNS}
            for at in range(count)
        ],
        text(f"{path}.use"),
    )


def _count(given: str, most: int) -> int:
    return min(int(given), most) if re.fullmatch(r"\d{1,4}", given) else 0


def edited(draft: EnteredDraft, command: str) -> EnteredDraft:
    """The draft with a row more or less: add_charge, remove:2, add_tier:2, remove_tier:2:1.

    Any other command changes nothing. A charge whose model has tiers shows at least one.
    """
    verb, *places = command.split(":")
    at = [_count(each, MAX_CHARGES) for each in places]
    charges = [_with_a_tier(each) for each in draft.charges]
    if verb == "add_charge" and len(charges) < MAX_CHARGES:
        charges.append(EnteredCharge(parts={}))
    elif at and at[0] < len(charges):
        mine = charges[at[0]]
        if verb == "remove":
            del charges[at[0]]
        elif verb == "add_tier" and len(mine.tiers) < MAX_TIERS:
            charges[at[0]] = replace(mine, tiers=[*mine.tiers, _empty(mine)])
        elif verb == "remove_tier" and len(at) == 2:
            rest = [each for place, each in enumerate(mine.tiers) if place != at[1]]
            charges[at[0]] = _with_a_tier(replace(mine, tiers=rest))
    return replace(draft, charges=charges)


def _with_a_tier(charge: EnteredCharge) -> EnteredCharge:
    wants = charge.tier_columns and not charge.tiers
    return replace(charge, tiers=[_empty(charge)]) if wants else charge


def _empty(charge: EnteredCharge) -> dict[str, str]:
    return dict.fromkeys(charge.tier_columns, "")


def kept_aside(charge: EnteredCharge) -> dict[str, str]:
    """What was entered for parts that the chosen model does not use, by name; never stored."""
    parts, shown = charge.parts or {}, {*charge.part_names, *charge_form.COMMON_FIELDS}
    found = {name: value for name, value in parts.items() if value and name not in shown}
    for at, tier in enumerate(charge.tiers):
        for column, value in tier.items():
            if value and column not in charge.tier_columns:
                found[f"tier.{at}.{column}"] = value
    return found


def checked(
    draft: EnteredDraft, metrics: Collection[str], currency: str
) -> tuple[DraftValues | None, list[FieldProblem]]:
    """The values to store, or every bad field by its name in the form."""
    problems: list[FieldProblem] = []
    starts = _read(problems, lambda: read_date(draft.effective_from, "effective_from"))
    discount = _read(
        problems, lambda: non_negative(draft.largest_discount, "largest_discount", text=True)
    )
    if discount is not None and discount > 100:
        problems.append(FieldProblem("largest_discount", "max_value", "must be 100 or less"))
    if len(draft.notes) > MAX_NOTES:
        message = f"has more than {MAX_NOTES:,} characters"
        problems.append(FieldProblem("notes", "too_long", message))
    prices = {
        code: _plan_price(problems, f"plan.{code}", given, currency)
        for code, given in draft.prices.items()
    }
    plans = {code for code, given in draft.prices.items() if given["base_price"]}
    charges = [
        _checked_charge(problems, f"charge.{at}", each, plans, metrics)
        for at, each in enumerate(draft.charges)
    ]
    if problems or starts is None or discount is None:
        return None, problems
    sold = {code: each for code, each in prices.items() if each["base_price"] is not None}
    return DraftValues(starts, discount, draft.notes, sold, charges), []


def _read(problems: list[FieldProblem], read: Any) -> Any:
    """What is read; None where that is a problem, which is kept."""
    try:
        return read()
    except InvalidValues as error:
        problems.extend(error.problems)
        return None


def _plan_price(
    problems: list[FieldProblem], path: str, given: Mapping[str, str], currency: str
) -> dict[str, Decimal | None]:
    found: dict[str, Decimal | None] = {}
    for part in PRICE_PARTS:
        name, text = f"{path}.{part}", given[part]
        value = (
            _read(problems, lambda n=name, t=text: non_negative(t, n, text=True)) if text else None
        )
        digits = exponent(currency)
        if value is not None and value != round(value, digits):
            message = f"has more than the {digits} decimals of {currency}"
            problems.append(FieldProblem(name, "decimals", message))
        if value is not None and value >= 10**12:
            problems.append(FieldProblem(name, "max_value", "is a trillion or more"))
        found[part] = value
    limits = found["floor"], found["ceiling"]
    if given["base_price"] == "" and any(given[each] for each in PRICE_PARTS):
        message = "is required where a floor or a ceiling is given"
        problems.append(FieldProblem(f"{path}.base_price", "required", message))
    if None not in limits and limits[0] > limits[1]:  # type: ignore[operator]  # neither is None
        problems.append(FieldProblem(f"{path}.floor", "crossed", "is above the ceiling"))
    return found


def _checked_charge(
    problems: list[FieldProblem],
    path: str,
    charge: EnteredCharge,
    plans: Collection[str],
    metrics: Collection[str],
) -> ChargeValues:
    if charge.plan not in plans:
        problems.append(FieldProblem(f"{path}.plan", "unknown", "choose a plan with a price"))
    if charge.metric not in metrics:
        message = "choose a metric that is measured"
        problems.append(FieldProblem(f"{path}.metric", "unknown", message))
    if not 0 < len(charge.title) <= MAX_TITLE:
        message = f"needs 1 to {MAX_TITLE} characters: it is printed on the invoice"
        problems.append(FieldProblem(f"{path}.title", "required", message))
    price = charge.price
    if base_model(charge.model) in MODEL_TITLES:
        found = validate_charge(charge.model, price, path)
        problems += [replace(each, path=_name(each.path, path, charge)) for each in found]
    else:
        problems.append(FieldProblem(f"{path}.model", "unknown", "choose how it is charged"))
    key = int(charge.key) if re.fullmatch(r"\d{1,18}", charge.key) else None
    return ChargeValues(key, charge.plan, charge.metric, charge.title, charge.model, price)


def _name(path: str, charge_path: str, charge: EnteredCharge) -> str:
    """The form's name of a part of a price; "tiers[1].unit" is that of the row with that number."""
    inner = path.removeprefix(charge_path).lstrip(".")
    if match := re.fullmatch(r"tiers\[(\d+)\](?:\.(\w+).*)?", inner):
        column = match[2] if match[2] in charge.tier_columns else charge.tier_columns[0]
        return f"{charge_path}.tier.{charge.filled_tiers[int(match[1])]}.{column}"
    is_field = inner in charge_form.NAMES and inner != TIERS
    return f"{charge_path}.{inner if is_field else 'model'}"
