"""Two versions over many customers: sums, winners, losers, and what is left out."""

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.calculation.plan_use import AgreedPrice
from revenue.pricing.calculation.simulation import SimulatedAccount, Simulation, simulate
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.price_book.default_book import BOOK
from tests.revenue.pricing.price_books import books, uses

D = Decimal


def raised(**bases):
    plans = (replace(each, base=D(bases.get(each.code, each.base))) for each in BOOK.plans)
    return replace(BOOK, number=2, plans=tuple(plans))


def outcome(now, then, accounts):
    return simulate(now, then, accounts)


def account(key, plan, segment="all", periods=3):
    return SimulatedAccount(key, segment, plan, (PricingInputs({}),) * periods)


ACCOUNTS = [
    account("a", "starter", "small"),
    account("b", "professional", "small"),
    account("c", "enterprise", "large"),
    account("d", "gold"),
]


def test_winners_losers_and_sums_are_those_of_single_quotes():
    found = outcome(BOOK, raised(starter=39, enterprise=450), ACCOUNTS)
    assert (found.customers, found.pay_more, found.pay_less, found.unchanged) == (3, 1, 1, 1)
    assert (found.now, found.then) == (3 * (29 + 99 + 499), 3 * (39 + 99 + 450))
    assert [(each.key, each.delta) for each in found.rises] == [("a", 30)]
    assert [(each.key, each.delta) for each in found.falls] == [("c", -147)]
    assert found.large_rises == 1
    assert found.break_even_percent is None
    assert [(each.segment, each.customers) for each in found.segments] == [
        ("large", 1),
        ("small", 2),
    ]
    assert [(each.customers, each.such_as) for each in found.left_out] == [(1, ("d",))]
    assert Simulation.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert len(found.deciles) == 11
    assert found.deciles[5] == 0


def test_the_break_even_is_what_may_leave():
    found = simulate(BOOK, raised(starter=58), [account("a", "starter")])
    assert found.break_even_percent == 50
    assert Simulation.from_dict(found.as_dict()) == found
    unchanged = simulate(BOOK, BOOK, ACCOUNTS)
    assert unchanged.break_even_percent is None


def test_a_price_that_was_nothing_counts_as_a_whole_rise():
    found = simulate(raised(starter=0), BOOK, [account("a", "starter")])
    assert found.rises[0].percent == 100
    free = simulate(raised(starter=0), raised(starter=0), [account("a", "starter")])
    assert free.deciles[0] == 0


def test_customers_at_a_guardrail_are_counted():
    plans = tuple(replace(each, floor=D(50)) for each in BOOK.plans)
    found = simulate(BOOK, replace(BOOK, plans=plans), ACCOUNTS)
    assert found.at_floor_or_ceiling == 1


def test_quantity_and_coupon_change_the_list_price_under_both_versions():
    share = Fraction(3, 2)  # three units with a coupon of 50 %
    shared = replace(account("a", "starter", periods=1), agreed=AgreedPrice(share=share))
    found = simulate(BOOK, raised(starter=39), [shared])
    assert (found.now, found.then) == (D("43.5"), D("58.5"))


def test_a_coupon_of_an_amount_leaves_nothing_below_zero():
    less = replace(account("a", "starter", periods=1), agreed=AgreedPrice(off=D(30)))
    found = simulate(BOOK, raised(starter=39), [less])
    assert (found.now, found.then) == (D(0), D(9))


def test_nobody_makes_an_empty_simulation():
    found = outcome(BOOK, BOOK, [])
    assert (found.customers, found.now, found.deciles) == (0, 0, ())


def test_two_currencies_are_never_added():
    with pytest.raises(InvalidValues, match="version: is in EUR, the version in force in USD"):
        simulate(BOOK, replace(BOOK, currency="EUR"), ACCOUNTS)


@given(books(), books(), st.lists(uses, max_size=5))
def test_sums_equal_single_quotes_to_the_cent(now, then, known):
    accounts = [
        SimulatedAccount(str(key), "s", "large", (PricingInputs(usage),))
        for key, usage in enumerate(known)
    ]
    found = simulate(now, then, accounts)
    for book, total in ((now, found.now), (then, found.then)):
        assert total == sum(
            calculate_price(book, "large", PricingInputs(each)).final_price for each in known
        )
