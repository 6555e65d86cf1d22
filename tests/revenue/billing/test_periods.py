"""Months, and what meters make of their days."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from revenue.billing.periods import (
    Aggregation,
    HeldSpan,
    InputGroup,
    MeterReadings,
    Month,
    aggregate,
    aggregate_spans,
    billing_month,
    complete_months,
    situation,
    tenure_months,
    today_in,
)

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
        (Aggregation.MAX, 4),
        (Aggregation.MEAN, Decimal("2.5")),
    ],
)
def test_each_rule_makes_its_own_quantity_of_the_same_days(aggregation, quantity):
    assert aggregate(aggregation, DAYS, MARCH) == quantity


@pytest.mark.parametrize("aggregation", Aggregation)
def test_only_the_last_reading_holds_into_a_month_without_any_and_not_for_ever(aggregation):
    held = aggregate(aggregation, {date(2026, 2, 1): Decimal(7)}, MARCH)
    assert held == (7 if aggregation is Aggregation.LAST else None)
    assert aggregate(aggregation, {date(2025, 2, 1): Decimal(7)}, MARCH) is None


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


def test_a_reading_is_not_held_across_a_gap():
    old = {date(2026, 2, 1): Decimal(7)}
    assert aggregate(Aggregation.LAST, old, MARCH, date(2026, 2, 2)) is None
    assert aggregate(Aggregation.LAST, old, MARCH, date(2026, 2, 1)) == 7


def test_the_days_of_a_plan_are_counted_together():
    spans = [
        HeldSpan(MARCH.start, date(2026, 3, 5), MARCH.start),
        HeldSpan(date(2026, 3, 20), MARCH.end, date(2026, 3, 20)),
    ]
    days = {**DAYS, date(2026, 3, 10): Decimal(50)}
    assert aggregate_spans(Aggregation.SUM, days, spans) == 5
    assert aggregate_spans(Aggregation.LAST, days, spans) == 4
    assert aggregate_spans(Aggregation.MAX, days, spans) == 4
    assert aggregate_spans(Aggregation.MEAN, days, spans) == Decimal("2.5")
