"""A charge's price as plain fields, and back."""

from typing import Any

import pytest

from revenue.pricing.decimals import FieldProblem
from revenue.pricing.forms.charge_form import (
    FIELDS_BY_MODEL,
    HELP_TEXTS,
    LAYOUT,
    MODEL_NAMES,
    NAMES,
    TIER_COLUMNS,
    base_model,
    fields_from_price,
    price_from_fields,
    problems_by_field,
)
from revenue.pricing.price_book.validation import validate_charge
from revenue.pricing.rating.charge import INCREMENTAL, MODELS

PRICES: dict[str, dict[str, Any]] = {
    "flat": {"amount": "5"},
    "per_unit": {"unit": "0.1", "minimum": "2", "maximum": "9", "percent_discount": "10"},
    "graduated": {
        "tiers": [{"up_to": "9", "unit": "2", "flat": "1"}, {"up_to": None, "unit": "1"}]
    },
    "volume": {"tiers": [{"up_to": None, "unit": "1"}]},
    "volume_prorated": {"tiers": [{"up_to": "9", "unit": "2"}, {"up_to": None, "unit": "1"}]},
    "graduated_percentage": {"tiers": [{"up_to": None, "rate": "3"}]},
    "tiered_blocks_all_tiers": {"tiers": [{"max_blocks": None, "block": "10", "price": "4"}]},
    "tiered_blocks_top_tier": {"tiers": [{"max_blocks": None, "block": "10", "price": "4"}]},
    "capacity": {
        "tiers": [{"max": {"seats": "5", "gb": "9"}, "price": "1"}, {"max": {}, "price": "2"}]
    },
    "package": {"amount": "5", "package_size": "10", "free_units": "3"},
    "percentage": {"rate": "2", "free_amount": "50"},
    "percentage_min_max": {
        "rate": "2",
        "fixed_per_event": "0.1",
        "free_events": "3",
        "min_per_event": "0.5",
        "max_per_event": "9",
    },
    "multiplier": {"multiplier": "1.2"},
    "min_commitment": {"commitment": "100"},
    "min_commitment_prorated": {"commitment": "100"},
    "proration": {"period_amount": "30"},
}


def test_every_charge_model_has_its_fields_and_every_field_a_help_text():
    assert FIELDS_BY_MODEL.keys() == MODELS.keys() == PRICES.keys()
    assert set(HELP_TEXTS) == set(NAMES)
    assert {model for model, names in FIELDS_BY_MODEL.items() if "tiers" in names} == set(
        TIER_COLUMNS
    )


@pytest.mark.parametrize("model", PRICES)
def test_a_price_goes_into_the_fields_and_comes_back(model):
    found = price_from_fields(model, fields_from_price(model, PRICES[model]))
    assert found == (PRICES[model], [])
    assert validate_charge(model, found[0], "price") == []


@pytest.mark.parametrize("model", sorted(f"{each}_incremental" for each in INCREMENTAL))
def test_an_incremental_charge_has_the_fields_of_its_model(model):
    price = {n: each for n, each in PRICES[base_model(model)].items() if n != "minimum"}
    found = price_from_fields(model, fields_from_price(model, price))
    assert found == (price, [])
    assert validate_charge(model, found[0], "price") == []
    assert model in MODEL_NAMES


def test_suffixes_say_nothing_that_the_fields_do_not():
    assert base_model("package_min_max") == base_model("package_max_min") == "package"
    assert base_model("percentage") == "percentage"
    assert base_model("percentage_min_max") == "percentage_min_max"
    assert base_model("nothing") == "nothing"


def test_a_field_that_the_model_does_not_use_is_named():
    _, found = price_from_fields("flat", {"amount": "5", "tiers": "9, 1", "unit": ""})
    assert problems_by_field(found) == [("tiers", "is not used by flat; leave it empty")]


def test_wrong_tiers_are_named_by_their_line():
    price, _ = price_from_fields("volume", {"tiers": "9, 2\n\n5, 1\n, x, 0, 7"})
    told = dict.fromkeys(problems_by_field(validate_charge("volume", price, "price")))
    assert ("tiers", "Line 2: up_to must be above 9, not 5") in told
    assert any(words.startswith("Line 3: unit must be a number") for _, words in told)
    assert price["tiers"][2]["more"] == "7"


def test_what_belongs_to_no_field_stands_at_the_model():
    assert problems_by_field([FieldProblem("model", "unknown_model", "is none")]) == [
        ("model", "is none")
    ]
    assert problems_by_field([FieldProblem("price.odd", "unknown", "is not known here")]) == [
        ("model", "price.odd: is not known here")
    ]


def test_a_price_that_is_no_object_fills_nothing():
    assert fields_from_price("flat", "nonsense") == {}


def test_a_form_sets_out_every_field_once():
    rows = ((each,) if isinstance(each, str) else each for each in LAYOUT)
    assert sorted(name for row in rows for name in row) == sorted(NAMES)
