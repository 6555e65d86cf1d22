"""Which moves to a offers plan the demo company tells as opportunities that were taken."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from revenue.demo.company import PLANS, Agreement, DemoCustomer
from revenue.demo.offers import offer_outcomes

TODAY = date(2026, 1, 16)
SOME = {"api_calls": 20_000, "storage_gb": 150, "user_seats": 12}
MUCH = {"api_calls": 390_000, "storage_gb": 2_900, "user_seats": 240}


def moved(use, size):
    """A customer who went from the smallest plan to the next 50 days ago, at a use."""
    life = DemoCustomer("Northwind Ltd", "Retail", size, "Ada Moreau", plan=1, usage=use)
    before = Agreement(TODAY - timedelta(days=90), PLANS[0], Decimal(29))
    after = Agreement(TODAY - timedelta(days=50), PLANS[1], Decimal(99), use)
    life.subscriptions.append([before, after])
    return life


@pytest.mark.parametrize(
    ("use", "size", "taken"), [(SOME, "11-50", [PLANS[1]]), (MUCH, "201-1000", [])]
)
def test_only_a_move_to_the_plan_that_the_use_calls_for_was_offered(use, size, taken):
    found = offer_outcomes([moved(use, size)], TODAY)
    assert [each.found.recommended for each in found if each.is_accepted] == taken
    assert len(found) == len(taken)
