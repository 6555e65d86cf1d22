"""Every charge model in a price book, by the metrics of a quote and the days of an invoice."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price, final_price
from revenue.pricing.calculation.plan_use import PlanUse, rate_plan_use
from revenue.pricing.decimals import InvalidValues, exact_arithmetic
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.validation import validate_book
from revenue.pricing.price_book.version import BookCharge
from revenue.pricing.rating.charge import compile_charge
from revenue.pricing.rating.usage import ActiveDays

D = Decimal
TIERS = {"tiers": [{"up_to": "10", "unit": "2"}, {"up_to": None, "unit": "1"}]}
PER_EVENT = {"rate": "10", "min_per_event": "2", "max_per_event": "20"}
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def book(model, price, base="0"):
    charge = BookCharge("calls", "Calls", model, price)
    plan = replace(BOOK.plans[0], base=D(base), charges=(charge,))
    return replace(BOOK, plans=(plan,), rules=())


def charged(model, price, base="0", **usage):
    inputs = PricingInputs({name: D(each) for name, each in usage.items()})
    found = calculate_price(book(model, price, base), "starter", inputs)
    with exact_arithmetic():
        assert final_price(book(model, price, base), "starter", inputs) == found.final_price
    assert found.ignored == ()
    return found.breakdown["charges"]


@pytest.mark.parametrize(
    ("model", "price", "usage", "expected"),
    [
        ("volume_prorated", TIERS, {"calls": 20}, "20"),
        ("volume_prorated", TIERS, {"calls": 20, "calls_prorated": 15}, "15"),
        ("percentage_min_max", PER_EVENT, {"calls": 300, "calls_events": 3}, "30"),
        ("proration", {"period_amount": "30"}, {}, "30"),
        ("graduated_incremental", TIERS, {"calls": 5}, "10"),
        ("graduated_incremental", TIERS, {"calls": 5, "calls_previous": 8}, "7"),
        (
            "per_unit_incremental",
            {"unit": "1", "maximum": "10"},
            {"calls": 5, "calls_previous": 8, "calls_previous_billed": 8},
            "2",
        ),
    ],
)
def test_a_quote_rates_every_model(model, price, usage, expected):
    assert validate_book(book(model, price)) == []
    assert charged(model, price, **usage) == D(expected)


def test_a_prorated_commitment_counts_the_fee():
    assert charged("min_commitment_prorated", {"commitment": "90"}, base="29") == 61


def test_a_price_per_event_needs_the_number_of_events():
    with pytest.raises(InvalidValues, match=r"usage_data.calls: events is required"):
        charged("percentage_min_max", PER_EVENT, calls=5)


def invoiced(model, price, days=30, fee="0"):
    use = PlanUse("starter", ActiveDays.of_count(JUNE, JULY, days), PricingInputs({}), fee=D(fee))
    return rate_plan_use(book(model, price), use).lines[-1]


def test_an_invoice_prorates_charges_for_days_by_the_days_on_the_plan():
    whole = invoiced("proration", {"period_amount": "30"})
    assert (whole.amount, whole.description) == (30, "Calls: the whole period")
    part = invoiced("proration", {"period_amount": "30"}, 15)
    assert (part.amount, part.description) == (15, "Calls: 15 of 30 days")


@pytest.mark.parametrize("model", ["min_commitment", "min_commitment_prorated"])
def test_an_invoice_prorates_a_commitment_like_the_plan_fee(model):
    line = invoiced(model, {"commitment": "90"}, 15, "15")
    assert line.amount == 45 - 15
    assert line.description == "Calls: up to the commitment of 90 for 15 of 30 days"


def test_a_commitment_may_stay_whole():
    price = {"commitment": "90", "proration": "whole"}
    assert invoiced("min_commitment", price, 15, "15").amount == 75


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ({"unit": "1", "proration": "half"}, "proration: must be days or whole"),
        ({"unit": "1", "in_trial": "yes"}, "in_trial: must be free or charged"),
    ],
)
def test_a_setting_out_of_its_choices_is_refused(price, words):
    with pytest.raises(InvalidValues, match=words):
        compile_charge("per_unit", price)
