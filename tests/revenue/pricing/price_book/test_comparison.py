"""What differs between two versions, in words."""

from dataclasses import replace
from decimal import Decimal

from revenue.pricing.price_book.comparison import changed_prices
from revenue.pricing.price_book.version import (
    BookCharge,
    BookFactor,
    BookPlan,
    BookRule,
    BookVersion,
)

VOLUME = {"tiers": [{"up_to": "9", "unit": "2"}, {"unit": "1"}], "minimum": "3"}
CAPACITY = {"tiers": [{"max": {"user_seats": "9"}, "price": "2"}, {"max": {}, "price": "5"}]}
CALLS = BookCharge("api_calls", "Calls", "per_unit", {"unit": "0.001"})
PLAN = BookPlan("starter", "Starter", 1, Decimal(29), charges=(CALLS,))
OLD = BookVersion(
    "standard",
    1,
    "USD",
    (PLAN, BookPlan("old", "Old", 2, Decimal(9))),
    (BookFactor("usage", "api_calls", Decimal(1000), Decimal("1.1")),),
    (BookRule("starter", "usage", "api_calls", Decimal(10)),),
    largest_discount=Decimal(20),
)
DASH = "\N{EN DASH}"


def test_the_same_version_differs_in_nothing():
    assert changed_prices(OLD, replace(OLD, number=2)) == []


def test_each_difference_is_said_with_its_values():
    charges = (
        replace(CALLS, price={"unit": Decimal("0.002")}),
        replace(CALLS, model="volume", price=VOLUME),
        BookCharge("user_seats", "Seats", "capacity", CAPACITY),
    )
    new = replace(
        OLD,
        plans=(replace(PLAN, base=Decimal(35), floor=Decimal(20), charges=charges),),
        factors=(BookFactor("company", "employee_count", Decimal(100), Decimal(2), "starter"),),
        rules=(BookRule("starter", "usage", "api_calls", Decimal(20), needs_company=True),),
        largest_discount=Decimal(25),
        largest_change=Decimal(10),
    )
    assert changed_prices(OLD, new) == [
        ("Starter: base price", "$29.00", "$35.00"),
        ("Starter: floor", DASH, "$20.00"),
        ("Starter: Calls (api calls)", "per unit: unit 0.001", "per unit: unit 0.002"),
        (
            "Starter: Calls (api calls), 2",
            DASH,
            "volume: minimum 3; up to 9, unit 2; then, unit 1",
        ),
        ("Starter: Seats (user seats)", DASH, "capacity: max 9 user seats, price 2; then, price 5"),
        ("Old: base price", "$9.00", DASH),
        ("Factor: every plan, api calls above 1,000", "1.1", DASH),
        ("Factor: starter, employee count above 100", DASH, "2"),
        ("Recommendation: starter by usage, api calls", "above 10", "above 20 with company data"),
        ("Largest discount in percent", "20", "25"),
        ("Largest change at a renewal in percent", DASH, "10"),
    ]
