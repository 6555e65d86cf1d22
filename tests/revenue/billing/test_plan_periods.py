"""Which plan a customer was on, from the changes of subscriptions."""

from datetime import date
from decimal import Decimal

import pytest

from revenue.billing.periods import Month
from revenue.billing.plan_periods import overlapping_periods
from revenue.customers.plan_change import PlanChange
from revenue.pricing.calculation.invoice import PlanPeriod
from revenue.pricing.decimals import InvalidValues

MARCH = Month(date(2026, 3, 1), date(2026, 4, 1))


def plan_periods(changes, span):
    """The only sequence."""
    (found,) = overlapping_periods(changes, span) or [[]]
    return found


def change(on, plan="starter", amount=29, key="s1"):
    return PlanChange(on, key, Decimal(amount), plan)


def test_a_plan_that_runs_through_is_one_stay():
    assert plan_periods([change(date(2025, 1, 5))], MARCH) == [
        PlanPeriod("starter", MARCH.start, MARCH.end)
    ]


def test_a_change_in_the_middle_makes_two():
    found = plan_periods(
        [change(date(2026, 1, 1)), change(date(2026, 3, 11), "professional", 99)], MARCH
    )
    assert found == [
        PlanPeriod("starter", MARCH.start, date(2026, 3, 11)),
        PlanPeriod("professional", date(2026, 3, 11), MARCH.end),
    ]


def test_another_amount_on_the_same_plan_is_no_new_stay():
    found = plan_periods([change(date(2026, 1, 1)), change(date(2026, 3, 11), amount=35)], MARCH)
    assert found == [PlanPeriod("starter", MARCH.start, MARCH.end)]


def test_of_a_day_the_change_recorded_last_holds():
    found = plan_periods(
        [change(date(2026, 3, 1), "enterprise", 499), change(date(2026, 3, 1))], MARCH
    )
    assert [each.plan for each in found] == ["starter"]


def test_a_pause_and_what_lies_outside_the_month_are_no_stay():
    rows = [
        change(date(2026, 1, 1)),
        change(date(2026, 3, 5), amount=0),
        change(date(2026, 3, 20)),
        change(date(2026, 4, 1), "enterprise", 499),
        change(date(2020, 1, 1), key="old"),
        change(date(2021, 1, 1), amount=0, key="old"),
    ]
    assert plan_periods(rows, MARCH) == [
        PlanPeriod("starter", MARCH.start, date(2026, 3, 5)),
        PlanPeriod("starter", date(2026, 3, 20), MARCH.end),
    ]


def test_a_subscription_after_another_is_billed_too():
    rows = [
        change(date(2026, 1, 1)),
        change(date(2026, 3, 10), amount=0),
        change(date(2026, 3, 10), "professional", 99, key="s2"),
    ]
    assert [each.plan for each in plan_periods(rows, MARCH)] == ["starter", "professional"]


def test_two_at_once_stand_side_by_side_the_one_that_began_first_first():
    rows = [
        change(date(2026, 3, 10), "enterprise", key="a"),
        change(date(2026, 1, 1), key="b"),
        change(date(2026, 3, 20), "starter", 0, key="b"),
        change(date(2026, 3, 20), "professional", key="c"),
    ]
    assert overlapping_periods(rows, MARCH) == [
        [
            PlanPeriod("starter", MARCH.start, date(2026, 3, 20)),
            PlanPeriod("professional", date(2026, 3, 20), MARCH.end),
        ],
        [PlanPeriod("enterprise", date(2026, 3, 10), MARCH.end)],
    ]


def test_nothing_in_the_month_is_no_lane():
    assert overlapping_periods([change(date(2026, 4, 1))], MARCH) == []


def test_a_subscription_without_a_plan_is_refused():
    with pytest.raises(InvalidValues, match="subscription s1 names no plan"):
        plan_periods([change(date(2026, 1, 1), "")], MARCH)
