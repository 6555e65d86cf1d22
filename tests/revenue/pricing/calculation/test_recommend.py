"""The documented rules at their bounds, the comparison, and opportunities."""

from dataclasses import replace
from decimal import Decimal

import pytest

from revenue.pricing.calculation.inputs import read_inputs
from revenue.pricing.calculation.recommend import confidence, find_upgrade, recommend_plan
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import NoSuchPlan


def tier(usage, company=None):
    return recommend_plan(BOOK, read_inputs(usage, None, company)).recommended_tier


@pytest.mark.parametrize(
    ("usage", "company", "expected"),
    [
        ({}, None, "starter"),
        ({"api_calls": 10000, "user_seats": 10, "storage_gb": 100}, None, "starter"),
        ({"api_calls": 10001}, None, "professional"),
        ({"user_seats": 11}, None, "professional"),
        ({"storage_gb": 101}, None, "professional"),
        ({"user_seats": 51}, None, "professional"),
        ({"user_seats": 51}, {}, "enterprise"),
        ({"user_seats": 50}, {"employee_count": 100}, "professional"),
        ({}, {"employee_count": 101}, "enterprise"),
        ({}, {"employee_count": 100}, "starter"),
    ],
)
def test_the_documented_rules_decide(usage, company, expected):
    assert tier(usage, company) == expected


def test_the_comparison_prices_every_plan_and_says_why():
    found = recommend_plan(BOOK, read_inputs({"api_calls": 20000}))
    rows = {each.tier: each for each in found.comparison}
    assert [each.monthly_cost for each in found.comparison] == [
        Decimal("31.90"),
        Decimal("108.90"),
        Decimal("548.90"),
    ]
    assert [each.fits for each in found.comparison] == [False, True, True]
    assert found.reason == "Professional: api_calls of 20000 is above 10000."
    assert rows["starter"].why.startswith("Too small.")
    assert rows["enterprise"].why.startswith("Larger than needed.")
    assert "nothing is above the limits" in recommend_plan(BOOK, read_inputs({})).reason


def offered(current, known):
    return find_upgrade(BOOK, current, known)


def test_only_a_larger_and_dearer_plan_is_an_opportunity():
    busy = read_inputs({"api_calls": 20000})
    found = offered("starter", busy)
    assert (found.recommended_tier, found.potential_revenue_increase, found.confidence) == (
        "professional",
        Decimal("77.00"),
        0.6,
    )
    assert find_upgrade(BOOK, "professional", busy) is None
    assert find_upgrade(BOOK, "enterprise", busy) is None
    cheap = replace(BOOK.plans[1], base=Decimal(1))
    book = replace(BOOK, plans=(BOOK.plans[0], cheap, BOOK.plans[2]))
    assert find_upgrade(book, "starter", busy) is None
    with pytest.raises(NoSuchPlan):
        find_upgrade(BOOK, "gold", busy)
    with pytest.raises(NoSuchPlan, match="no active plan"):
        recommend_plan(replace(BOOK, plans=()), busy)


def test_confidence_learns_from_answers():
    assert confidence(0, 0) == 0.6
    assert confidence(10, 0) == 0.8
    assert confidence(0, 10) == 0.3
