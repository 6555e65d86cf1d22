"""What was agreed, step by step: trials, coupons and overrides end by themselves."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from revenue.customers.plan_change import PlanChange
from revenue.customers.plan_terms import (
    PlanTerms,
    PriceBasis,
    SubscriptionState,
    expanded,
    on_day,
    plan_changes,
    step_after,
)

JAN, FEB, MAR, APR = (date(2026, month, 1) for month in (1, 2, 3, 4))
TRIAL = SubscriptionState.TRIAL


def terms(on=JAN, **more):
    return PlanTerms(on, "s1", "starter", **{"price": Decimal(29), **more})


@pytest.mark.parametrize(
    ("interval", "price", "mrr"),
    [
        ("week", "23", "99.666667"),
        ("month", "99", "99"),
        ("quarter", "250", "83.333333"),
        ("half_year", "594", "99"),
        ("year", "1188", "99"),
        ("two_years", "2400", "100"),
        ("three_years", "2999", "83.305556"),
    ],
)
def test_every_interval_has_its_mrr(interval, price, mrr):
    assert terms(interval=interval, price=Decimal(price)).mrr == Decimal(mrr)


@pytest.mark.parametrize("state", [each for each in SubscriptionState if each != "active"])
def test_only_active_terms_bring_anything(state):
    assert terms(state=state).mrr == 0
    assert state.in_force == (state in {"trial", "free"})


def test_quantity_and_coupon_count():
    assert terms(quantity=3, coupon_percent=Decimal("12.5")).mrr == Decimal("76.125")


def test_a_coupon_of_an_amount_is_of_all_units_and_takes_at_most_the_fee():
    assert terms(quantity=3, coupon_amount=Decimal(20)).mrr == 67
    assert terms(quantity=3, coupon_amount=Decimal(88)).mrr == 0
    yearly = terms(interval="year", price=Decimal(1188), coupon_amount=Decimal(120))
    assert (yearly.mrr, yearly.kept_of_use, yearly.has_coupon) == (89, 1, True)
    assert terms(price=Decimal(0), coupon_amount=Decimal(20)).mrr == 0
    steps: list[Any] = expanded([terms(coupon_amount=Decimal(20), coupon_until=FEB)])
    assert [(each.on, each.mrr) for each in steps] == [(JAN, 9), (FEB, 29)]


def test_a_trial_becomes_active_on_its_day():
    steps: list[Any] = expanded([terms(state=TRIAL, trial_until=FEB)])
    assert [(each.on, each.state, each.mrr) for each in steps] == [
        (JAN, "trial", 0),
        (FEB, "active", 29),
    ]


def test_a_coupon_ends_and_an_override_gives_way_to_what_was_before():
    row = terms(
        coupon_percent=Decimal(50),
        coupon_until=FEB,
        basis=PriceBasis.OVERRIDE,
        price=Decimal(10),
        price_until=MAR,
        price_after=Decimal(29),
    )
    steps: list[Any] = expanded([row])
    assert [(each.on, each.mrr, each.basis) for each in steps] == [
        (JAN, 5, "override"),
        (FEB, 10, "override"),
        (MAR, 29, "list"),
    ]


def test_all_that_ends_on_one_day_is_one_step():
    row = terms(state=TRIAL, trial_until=FEB, coupon_percent=Decimal(50), coupon_until=FEB)
    steps: list[Any] = expanded([row])
    assert [(each.on, each.mrr) for each in steps] == [(JAN, 0), (FEB, 29)]
    assert step_after(steps[-1]) is None


def test_an_override_without_a_later_price_keeps_its_own():
    row = terms(basis=PriceBasis.OVERRIDE, price_until=FEB)
    assert expanded([row])[-1].price == 29


def test_a_later_change_cuts_off_the_steps_of_the_one_before():
    rows = [terms(state=TRIAL, trial_until=MAR), terms(FEB, price=Decimal(40))]
    assert [each.on for each in expanded(rows)] == [JAN, FEB]


def test_of_one_day_the_row_recorded_last_is_valid():
    assert [each.mrr for each in expanded([terms(), terms(price=Decimal(30))])] == [30]


def test_the_terms_of_a_day():
    steps = expanded([terms(FEB), terms(MAR, state=SubscriptionState.ENDED)])
    assert on_day(steps, JAN) is None
    assert on_day(steps, FEB) == steps[0]
    assert on_day(steps, APR) == steps[1]


def test_changes_of_mrr_reach_up_to_a_day():
    rows = [[terms(state=TRIAL, trial_until=FEB)], [replace(terms(MAR), subscription="s2")]]
    assert plan_changes(rows, FEB) == [
        PlanChange(JAN, "s1", Decimal(0), "starter"),
        PlanChange(FEB, "s1", Decimal(29), "starter"),
    ]
