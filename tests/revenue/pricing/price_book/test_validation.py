"""What keeps a version from being published, and the cliffs its publisher is told of."""

from dataclasses import replace
from decimal import Decimal

import pytest

from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.validation import (
    cliff_warnings,
    find_cliffs,
    validate_book,
    validate_charge,
)
from revenue.pricing.price_book.version import BookCharge, BookFactor, BookRule

D = Decimal
CLIFF = {"tiers": [{"up_to": 15, "unit": 10}, {"unit": 5}]}


def told(**changes):
    return [str(each) for each in validate_book(replace(BOOK, **changes))]


def with_charges(*charges, **more):
    metered = tuple(BookCharge("calls", "Calls", model, price) for model, price in charges)
    return replace(BOOK, plans=(replace(BOOK.plans[0], charges=metered, **more),))


def steps_of(*charges):
    return find_cliffs(with_charges(*charges))


def test_the_documented_defaults_have_no_fault():
    assert validate_book(BOOK) == []


def test_a_version_needs_a_plan_and_a_discount_in_percent():
    assert "plans: a version needs a price for at least one plan" in told(plans=(), rules=())
    assert told(largest_discount=D(101)) == [
        "largest_discount: must lie between 0 and 100, not 101"
    ]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"base": D(-1)}, "starter.base_price: must be 0 or more, not -1"),
        ({"base": D("9.999")}, "starter.base_price: has more than the 2 decimals of USD: 9.999"),
        ({"floor": D(5), "ceiling": D(4)}, "starter.floor: is above the ceiling: 5 > 4"),
    ],
)
def test_amounts_fit_the_currency_and_each_other(changed, problem):
    plans = (replace(BOOK.plans[0], **changed), *BOOK.plans[1:])
    assert told(plans=plans) == [problem]


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (
            BookFactor("usage", "api_calls", D(10000), D(2)),
            "usage.api_calls: has two factors above 10000",
        ),
        (BookFactor("mood", "joy", D(1), D(2)), "mood.joy: 'mood' is not a kind of factor"),
        (BookFactor("usage", "x", D(1), D(-2)), "usage.x: above 1: -2"),
        (BookFactor("engagement", "x", D(1), D(101)), "engagement.x: above 1: 101"),
        (
            BookFactor("company", "x", D(1), D(2)),
            "company.x: a factor of company size needs a plan",
        ),
        (
            BookFactor("usage", "x", D(1), D(2), "starter"),
            "usage.x: a factor of company size needs a",
        ),
    ],
)
def test_a_factor_that_cannot_be_is_refused(step, problem):
    found = told(factors=(*BOOK.factors, step))
    assert len(found) == 1
    assert problem in found[0]


def test_a_rule_names_a_plan_with_a_price():
    rule = BookRule("gold", "usage", "api_calls", D(1))
    assert told(rules=(rule,)) == ["rules.api_calls: recommends gold, which has no price here"]


@pytest.mark.parametrize(
    ("model", "price", "problem"),
    [
        ("nothing", {"unit": 1}, "'nothing' is no charge model"),
        ("per_unit", {}, "p.unit: is required"),
        (
            "tiered_blocks_top_tier",
            {"tiers": [{"block": 1, "max_blocks": 5, "price": 1}]},
            "max_blocks must be null in the last tier",
        ),
        ("capacity", {"tiers": [{"max": {"a": 1}, "price": 1}]}, "max must be empty in the last"),
        ("proration_incremental", {"period_amount": 1}, "proration cannot be _incremental"),
        ("percentage", {"rate": 1, "free_events": 3}, "p.free_events: is not billable"),
        (
            "percentage",
            {"rate": 1, "fixed_per_event": 1, "free_amount": 5},
            "p.free_amount: is not billable",
        ),
        ("percentage_min_max_incremental", {"rate": 1}, "cannot be _incremental"),
        ("volume_prorated_incremental", {"tiers": [{"unit": 1}]}, "cannot be _incremental"),
        ("per_unit_incremental_min", {"unit": 1, "minimum": 5}, "for each increment again"),
    ],
)
def test_a_charge_that_a_book_cannot_hold_is_refused(model, price, problem):
    assert problem in str(validate_charge(model, price, "p")[0])


def test_charges_of_a_book_are_checked_and_a_commitment_comes_last():
    fine = with_charges(("per_unit", {"unit": 1}), ("min_commitment", {"commitment": 1}))
    assert validate_book(replace(fine, rules=())) == []
    turned = with_charges(("min_commitment", {"commitment": 1}), ("per_unit", {"unit": 1}))
    found = validate_book(replace(turned, rules=()))
    assert [each.message for each in found] == ["a commitment must be the last of the charges"]


def test_a_volume_price_that_falls_is_a_cliff():
    (found,) = steps_of(("volume", CLIFF))
    assert (found.bound, found.cost, found.above, found.more_from) == (15, 150, 75, D("7.5"))
    assert str(found) == (
        "starter, Calls: at 15 it costs 150, just above only 75; quantities above 7.5 up to 15 "
        "cost more than 15 and a little."
    )


def test_a_flat_price_that_falls_is_a_cliff_from_the_tiers_start():
    price = {"tiers": [{"up_to": 5, "flat": 9}, {"up_to": 9, "flat": 8}, {"flat": 8}]}
    (found,) = steps_of(("volume", price))
    assert (found.bound, found.more_from) == (5, 0)


def test_a_leap_of_more_than_a_fifth_is_told_too():
    price = {"tiers": [{"up_to": 10, "unit": 1}, {"up_to": 20, "unit": 1, "flat": 2}, {"flat": 9}]}
    (found,) = steps_of(("graduated", price), ("per_unit", {"unit": 1}))
    assert (found.bound, found.cost, found.above) == (20, 22, 31)
    assert str(found) == "starter, Calls: at 20 it costs 22, just above 31."


@pytest.mark.parametrize(
    ("quantity", "is_warned"), [("7.5", False), ("7.51", True), ("14", True), ("16", False)]
)
def test_a_quote_below_a_cliff_is_warned(quantity, is_warned):
    plan = with_charges(("volume", CLIFF)).plans[0]
    found = cliff_warnings(plan, {"calls": D(quantity)})
    assert bool(found) == is_warned
    assert cliff_warnings(plan, {}) == ()
    if found:
        assert found[0] == f"Calls: {quantity} costs more than just above 15 would (75)."
