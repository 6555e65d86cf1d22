"""The form of a draft: rows added and removed, conditional fields, and every bad field named."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from revenue.pricing.forms import charge_form, draft_form
from revenue.pricing.forms.draft_form import EnteredCharge, EnteredDraft
from revenue.pricing.rating.charge import INCREMENTAL, MODELS

POSTED = {
    "effective_from": "2026-04-01",
    "largest_discount": "20",
    "notes": " Spring \0",
    "seen": "abc",
    "plan.starter.base_price": "29",
    "plan.pro.base_price": "99.50",
    "plan.pro.floor": "50",
    "plan.pro.ceiling": "200",
    "charge_count": "2",
    "charge.0.key": "7",
    "charge.0.plan": "pro",
    "charge.0.metric": "api_calls",
    "charge.0.title": "Calls",
    "charge.0.model": "volume",
    "charge.0.tier_count": "3",
    "charge.0.tier.0.up_to": "9",
    "charge.0.tier.0.unit": "2",
    "charge.0.tier.2.unit": "1",
    "charge.0.minimum": "3",
    "charge.1.plan": "starter",
    "charge.1.metric": "storage_gb",
    "charge.1.title": "Storage",
    "charge.1.model": "per_unit",
    "charge.1.unit": "0.25",
    "charge.1.amount": "left from another model",
    "charge.1.use": "100",
}
METRICS = {"api_calls", "storage_gb"}
PLANS = ["starter", "pro", "gone"]


def read(**changed):
    return draft_form.entered({**POSTED, **changed}, PLANS)


def problems(**changed):
    values, found = draft_form.checked(read(**changed), METRICS, "USD")
    assert values is None
    return {each.path: each.message for each in found}


def test_what_is_entered_becomes_values_and_blank_rows_are_left_out():
    values, found = draft_form.checked(read(), METRICS, "USD")
    assert found == []
    assert values is not None
    assert (values.effective_from, values.largest_discount) == (date(2026, 4, 1), Decimal(20))
    assert values.notes == "Spring"
    assert values.prices == {
        "starter": {"base_price": Decimal(29), "floor": None, "ceiling": None},
        "pro": {"base_price": Decimal("99.50"), "floor": Decimal(50), "ceiling": Decimal(200)},
    }
    first, second = values.charges
    assert (first.key, first.plan, first.metric, first.title) == (7, "pro", "api_calls", "Calls")
    assert first.price == {
        "minimum": "3",
        "tiers": [{"up_to": "9", "unit": "2"}, {"up_to": None, "unit": "1"}],
    }
    assert (second.key, second.price) == (None, {"unit": "0.25"})


def test_every_bad_field_is_named_at_once_by_its_name_in_the_form():
    found = problems(
        **{
            "effective_from": "soon",
            "largest_discount": "120",
            "notes": "x" * 5001,
            "plan.starter.base_price": "29.005",
            "plan.pro.floor": "300",
            "plan.gone.floor": "1",
            "charge.0.tier.2.unit": "a",
            "charge.1.plan": "gone",
            "charge.1.metric": "unmetered",
            "charge.1.title": "",
            "charge.1.unit": "-1",
        }
    )
    assert set(found) == {
        "effective_from",
        "largest_discount",
        "notes",
        "plan.starter.base_price",
        "plan.pro.floor",
        "plan.gone.base_price",
        "charge.0.tier.2.unit",
        "charge.1.plan",
        "charge.1.metric",
        "charge.1.title",
        "charge.1.unit",
    }


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"largest_discount": "much"}, "largest_discount"),
        ({"plan.pro.base_price": "x"}, "plan.pro.base_price"),
        ({"plan.pro.base_price": "1" + "0" * 12, "plan.pro.ceiling": ""}, "plan.pro.base_price"),
        ({"charge.0.tier.0.up_to": "", "charge.0.tier.0.unit": "2"}, "charge.0.tier.0.up_to"),
        ({"charge.0.tier_count": "0"}, "charge.0.model"),
        ({"charge.1.model": "guesswork"}, "charge.1.model"),
        ({"charge.1.percent_discount": "120"}, "charge.1.percent_discount"),
        ({"charge.1.model": "flat_incremental", "charge.1.amount": "3"}, "charge.1.model"),
    ],
)
def test_a_bad_value_is_named_beside_its_field(changed, name):
    assert name in problems(**changed)


def test_counts_that_are_none_or_endless_are_cut():
    assert read(charge_count="99999").charges == []
    assert read(charge_count="x").charges == []
    assert len(read(charge_count="9999").charges) == draft_form.MAX_CHARGES


def drafted(*charges):
    return EnteredDraft("2026-04-01", "20", "", {}, list(charges))


def models(draft):
    return [each.title for each in draft.charges]


def test_rows_are_added_and_removed_without_anything_being_stored():
    one, two = EnteredCharge(title="one"), EnteredCharge(title="two", model="volume")
    draft = drafted(one, two)
    assert models(draft_form.edited(draft, "add_charge")) == ["one", "two", ""]
    assert models(draft_form.edited(draft, "remove:0")) == ["two"]
    assert models(draft_form.edited(draft, "remove:9")) == ["one", "two"]
    assert models(draft_form.edited(draft, "nonsense:0")) == ["one", "two"]
    assert models(draft_form.edited(draft, "")) == ["one", "two"]
    blank = {"up_to": "", "unit": "", "flat": ""}
    assert draft_form.edited(draft, "").charges[1].tiers == [blank]
    more = draft_form.edited(draft, "add_tier:1")
    assert more.charges[1].tiers == [blank, blank]
    tiers = [{**blank, "up_to": "9"}, {**blank, "unit": "1"}]
    filled = replace(draft, charges=[one, replace(two, tiers=tiers)])
    assert draft_form.edited(filled, "remove_tier:1:0").charges[1].tiers == tiers[1:]
    assert draft_form.edited(filled, "remove_tier:1").charges[1].tiers == tiers
    assert draft_form.edited(more, "remove_tier:1:1").charges[1].tiers == [blank]


def test_there_is_an_end_to_rows():
    many = drafted(*[EnteredCharge()] * draft_form.MAX_CHARGES)
    assert len(draft_form.edited(many, "add_charge").charges) == draft_form.MAX_CHARGES
    tiers = drafted(EnteredCharge(model="volume", tiers=[{}] * draft_form.MAX_TIERS))
    found = draft_form.edited(tiers, "add_tier:0").charges[0]
    assert len(found.tiers) == draft_form.MAX_TIERS


def test_every_model_shows_only_its_own_fields_and_has_words():
    assert set(draft_form.MODEL_TITLES) == set(MODELS)
    for model in [*MODELS, *(f"{each}_incremental" for each in INCREMENTAL)]:
        charge = EnteredCharge(model=model)
        names = [*charge.part_names, *charge.tier_columns, *charge_form.COMMON_FIELDS]
        titles = [draft_form.part_title(model, each) for each in names]
        assert not any("_" in each.replace("user_seats", "") for each in titles), model
        assert draft_form.model_title(model)[0].isupper()
    assert draft_form.model_title("volume_incremental").endswith(", by increments")
    assert draft_form.model_title("odd_one") == "odd one"
    assert draft_form.part_title("graduated_percentage", "rate") == "Percent inside the tier"
    assert draft_form.part_title("percentage", "rate") == "Percent"
    assert EnteredCharge(model="unknown").part_names == []


def test_what_another_model_would_use_is_kept_aside_and_not_stored():
    charge = read(**{"charge.0.model": "flat", "charge.0.amount": "5"}).charges[0]
    assert draft_form.kept_aside(charge) == {
        "tier.0.up_to": "9",
        "tier.0.unit": "2",
        "tier.2.unit": "1",
    }
    assert charge.price == {"amount": "5", "minimum": "3"}
    assert draft_form.kept_aside(read().charges[1]) == {"amount": "left from another model"}


def test_the_cost_of_a_chosen_use_is_worked_out_before_anything_is_saved():
    charge = read().charges[1]
    assert charge.cost("USD").startswith("A use of 100 costs 25.00 USD.")
    assert replace(charge, parts={}).cost("USD") == "price.unit is required"
