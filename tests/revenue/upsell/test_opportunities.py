"""What a move to a larger plan would bring, from every plan's rated cost."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import BookCharge, NoSuchPlan
from revenue.upsell.opportunities import (
    OpportunityKind,
    UsageForecast,
    find_opportunities,
)


def use(calls, seats=5):
    return PricingInputs({"api_calls": Decimal(calls), "user_seats": Decimal(seats)})


def ahead(low, estimate, high):
    return UsageForecast(use(low), use(estimate), use(high))


def test_use_that_calls_for_a_larger_plan_is_a_plan_that_fits():
    (found,) = find_opportunities(BOOK, "starter", use(20_000), ahead(15_000, 20_000, 60_000))
    assert (found.kind, found.current, found.recommended) == (
        OpportunityKind.PLAN_FIT,
        "starter",
        "professional",
    )
    assert found.gain.estimate == Decimal("77.00")
    assert found.gain.high == Decimal("91.00")
    assert set(found.costs) == {"starter", "professional", "enterprise"}
    assert found.costs["starter"].estimate == Decimal("31.90")
    assert "api_calls of 20000 is above 10000" in found.reason


def test_use_that_will_call_for_it_is_growth():
    (found,) = find_opportunities(BOOK, "starter", use(9_000), ahead(8_000, 12_000, 16_000))
    assert found.kind is OpportunityKind.GROWTH
    assert found.reason.startswith("In the next month: Professional")
    assert found.gain.low <= found.gain.estimate <= found.gain.high


def test_nothing_is_found_for_a_plan_that_suits_or_for_the_largest():
    assert find_opportunities(BOOK, "starter", use(100), ahead(90, 100, 110)) == []
    assert find_opportunities(BOOK, "enterprise", use(10**6), ahead(1, 2, 3)) == []


def test_a_plan_on_which_the_customer_pays_less_is_a_saving_and_goes_alone():
    charge = BookCharge("api_calls", "Calls", "per_unit", {"unit": "0.01"})
    plans = (replace(BOOK.plans[0], charges=(charge,)), *BOOK.plans[1:])
    (found,) = find_opportunities(
        replace(BOOK, plans=plans), "starter", use(20_000), ahead(19_000, 20_000, 21_000)
    )
    assert found.kind is OpportunityKind.OVERAGE_SAVING
    assert found.gain.estimate == Decimal("108.90") - Decimal("231.90")
    assert found.reason.startswith("Professional would cost 108.90 a month")


def test_a_larger_plan_that_brings_nothing_more_is_none():
    plans = (BOOK.plans[0], replace(BOOK.plans[1], base=BOOK.plans[0].base), BOOK.plans[2])
    known = use(20_000)
    assert (
        find_opportunities(
            replace(BOOK, plans=plans), "starter", known, UsageForecast(known, known, known)
        )
        == []
    )


def test_only_plans_on_sale_can_be_left():
    with pytest.raises(NoSuchPlan):
        find_opportunities(BOOK, "legacy", use(1), ahead(1, 1, 1))


@given(st.integers(0, 200_000), st.integers(0, 200_000), st.integers(0, 100))
def test_the_gain_is_the_difference_of_two_quotes(now, then, seats):
    outlook = UsageForecast(use(then, seats), use(then, seats), use(then, seats))
    for each in find_opportunities(BOOK, "starter", use(now, seats), outlook):
        there = calculate_price(BOOK, each.recommended, outlook.estimate).final_price
        here = calculate_price(BOOK, "starter", outlook.estimate).final_price
        assert each.gain.estimate == there - here > 0
