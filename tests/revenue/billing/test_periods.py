"""Months, what meters make of their days, and the plans of a month."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from revenue.billing.periods import (
    Aggregation,
    InputGroup,
    MeterReadings,
    Month,
    aggregate,
    billing_month,
    complete_months,
    overlapping_periods,
    situation,
    tenure_months,
    today_in,
)
from revenue.customers.plan_change import PlanChange
from revenue.pricing.calculation.invoice import PlanPeriod
from revenue.pricing.decimals import InvalidValues

MARCH = Month(date(2026, 3, 1), date(2026, 4, 1))
DAYS = {
    date(2026, 2, 27): Decimal(9),
    date(2026, 3, 1): Decimal(1),
    date(2026, 3, 31): Decimal(4),
    date(2026, 4, 1): Decimal(100),
}


@pytest.mark.parametrize(
    ("day", "days"),
    [(date(2024, 2, 29), 29), (date(2026, 2, 1), 28), (date(2026, 12, 31), 31)],
)
def test_a_month_has_its_own_length(day, days):
    found = billing_month(day)
    assert (found.end - found.start).days == days
    assert found.start <= day < found.end


def test_the_last_complete_months_leave_the_running_one_out():
    found = complete_months(date(2026, 2, 1), 3)
    assert [each.start for each in found] == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
    ]


def test_the_day_is_that_of_the_customers_zone_also_when_clocks_change():
    night = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
    assert today_in("Europe/Berlin", night) == date(2026, 3, 30)
    assert today_in("America/New_York", night) == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("aggregation", "quantity"),
    [
        (Aggregation.SUM, 5),
        (Aggregation.LAST, 4),
        (Aggregation.MAX, 9),
        (Aggregation.MEAN, Decimal("2.5")),
    ],
)
def test_each_rule_makes_its_own_quantity_of_the_same_days(aggregation, quantity):
    assert aggregate(aggregation, DAYS, MARCH) == quantity


def test_a_reading_holds_into_the_month_but_not_for_ever():
    old = {date(2026, 2, 1): Decimal(7)}
    assert aggregate(Aggregation.LAST, old, MARCH) == 7
    assert aggregate(Aggregation.SUM, old, MARCH) is None
    assert aggregate(Aggregation.LAST, {date(2025, 2, 1): Decimal(7)}, MARCH) is None


@pytest.mark.parametrize(
    ("since", "on", "months"),
    [
        (date(2026, 1, 31), date(2026, 2, 27), 0),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2024, 3, 5), date(2026, 3, 5), 24),
        (date(2026, 5, 1), date(2026, 3, 1), 0),
    ],
)
def test_tenure_counts_whole_months(since, on, months):
    assert tenure_months(since, on) == months


def test_meters_answer_their_part_of_the_question():
    found = situation(
        {
            "api_calls": MeterReadings(InputGroup.USAGE, Aggregation.SUM, DAYS),
            "daily_active_rate": MeterReadings(InputGroup.ENGAGEMENT, Aggregation.MEAN, DAYS),
            "silent": MeterReadings(InputGroup.USAGE, Aggregation.SUM, {}),
        },
        MARCH,
        date(2025, 3, 1),
    )
    assert found.usage == {"api_calls": 5}
    assert found.engagement == {"tenure_months": 12, "daily_active_rate": Decimal("2.5")}
    assert found.company is None


def test_a_company_meter_says_something_of_the_company():
    known = {"employee_count": MeterReadings(InputGroup.COMPANY, Aggregation.LAST, DAYS)}
    assert situation(known, MARCH, None).company == {"employee_count": Decimal(4)}


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
